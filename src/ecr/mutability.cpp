#include "ecr/mutability.h"

#include <algorithm>

namespace boxship::ecr {

bool matches_wildcard(std::string_view pattern, std::string_view text)
{
    std::size_t p = 0, t = 0;
    std::size_t star = pattern.npos, resume = 0;  // the last '*', and where its run may end next
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != pattern.npos) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*') ++p;
    return p == pattern.size();
}

bool tag_may_move(const model::Repository& repository, std::string_view tag)
{
    using model::TagMutability;
    const auto listed = [&] {
        return std::any_of(repository.exclusion_filters.begin(), repository.exclusion_filters.end(),
                           [&](const std::string& filter) { return matches_wildcard(filter, tag); });
    };
    switch (repository.mutability) {
        case TagMutability::mutable_: return true;
        case TagMutability::immutable: return false;
        case TagMutability::immutable_with_exclusion: return listed();
        case TagMutability::mutable_with_exclusion: return !listed();
    }
    return false;
}

}  // namespace boxship::ecr
