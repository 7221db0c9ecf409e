#include "decide/retention.h"

#include <algorithm>
#include <set>

#include "base/mutant.h"
namespace boxship::decide {
namespace {

constexpr std::size_t writes_max = 64;

// Takes from an index in order of time what is older than `kept`.
template <class Index, class Key>
void take_old(const state::View& view, Time now, Milliseconds kept, Expired& expired, std::vector<Key>& keys)
{
    for (const auto& [since, key] : view.entries<Index>()) {
        const Time due = since + kept;
        if (due > now || keys.size() == writes_max) {
            const Time wake = std::max(due, now);
            if (!expired.wake_at || wake < *expired.wake_at) expired.wake_at = wake;
            return;
        }
        keys.push_back(key);
    }
}

// A service starts tasks of it.
bool is_deployed(const state::View& view, const TaskDefinitionId& id)
{
    for (const auto& revision : view.all<state::RevisionsByDefinition>(id)) {
        const auto service = view.get<model::Service>(revision->id.service);
        if (service && service->status != model::ServiceStatus::inactive && service->primary == revision->id.number) return true;
    }
    return false;
}

}  // namespace

Expired plan_retention(const state::View& view, Time now)
{
    Expired expired;
    take_old<state::StoppedTasksByTime>(view, now, stopped_task_kept, expired, expired.tasks);
    take_old<state::ClientTokensByTime>(view, now, mutant("retention: tokens for a minute") ? Milliseconds(60'000) : client_token_kept, expired, expired.tokens);
    take_old<state::InactiveInstancesByTime>(view, now, inactive_instance_kept, expired, expired.instances);
    take_old<state::DeletedServicesByTime>(view, now, deleted_service_kept, expired, expired.services);
    // What a task still names stays with it: the clock may have been set back between the task's end and the instance's. The
    // reference of a task that leaves in this very turn still counts; what it names goes on the next one.
    bool waits = false;
    std::set<InstanceId> named;
    if (!expired.instances.empty())
        for (const auto& [since, id] : view.entries<state::StoppedTasksByTime>()) named.insert(view.get<model::Task>(id)->instance);
    if (std::erase_if(expired.instances, [&](const InstanceId& id) { return named.contains(id); }) > 0) waits = true;
    for (const auto& [requested, id] : view.entries<state::DeletedDefinitions>()) {
        if (expired.definitions.size() == writes_max) break;
        if (!view.any<state::TasksByDefinition>(id) && !is_deployed(view, id)) expired.definitions.push_back(id);
        else waits = true;
    }
    if (waits && !expired.tasks.empty()) expired.wake_at = now;
    return expired;
}

}  // namespace boxship::decide
