#include "services/ecs/hosts.h"

#include <fmt/format.h>

#include "base/mutant.h"
#include "decide/lifecycle.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {

Result<> may_speak_for(const Call& call, const model::Instance& instance)
{
    if (call.principal.kind == Principal::Kind::root) return {};
    if (call.principal.kind == Principal::Kind::host && instance.host_principal == call.principal.host) return {};
    return access_denied(messages::instance_not_yours);
}

void put_task(Txn& txn, model::Task task)
{
    const bool early = mutant("reports: the interface goes before the task") && !task.wanted && task.eni;
    if (early || (!task.live() && task.eni)) {
        txn.erase<model::Eni>(task.eni);
        task.eni = {};
    }
    txn.put(std::move(task));
}

void deregister(Txn& txn, const model::Instance& found, Time now)
{
    for (const auto& row : txn.all<state::TasksByInstance>(found.id)) {
        model::Task task = *row;
        decide::give_up(task, fmt::format(decide::reason_instance_lost, found.ec2_instance_id), now);
        put_task(txn, std::move(task));
    }
    model::Instance instance = found;
    instance.status = model::InstanceStatus::inactive;
    instance.agent_connected = false;
    instance.deregistered_at = now;
    ++instance.version;
    txn.put(std::move(instance));
}

}  // namespace boxship::services::ecs
