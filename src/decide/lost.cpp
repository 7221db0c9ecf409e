#include "decide/lost.h"

#include "decide/lifecycle.h"

namespace boxship::decide {
namespace {

constexpr std::size_t writes_max = 64;

std::string in_words(Milliseconds duration)
{
    const auto seconds = duration.count() / 1000;
    const auto words = [](std::int64_t count, const char* unit) { return fmt::format("{} {}{}", count, unit, count == 1 ? "" : "s"); };
    return seconds % 60 == 0 ? words(seconds / 60, "minute") : words(seconds, "second");
}

}  // namespace

Lost plan_lost(const state::View& view, const InstanceId& id, Milliseconds after, Time now)
{
    Lost lost;
    const auto instance = view.get<model::Instance>(id);
    if (!instance || instance->agent_connected || !instance->disconnected_at || after.count() == 0) return lost;
    if (now < instance->disconnected_at) {
        lost.since_now = *instance;
        lost.since_now->disconnected_at = now;
        lost.wake_at = now + after;
        return lost;
    }
    if (const Time due = instance->disconnected_at + after; now < due) {
        lost.wake_at = due;
        return lost;
    }
    for (const auto& row : view.all<state::TasksByInstance>(id)) {
        if (lost.tasks.size() == writes_max) {
            lost.wake_at = now;
            break;
        }
        model::Task& task = lost.tasks.emplace_back(*row);
        give_up(task, fmt::format(reason_agent_away, in_words(after)), now);
    }
    return lost;
}

}  // namespace boxship::decide
