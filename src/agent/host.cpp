#include "agent/host.h"

#include "base/numbers.h"

namespace boxship::agent {

std::string container_id(const std::string& task, std::size_t number)
{
    return task + "-" + std::to_string(number);
}

std::optional<std::pair<std::string, std::size_t>> parse_container_id(std::string_view id)
{
    const auto dash = id.rfind('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto number = parse_number<std::size_t>(id.substr(dash + 1));
    if (!number) return std::nullopt;
    return std::pair(std::string(id.substr(0, dash)), *number);
}

}  // namespace boxship::agent
