#include "control/retention.h"

#include "decide/retention.h"

namespace boxship::control {
namespace {

constexpr int everything = 0;

bool is_deleted(const model::Service* service) { return service && service->status == model::ServiceStatus::inactive; }

// Every row of the table that belongs to the service; keys begin with its id.
template <class Row>
void forget_rows(state::Txn& txn, const ServiceId& id)
{
    std::vector<typename Row::Key> keys;
    const auto& rows = txn.rows<Row>();
    for (auto at = rows.lower_bound({id, 0}); at != rows.end() && at->second->key().service == id; ++at) keys.push_back(at->first);
    for (const auto& key : keys) txn.erase<Row>(key);
}

void forget_service(state::Txn& txn, const ServiceId& id)
{
    forget_rows<model::ServiceEvent>(txn, id);
    forget_rows<model::ServiceRevision>(txn, id);
    std::vector<ServiceDeploymentId> deployments;
    const auto& entries = txn.entries<state::DeploymentsByService>();
    for (auto at = entries.lower_bound({{id, Time{}}, ServiceDeploymentId()}); at != entries.end() && at->first.service == id; ++at)
        deployments.push_back(at->second);
    for (const auto& deployment : deployments) txn.erase<model::ServiceDeployment>(deployment);
    txn.erase<model::Service>(id);
}

std::optional<Time> turn(state::Txn& txn, const int&, Time now)
{
    const decide::Expired expired = decide::plan_retention(txn, now);
    for (const auto& id : expired.tasks) txn.erase<model::Task>(id);
    for (const auto& key : expired.tokens) txn.erase<model::ClientToken>(key);
    for (const auto& id : expired.instances) txn.erase<model::Instance>(id);
    for (const auto& id : expired.services) forget_service(txn, id);
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
                change.after_as<model::ClientToken>() || is_deleted(change.after_as<model::Service>())) {
                loop_.touch(everything);
                return;
            }
        }
    });
}

void Retention::start() { loop_.touch(everything); }

}  // namespace boxship::control
