#include "drive/agents/sessions.h"

namespace boxship::drive {
namespace {

void note_disconnected(state::Txn& txn, const model::Instance& row, Time now)
{
    if (!row.agent_connected) return;
    model::Instance changed = row;
    changed.agent_connected = false;
    changed.disconnected_at = now;      // after a restart of the server: how long it had been away before, nobody knows
    ++changed.version;
    txn.put(std::move(changed));
}

}  // namespace

void Sessions::follow()
{
    store_.watch([this](const state::Changes& changes) {
        for (const auto& change : changes) {
            // A deregistered host learns of it at once: it must stop what it runs, whose addresses are free again.
            if (const auto* instance = change.after_as<model::Instance>(); instance && instance->status == model::InstanceStatus::inactive)
                if (const auto told = conversations_.find(instance->id); told != conversations_.end()) told->second->cut();
            const auto* after = change.after_as<model::Task>();
            if (!after) continue;
            const auto* before = change.before_as<model::Task>();
            // What concerns the host: that the task is there, that it should end, that it ended.
            if (before && before->instance == after->instance && before->runs_on() == after->runs_on() && before->live() == after->live())
                continue;
            const auto conversation = conversations_.find(after->instance);
            if (conversation == conversations_.end()) continue;
            const auto row = std::static_pointer_cast<const model::Task>(change.after);
            if (auto assignment = find_assignment(store_.view(), row)) conversation->second->task_changed(std::move(*assignment));
        }
    });
}

void Sessions::disconnect_all(state::Txn& txn, Time now)
{
    for (const auto& [id, instance] : std::map(txn.rows<model::Instance>())) note_disconnected(txn, *instance, now);
}

std::optional<Sessions::Refusal> Sessions::check(const state::View& view, const InstanceId& instance, const std::string& host)
{
    const auto row = view.get<model::Instance>(instance);
    if (!row) return Refusal{"InvalidInstanceException", "The container instance is not known here.", 400};
    if (row->host_principal != host) return Refusal{"AccessDeniedException", "These credentials belong to another host.", 403};
    if (row->status == model::InstanceStatus::inactive) return Refusal{"InactiveInstanceException", "instance inactive", 400};
    return std::nullopt;
}

void Sessions::begin(state::Txn& txn, const std::shared_ptr<AcsConversation>& conversation)
{
    const auto row = txn.get<model::Instance>(conversation->instance());
    if (!row || row->status == model::InstanceStatus::inactive) return conversation->cut();   // since it was checked
    conversation->take_snapshot(txn);
    auto& place = conversations_[conversation->instance()];
    if (place) place->cut();  // only the newest connection counts
    place = conversation;
}

void Sessions::end(state::Txn& txn, const std::shared_ptr<AcsConversation>& conversation)
{
    const auto place = conversations_.find(conversation->instance());
    if (place != conversations_.end()) {
        if (place->second != conversation) return;   // a newer one goes on
        conversations_.erase(place);
    }
    if (const auto row = txn.get<model::Instance>(conversation->instance())) note_disconnected(txn, *row, store_.env().clock.now());
}

void Sessions::heartbeat()
{
    for (const auto& [id, conversation] : conversations_) conversation->heartbeat();
}

}  // namespace boxship::drive
