#include "services/ecs/hosts.h"

#include "base/mutant.h"
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

}  // namespace boxship::services::ecs
