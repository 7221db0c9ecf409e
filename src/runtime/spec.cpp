#include "runtime/spec.h"

#include <charconv>

namespace boxship::runtime {

std::optional<ContainerId> ContainerId::parse(std::string_view text)
{
    if (text.size() < 34 || text.size() > 42 || text[32] != '-') return std::nullopt;
    const auto task = TaskId::parse(text.substr(0, 32));
    ContainerId id;
    const auto [end, error] = std::from_chars(text.data() + 33, text.data() + text.size(), id.number);
    if (!task || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    id.task = *task;
    return to_text(id) == text ? std::optional(id) : std::nullopt;  // one spelling per id
}

std::string to_text(const ContainerId& id)
{
    return to_text(id.task) + "-" + std::to_string(id.number);
}

}  // namespace boxship::runtime
