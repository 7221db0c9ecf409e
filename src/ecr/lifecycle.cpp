#include "ecr/lifecycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "ecr/mutability.h"
#include "shape/json_value.h"

namespace boxship::ecr {
namespace {

using shape::Json;
using Tagged = LifecycleRule::Tagged;
using Count = LifecycleRule::Count;

constexpr int wildcards_max = 4;

bool selects(const LifecycleRule& rule, const LifecycleImage& image)
{
    if (rule.tagged == Tagged::any) return true;
    if (rule.tagged == Tagged::untagged) return image.tags.empty();
    return !image.tags.empty() && std::all_of(rule.patterns.begin(), rule.patterns.end(), [&](const std::string& pattern) {
        return std::any_of(image.tags.begin(), image.tags.end(), [&](const std::string& tag) { return matches_wildcard(pattern, tag); });
    });
}

Outcome<void, std::string> read_patterns(const Json& selection, LifecycleRule& rule, const std::string& where)
{
    const Json& patterns = selection["tagPatternList"];
    const Json& prefixes = selection["tagPrefixList"];
    const bool has_patterns = !patterns.as_array().empty(), has_prefixes = !prefixes.as_array().empty();
    if (rule.tagged != Tagged::tagged) {
        if (has_patterns || has_prefixes) return where + ": only tagStatus 'tagged' takes tagPatternList or tagPrefixList";
        return {};
    }
    if (has_patterns == has_prefixes) return where + ": tagStatus 'tagged' needs exactly one of tagPatternList and tagPrefixList";
    for (const Json& entry : (has_patterns ? patterns : prefixes).as_array()) {
        const std::string& text = entry.as_string();
        if (text.empty()) return where + ": a tag pattern or prefix must not be empty";
        if (has_patterns && std::count(text.begin(), text.end(), '*') > wildcards_max)
            return where + ": a tag pattern has at most four wildcards";
        rule.patterns.push_back(has_prefixes ? text + "*" : text);
    }
    std::sort(rule.patterns.begin(), rule.patterns.end());
    return {};
}

Outcome<LifecycleRule, std::string> read_rule(const Json& json, const std::string& where)
{
    LifecycleRule rule;
    if (!json["rulePriority"].is_int64() || json.get_int64("rulePriority") < 1) return where + ": rulePriority must be an integer of at least 1";
    rule.priority = json.get_int64("rulePriority");
    const Json& selection = json["selection"];
    const std::string status = selection.get_string("tagStatus");
    if (status == "tagged") rule.tagged = Tagged::tagged;
    else if (status == "untagged") rule.tagged = Tagged::untagged;
    else if (status == "any") rule.tagged = Tagged::any;
    else return where + ": tagStatus must be tagged, untagged or any";
    if (auto read = read_patterns(selection, rule, where); !read.ok()) return read.error();
    if (selection.get_string("storageClass", "standard") != "standard") return where + ": images cannot be archived in this registry";

    const std::string count = selection.get_string("countType"), unit = selection.get_string("countUnit");
    if (count == "imageCountMoreThan") rule.count = Count::more_than;
    else if (count == "sinceImagePushed") rule.count = Count::since_pushed;
    else if (count == "sinceImagePulled" || count == "sinceImageTransitioned") return where + ": images cannot be archived in this registry";
    else return where + ": countType must be imageCountMoreThan or sinceImagePushed";
    if (rule.count == Count::more_than && selection.has("countUnit")) return where + ": imageCountMoreThan takes no countUnit";
    if (rule.count == Count::since_pushed && unit != "days") return where + ": sinceImagePushed needs the countUnit days";
    if (!selection["countNumber"].is_int64() || selection.get_int64("countNumber") < 1) return where + ": countNumber must be an integer of at least 1";
    rule.number = selection.get_int64("countNumber");
    const std::string action = json["action"].get_string("type");
    if (action == "transition") return where + ": images cannot be archived in this registry";
    if (action != "expire") return where + ": the action's type must be expire";
    return rule;
}

}  // namespace

Outcome<LifecyclePolicy, std::string> parse_lifecycle_policy(std::string_view text)
{
    const auto json = Json::parse(text);
    if (!json.ok()) return "the policy is not JSON: " + json.error();
    if (!json->is_object() || (*json)["rules"].as_array().empty()) return std::string("the policy has no rules");
    LifecyclePolicy policy;
    std::set<std::int64_t> priorities;
    std::set<std::vector<std::string>> selections;
    int untagged = 0, any = 0;
    for (std::size_t i = 0; i < (*json)["rules"].as_array().size(); ++i) {
        const std::string where = fmt::format("rules[{}]", i);
        auto rule = read_rule((*json)["rules"].as_array()[i], where);
        if (!rule.ok()) return std::move(rule).error();
        if (!priorities.insert(rule->priority).second) return where + ": rulePriority must be unique";
        if (rule->tagged == Tagged::untagged && ++untagged > 1) return where + ": only one rule may select untagged images";
        if (rule->tagged == Tagged::any && ++any > 1) return where + ": only one rule may select any image";
        if (rule->tagged == Tagged::tagged && !selections.insert(rule->patterns).second)
            return where + ": the same prefixes or patterns stand in another rule";
        policy.push_back(std::move(rule).value());
    }
    std::sort(policy.begin(), policy.end(), [](const auto& a, const auto& b) { return a.priority < b.priority; });
    for (std::size_t i = 0; i + 1 < policy.size(); ++i)
        if (policy[i].tagged == Tagged::any) return std::string("the rule that selects any image must have the largest rulePriority");
    return policy;
}

std::vector<Expiry> expired_images(const std::vector<LifecycleImage>& images, const LifecyclePolicy& policy, Time now)
{
    std::vector<const LifecycleImage*> newest_first;
    for (const auto& image : images) newest_first.push_back(&image);
    std::sort(newest_first.begin(), newest_first.end(), [](const auto* a, const auto* b) {
        return a->pushed_at != b->pushed_at ? a->pushed_at > b->pushed_at : a->digest > b->digest;
    });

    // Each rule counts all images, as if no other rule existed; but it takes none that a higher rule selects, taken or not.
    std::vector<std::pair<const LifecycleImage*, std::int64_t>> taken;
    std::set<const LifecycleImage*> settled;
    for (const LifecycleRule& rule : policy) {
        std::vector<const LifecycleImage*> selected;
        std::int64_t seen = 0;
        for (const auto* image : newest_first) {
            if (!selects(rule, *image)) continue;
            selected.push_back(image);
            const bool hit = rule.count == Count::more_than ? ++seen > rule.number
                                                            : image->pushed_at + std::chrono::hours(24) * rule.number < now;
            if (hit && !image->in_use && !settled.contains(image)) taken.emplace_back(image, rule.priority);
        }
        settled.insert(selected.begin(), selected.end());
    }
    std::stable_sort(taken.begin(), taken.end(), [](const auto& a, const auto& b) { return a.first->pushed_at < b.first->pushed_at; });
    std::vector<Expiry> expiries;
    for (const auto& [image, priority] : taken) expiries.push_back({image->digest, priority});
    return expiries;
}

}  // namespace boxship::ecr
