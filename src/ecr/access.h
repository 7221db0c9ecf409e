// Who may do what, until IAM decides: the root user everything, a host what a pull needs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace boxship::ecr {

struct Caller {
    enum class Kind : std::uint8_t { root, host };
    Kind kind = Kind::root;
    std::string arn;
    std::string name;  // a host's identity; "" for root
    bool operator==(const Caller&) const = default;
};

// `action` is the IAM action without its prefix: "BatchGetImage".
inline bool allowed(const Caller& caller, std::string_view action)
{
    if (caller.kind == Caller::Kind::root) return true;
    return action == "GetAuthorizationToken" || action == "BatchGetImage" || action == "GetDownloadUrlForLayer" ||
           action == "BatchCheckLayerAvailability" || action == "ListImages" || action == "ListImageReferrers";
}

}  // namespace boxship::ecr
