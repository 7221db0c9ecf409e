#include "services/ec2/filters.h"

#include <algorithm>

#include <fmt/format.h>

namespace boxship::services::ec2 {

bool matches_wildcard(std::string_view pattern, std::string_view text)
{
    // Greedy with one place to come back to: the last '*'. Linear in practice, quadratic at worst.
    std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
    while (t < text.size()) {
        const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
        if (p < pattern.size() && !escaped && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && ((escaped && pattern[p + 1] == text[t]) || (!escaped && (pattern[p] == '?' || pattern[p] == text[t])))) {
            p += escaped ? 2 : 1;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

void add_tag_properties(const std::vector<model::KeyValue>& tags, Properties& properties)
{
    for (const auto& tag : tags) {
        properties["tag-key"].push_back(tag.key);
        properties["tag:" + tag.key].push_back(tag.value);
    }
}

Result<> check_filters(const Filters& filters, const std::vector<std::string_view>& names)
{
    for (const auto& filter : filters) {
        const auto name = filter.name.view();
        if (name.starts_with("tag:") || name == "tag-key") continue;
        if (std::ranges::find(names, name) == names.end()) return invalid_value(fmt::format("The filter '{}' is invalid", name));
    }
    return {};
}

bool passes(const Filters& filters, const Properties& properties)
{
    return std::ranges::all_of(filters, [&](const api::Filter& filter) {
        const auto found = properties.find(filter.name.str());
        if (found == properties.end()) return false;
        return std::ranges::any_of(filter.values, [&](const auto& pattern) {
            return std::ranges::any_of(found->second, [&](const auto& value) { return matches_wildcard(pattern, value); });
        });
    });
}

}  // namespace boxship::services::ec2
