#include "control/retention.h"

#include "decide/retention.h"

namespace boxship::control {
namespace {

constexpr int everything = 0;

std::optional<Time> turn(state::Txn& txn, const int&, Time now)
{
    const decide::Expired expired = decide::plan_retention(txn, now);
    for (const auto& id : expired.tasks) txn.erase<model::Task>(id);
    for (const auto& key : expired.tokens) txn.erase<model::ClientToken>(key);
    for (const auto& id : expired.instances) txn.erase<model::Instance>(id);
    for (const auto& id : expired.definitions) txn.erase<model::TaskDefinition>(id);
    return expired.wake_at;
}

}  // namespace

Retention::Retention(state::Store& store) : store_(store), loop_(store, turn) {}

void Retention::follow()
{
    store_.watch([this](const state::Changes& changes) {
        for (const auto& change : changes) {
            const auto* task = change.after_as<model::Task>();
            const auto* instance = change.after_as<model::Instance>();
            const auto* definition = change.after_as<model::TaskDefinition>();
            if ((task && !task->live()) || (instance && instance->status == model::InstanceStatus::inactive) ||
                (definition && definition->status == model::DefinitionStatus::delete_in_progress) ||
                change.after_as<model::ClientToken>()) {
                loop_.touch(everything);
                return;
            }
        }
    });
}

void Retention::start() { loop_.touch(everything); }

}  // namespace boxship::control
