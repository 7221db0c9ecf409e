#include "agent/host.h"

#include <charconv>

namespace boxship::agent {

std::string container_id(const std::string& task, std::size_t number)
{
    return task + "-" + std::to_string(number);
}

std::optional<std::pair<std::string, std::size_t>> parse_container_id(std::string_view id)
{
    const auto dash = id.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    std::size_t number = 0;
    const char* end = id.data() + id.size();
    const auto [at, error] = std::from_chars(id.data() + dash + 1, end, number);
    if (error != std::errc{} || at != end) return std::nullopt;
    return std::pair(std::string(id.substr(0, dash)), number);
}

}  // namespace boxship::agent
