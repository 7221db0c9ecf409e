#include "drive/agents/health.h"

#include "model/arns.h"

namespace boxship::drive {
namespace {

using shape::Json;

model::Health health_of(const std::string& text)
{
    if (text == "HEALTHY") return model::Health::healthy;
    return text == "UNHEALTHY" ? model::Health::unhealthy : model::Health::unknown;
}

}  // namespace

void note_health(state::Txn& txn, const InstanceId& instance, const Json& entry)
{
    const auto id = model::task_of_arn(entry.get_string("taskArn"));
    const auto row = id ? txn.get<model::Task>(*id) : nullptr;
    if (!row || !row->live() || row->instance != instance) return;
    model::Task task = *row;
    bool changed = false;
    for (const Json& told : entry["containers"].as_array())
        for (auto& container : task.containers) {
            if (container.name != told.get_string("containerName")) continue;
            const model::Health health = health_of(told.get_string("healthStatus"));
            changed |= container.health != health;
            container.health = health;
        }
    if (!changed) return;
    ++task.version;
    txn.put(std::move(task));
}

}  // namespace boxship::drive
