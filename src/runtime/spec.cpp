#include "runtime/spec.h"

#include "base/numbers.h"

namespace boxship::runtime {

std::optional<ContainerId> ContainerId::parse(std::string_view text)
{
    if (text.size() < 34 || text.size() > 42 || text[32] != '-') return std::nullopt;
    const auto task = TaskId::parse(text.substr(0, 32));
    ContainerId id;
    const auto number = parse_number<decltype(id.number)>(text.substr(33));
    if (!task || !number) return std::nullopt;
    id.task = *task;
    id.number = *number;
    return to_text(id) == text ? std::optional(id) : std::nullopt;  // one spelling per id
}

std::string to_text(const ContainerId& id)
{
    return to_text(id.task) + "-" + std::to_string(id.number);
}

}  // namespace boxship::runtime
