#include "decide/service/balance.h"

#include <algorithm>

#include "base/ipv4.h"
#include "decide/service/sentences.h"
#include "decide/targets.h"

namespace boxship::decide {
namespace {

// Where the task answers for this use, as the group knows it; nothing as long as it has no place there.
std::optional<model::TargetKey> key_of(const state::View& view, const model::Task& task, const model::TargetGroupUse& use, const model::TargetGroup& group)
{
    if (group.type == model::TargetType::ip) {
        if (!task.attachment.id) return std::nullopt;
        return model::TargetKey{group.id, ipv4_text(task.attachment.address), use.port};
    }
    const auto instance = view.get<model::Instance>(task.instance);
    if (!instance) return std::nullopt;
    for (const auto& container : task.containers)
        if (container.name == use.container)
            for (const auto& binding : container.bindings)
                if (binding.port.container_port == use.port) return model::TargetKey{group.id, instance->ec2_instance_id, binding.port.host_port};
    return std::nullopt;
}

struct Place {
    std::shared_ptr<const model::TargetGroup> group;
    const std::string* arn;
    model::TargetKey key;
};

// What a revision's tasks belong into.
struct Use {
    model::TargetGroupUse use;
    std::shared_ptr<const model::TargetGroup> group;    // nullptr: deleted
};

class Balance {
public:
    Balance(const state::View& view, const model::Service& service, Time now) : view_(view), service_(service), now_(now) {}

    void look_at(const model::Task& row)
    {
        const std::vector<Use>* uses = uses_of(row.revision);
        if (!uses) return;
        const auto places = places_of(row, *uses);
        model::Task task = row;
        if (task.wanted) serve(task, uses->size(), places);
        else leave(task, places);
        if (task.in_service == row.in_service && task.unwell == row.unwell && task.draining == row.draining) return;
        ++task.version;
        plan_.tasks.push_back(std::move(task));
    }

    bool is_registered(const model::Task& row)
    {
        const std::vector<Use>* uses = uses_of(row.revision);
        if (!uses) return false;
        return std::ranges::any_of(places_of(row, *uses), [&](const Place& place) {
            const auto target = view_.get<model::Target>(place.key);
            return target && !target->draining();
        });
    }

    std::optional<Unwell> what_is_unwell(const model::Task& row)
    {
        const std::vector<Use>* uses = uses_of(row.revision);
        if (!uses) return std::nullopt;
        for (const auto& place : places_of(row, *uses)) {
            const auto target = view_.get<model::Target>(place.key);
            if (!target) continue;
            const auto health = health_of(view_, *target);
            if (health.state != model::TargetState::unhealthy) continue;
            const bool by_instance = place.group->type == model::TargetType::instance;
            return Unwell{*place.arn, by_instance ? place.key.id : "", place.key.port, health.description};
        }
        return std::nullopt;
    }

    std::size_t writes() const { return plan_.tasks.size() + plan_.targets.size(); }
    void looked_at(const TaskId& id) { plan_.looked_at.push_back(id); }

    BalancePlan take()
    {
        const auto tell = [&](const char* what, const std::map<std::string, int>& counts) {
            for (const auto& [arn, count] : counts) plan_.events.push_back(say::targets(service_, what, count, arn));
        };
        tell("registered", registered_);
        tell("deregistered", deregistered_);
        if (draining_ > 0) plan_.events.push_back(say::draining(service_, draining_));
        return std::move(plan_);
    }

private:
    // Looked up once for all tasks of a revision; nullptr: there is no such revision.
    const std::vector<Use>* uses_of(std::int64_t number)
    {
        if (const auto known = uses_.find(number); known != uses_.end()) return &known->second;
        const auto revision = view_.get<model::ServiceRevision>({service_.id, number});
        if (!revision) return nullptr;
        auto& uses = uses_[number];
        for (const auto& use : revision->targets) uses.push_back({use, target_group_of(view_, service_.scope, use.arn)});
        return &uses;
    }

    std::vector<Place> places_of(const model::Task& task, const std::vector<Use>& uses) const
    {
        std::vector<Place> places;
        for (const auto& [use, group] : uses)
            if (group)
                if (auto key = key_of(view_, task, use, *group)) places.push_back({group, &use.arn, std::move(*key)});
        return places;
    }

    void serve(model::Task& task, std::size_t uses, const std::vector<Place>& places)
    {
        const bool serves = task.status == model::TaskStatus::running && task.passes_checks();
        bool healthy = serves && places.size() == uses, unwell = false;
        for (const auto& place : places) {
            const auto standing = view_.get<model::Target>(place.key);
            if (!serves && !standing) continue;
            if (auto target = register_target(view_, *place.group, place.key.id, place.key.port, "", now_)) {
                ++registered_[*place.arn];
                plan_.targets.push_back(std::move(*target));
            }
            const auto state = standing ? health_of(view_, *standing).state : model::TargetState::unused;
            healthy &= state == model::TargetState::healthy;
            unwell |= state == model::TargetState::unhealthy;
        }
        task.in_service = healthy;
        task.unwell = unwell;
    }

    void leave(model::Task& task, const std::vector<Place>& places)
    {
        bool drained = true, begins = false;
        for (const auto& place : places) {
            auto target = deregister_target(view_, place.key, now_);
            drained &= target ? target->drained : is_drained(view_, place.key);
            if (!target) continue;
            begins = true;
            ++deregistered_[*place.arn];
            plan_.targets.push_back(std::move(*target));
        }
        draining_ += begins;
        task.in_service = false;
        // After `down` nobody waits for connections to end.
        const auto platform = view_.get<model::Platform>(0);
        if (drained || (platform && platform->suspended)) task.draining = false;
    }

    const state::View& view_;
    const model::Service& service_;
    const Time now_;
    BalancePlan plan_;
    std::map<std::int64_t, std::vector<Use>> uses_;     // by revision
    std::map<std::string, int> registered_, deregistered_;
    int draining_ = 0;
};

}  // namespace

BalancePlan plan_balance(const state::View& view, const model::Service& service, const std::set<TaskId>& tasks, Time now)
{
    constexpr std::size_t writes_max = 45, looked_at_max = 200;      // one task adds six writes at most
    Balance balance(view, service, now);
    std::size_t looked_at = 0;
    for (const auto& id : tasks) {
        if (balance.writes() >= writes_max || looked_at++ == looked_at_max) break;
        balance.looked_at(id);
        const auto task = view.get<model::Task>(id);
        if (task && task->balanced && task->service == service.id && (task->live() || !task->settled)) balance.look_at(*task);
    }
    return balance.take();
}

std::optional<Unwell> what_is_unwell(const state::View& view, const model::Service& service, const model::Task& task)
{
    return Balance(view, service, Time{}).what_is_unwell(task);
}

bool is_registered(const state::View& view, const model::Service& service, const model::Task& task)
{
    return Balance(view, service, Time{}).is_registered(task);
}

}  // namespace boxship::decide
