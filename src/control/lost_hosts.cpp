#include "control/lost_hosts.h"

#include "base/log.h"
#include "decide/lost.h"

namespace boxship::control {
namespace {

std::optional<Time> give_up_lost(state::Txn& txn, const InstanceId& id, Milliseconds after, Time now)
{
    decide::Lost lost = decide::plan_lost(txn, id, after, now);
    if (lost.since_now) txn.put(std::move(*lost.since_now));
    for (model::Task& task : lost.tasks) {
        log_warning("task {} counts as lost: the agent of its host has been away since {}", to_text(task.id),
                    to_iso8601(txn.get<model::Instance>(id)->disconnected_at));
        if (task.eni) txn.erase<model::Eni>(task.eni);
        task.eni = {};
        txn.put(std::move(task));
    }
    return lost.wake_at;
}

}  // namespace

LostHosts::LostHosts(state::Store& store, Milliseconds after)
    : store_(store), loop_(store, [after](state::Txn& txn, const InstanceId& id, Time now) { return give_up_lost(txn, id, after, now); })
{
}

void LostHosts::follow()
{
    store_.watch([this](const state::Changes& changes) {
        for (const auto& change : changes)
            if (const auto* instance = change.after_as<model::Instance>(); instance && !instance->agent_connected) loop_.touch(instance->id);
    });
}

void LostHosts::start()
{
    store_.update(
        [this](state::Txn& txn) {
            for (const auto& [id, instance] : txn.rows<model::Instance>())
                if (!instance->agent_connected) loop_.touch(id);
        },
        [](HostResult<>) {});
}

}  // namespace boxship::control
