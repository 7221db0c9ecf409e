// Amazon resource names: arn:aws:ecs:us-east-1:000000000000:task/default/0123…
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace boxship {

struct Arn {
    std::string service;   // "ecs"
    std::string region;    // may be empty (iam)
    std::string account;   // may be empty (s3)
    std::string resource;  // everything after the fifth colon

    static std::optional<Arn> parse(std::string_view text);  // partition must be "aws"
    friend std::string to_text(const Arn& arn);
};

}  // namespace boxship
