#include "control/balance.h"

#include "base/ipv4.h"
#include "control/service_events.h"
#include "decide/service/balance.h"

namespace boxship::control {

Balance::Balance(state::Store& store)
    : store_(store), loop_(
                         store, [this](state::Txn& txn, const ServiceId& id, Time now) { return turn(txn, id, now); },
                         [this](const ServiceId& id) { look_at_all_of(id); })
{
}

void Balance::follow()
{
    store_.watch([this](const state::Changes& changes) {
        for (const auto& change : changes) heard(change);
    });
}

void Balance::start()
{
    store_.update([this](state::Txn&) { look_at_all(); }, [](HostResult<>) {});
}

std::optional<Time> Balance::turn(state::Txn& txn, const ServiceId& id, Time now)
{
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return std::nullopt;
    const auto row = txn.get<model::Service>(id);
    if (!row || row->status == model::ServiceStatus::inactive) {
        waiting_.erase(found);
        return std::nullopt;
    }
    auto plan = decide::plan_balance(txn, *row, found->second, now);
    for (const auto& task : plan.looked_at) found->second.erase(task);
    const bool rest = !found->second.empty();
    if (!rest) waiting_.erase(found);
    for (auto& task : plan.tasks) txn.put(std::move(task));
    for (auto& target : plan.targets) txn.put(std::move(target));
    if (!plan.events.empty()) {
        model::Service service = *row;
        for (auto& event : plan.events) add_event(txn, service, std::move(event), store_.env().random, now);
        txn.put(std::move(service));
    }
    return rest ? std::optional(now) : std::nullopt;
}

void Balance::look_at(const model::Task& task)
{
    if (!task.balanced || !task.service || (!task.live() && task.settled)) return;
    waiting_[task.service].insert(task.id);
    loop_.touch(task.service);
}

void Balance::look_at_all_of(const ServiceId& id)
{
    const auto view = store_.view();
    for (const auto& task : view.all<state::TasksByService>(id)) look_at(*task);
    for (const auto& task : view.all<state::UnsettledTasks>(id)) look_at(*task);
}

void Balance::look_at_all()
{
    for (const auto& [id, service] : store_.view().rows<model::Service>())
        if (service->status != model::ServiceStatus::inactive) look_at_all_of(id);
}

// Whose target it is.
void Balance::target_changed(const model::TargetKey& key)
{
    const auto view = store_.view();
    const auto group = view.get<model::TargetGroup>(key.group);
    if (!group) return;
    if (group->type == model::TargetType::ip) {
        const auto address = parse_ipv4(key.id);
        const auto eni = address ? view.first<state::EniByAddress>({group->vpc, *address}) : nullptr;
        if (const auto task = eni ? view.get<model::Task>(eni->task) : nullptr) look_at(*task);
        return;
    }
    for (const auto& instance : view.all<state::InstancesByEc2Id>(key.id))
        for (const auto& task : view.all<state::BalancedTasksByPort>({instance->id, key.port})) look_at(*task);
}

void Balance::heard(const state::Change& change)
{
    if (const auto* task = change.after_as<model::Task>()) look_at(*task);
    if (const auto* instance = change.after_as<model::Instance>()) {
        const auto* before = change.before_as<model::Instance>();
        if (before && before->status == instance->status && before->ec2_instance_id == instance->ec2_instance_id && before->address == instance->address) return;
        for (const auto& task : store_.view().all<state::TasksByInstance>(instance->id)) look_at(*task);
    }
    if (change.is<model::Target>()) target_changed((change.after ? change.after_as<model::Target>() : change.before_as<model::Target>())->name);
    // What begins or ends to forward to a group decides whether its targets count as healthy.
    if (change.is<model::Listener>() || change.is<model::ListenerRule>() || change.is<model::TargetGroup>() || change.is<model::LoadBalancer>() ||
        change.is<model::Platform>())
        look_at_all();
}

}  // namespace boxship::control
