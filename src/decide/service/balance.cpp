// A service's tasks in its target groups: registered when they serve, deregistered and drained before they end. What a task
// is to its load balancers stands in its own row (in_service, unwell, draining), for the deciding that follows.
#include <algorithm>

#include "base/ipv4.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"
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
    explicit Balance(Turn& turn) : turn_(turn) {}

    void look_at(const model::Task& row)
    {
        const std::vector<Use>* uses = uses_of(row.revision);
        if (!uses) return;
        std::vector<Place> places;
        for (const auto& [use, group] : *uses)
            if (group)
                if (auto key = key_of(turn_.view, row, use, *group)) places.push_back({group, &use.arn, std::move(*key)});
        model::Task task = row;
        if (task.wanted) serve(task, uses->size(), places);
        else leave(task, places);
        if (task.in_service == row.in_service && task.unwell == row.unwell && task.draining == row.draining) return;
        ++task.version;
        turn_.plan.tasks.push_back(std::move(task));
    }

    void report()
    {
        const auto tell = [&](const char* what, const std::map<std::string, int>& counts) {
            for (const auto& [arn, count] : counts) turn_.tell(say::targets(turn_.service, what, count, arn));
        };
        tell("registered", registered_);
        tell("deregistered", deregistered_);
    }

private:
    // Looked up once for all tasks of a revision; nullptr: there is no such revision.
    const std::vector<Use>* uses_of(std::int64_t number)
    {
        if (const auto known = uses_.find(number); known != uses_.end()) return &known->second;
        const model::ServiceRevision* revision = turn_.revision(number);
        if (!revision) return nullptr;
        auto& uses = uses_[number];
        for (const auto& use : revision->targets) uses.push_back({use, target_group_of(turn_.view, turn_.service.scope, use.arn)});
        return &uses;
    }

    void serve(model::Task& task, std::size_t uses, const std::vector<Place>& places)
    {
        const bool serves = task.status == model::TaskStatus::running && task.passes_checks();
        bool healthy = serves && places.size() == uses, unwell = false;
        for (const auto& place : places) {
            const auto standing = turn_.view.get<model::Target>(place.key);
            if (!serves && !standing) continue;
            if (auto target = register_target(turn_.view, *place.group, place.key.id, place.key.port, "", turn_.now)) {
                ++registered_[*place.arn];
                turn_.plan.targets.push_back(std::move(*target));
            }
            const auto state = standing ? health_of(turn_.view, *standing).state : model::TargetState::unused;
            healthy &= state == model::TargetState::healthy;
            unwell |= state == model::TargetState::unhealthy;
        }
        task.in_service = healthy;
        task.unwell = unwell;
    }

    void leave(model::Task& task, const std::vector<Place>& places)
    {
        bool drained = true;
        for (const auto& place : places) {
            auto target = deregister_target(turn_.view, place.key, turn_.now);
            drained &= target ? target->drained : is_drained(turn_.view, place.key);
            if (!target) continue;
            ++deregistered_[*place.arn];
            turn_.plan.targets.push_back(std::move(*target));
        }
        task.in_service = false;
        // After `down` nobody waits for connections to end.
        const auto platform = turn_.view.get<model::Platform>(0);
        if (drained || (platform && platform->suspended)) task.draining = false;
    }

    Turn& turn_;
    std::map<std::int64_t, std::vector<Use>> uses_;     // by revision
    std::map<std::string, int> registered_, deregistered_;
};

}  // namespace

void balance(Turn& turn)
{
    const auto in_use = turn.view.revisions_in_use(turn.service.id);
    const bool balanced = std::ranges::any_of(in_use, [&](const auto& entry) {
        const auto* revision = turn.revision(entry.first);
        return revision && !revision->targets.empty();
    });
    Balance all(turn);
    if (balanced)
        for (const auto& task : turn.view.all<state::TasksByService>(turn.service.id))
            if (task->balanced) all.look_at(*task);
    for (const auto& task : turn.view.all<state::UnsettledTasks>(turn.service.id))
        if (task->balanced) all.look_at(*task);
    all.report();
}

}  // namespace boxship::decide
