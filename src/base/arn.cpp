#include "base/arn.h"

#include <array>

namespace boxship {

std::optional<Arn> Arn::parse(std::string_view text)
{
    std::array<std::string_view, 5> head;
    for (auto& part : head) {
        const auto colon = text.find(':');
        if (colon == text.npos) return std::nullopt;
        part = text.substr(0, colon);
        text.remove_prefix(colon + 1);
    }
    if (head[0] != "arn" || head[1] != "aws" || head[2].empty() || text.empty()) return std::nullopt;
    return Arn{std::string(head[2]), std::string(head[3]), std::string(head[4]), std::string(text)};
}

std::string to_text(const Arn& arn)
{
    return "arn:aws:" + arn.service + ":" + arn.region + ":" + arn.account + ":" + arn.resource;
}

}  // namespace boxship
