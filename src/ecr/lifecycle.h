// Lifecycle policies: which images of a repository expire, and by which rule. Pure: (images, policy, now) → digests.
//
// Archiving is not known here: a policy that transitions images, or selects archived ones, is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace boxship::ecr {

struct LifecycleRule {
    enum class Tagged : std::uint8_t { tagged, untagged, any };
    enum class Count : std::uint8_t { more_than, since_pushed };
    std::int64_t priority = 0;              // lower wins
    Tagged tagged = Tagged::any;
    std::vector<std::string> patterns;      // of `tagged`: each must match some tag; prefixes end in '*'
    Count count = Count::more_than;
    std::int64_t number = 0;                // images, or days
};
using LifecyclePolicy = std::vector<LifecycleRule>;  // by priority

// The error is a sentence that names the rule.
Outcome<LifecyclePolicy, std::string> parse_lifecycle_policy(std::string_view text);

struct LifecycleImage {
    std::string digest;
    std::vector<std::string> tags;
    Time pushed_at;
    bool in_use = false;  // a live task runs it: kept, whatever the rules say
};
struct Expiry {
    std::string digest;
    std::int64_t priority = 0;  // of the rule that took it
};
// Oldest first; each image once.
std::vector<Expiry> expired_images(const std::vector<LifecycleImage>& images, const LifecyclePolicy& policy, Time now);

}  // namespace boxship::ecr
