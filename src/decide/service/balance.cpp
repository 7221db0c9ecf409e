// A service's tasks in its target groups: registered when they serve, deregistered and drained before they end. What a task
// is to its load balancers stands in its own row (in_service, unwell, draining), for the deciding that follows.
#include <algorithm>

#include "base/ipv4.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"
#include "decide/targets.h"
#include "model/elbv2_arns.h"

namespace boxship::decide {
namespace {

std::shared_ptr<const model::TargetGroup> group_of(const state::View& view, const model::Service& service, const std::string& arn)
{
    // arn:…:targetgroup/<name>/<id>
    const auto last = arn.rfind('/');
    const auto first = last == std::string::npos ? last : arn.rfind('/', last - 1);
    if (first == std::string::npos) return nullptr;
    auto group = view.first<state::TargetGroupByName>({service.scope, arn.substr(first + 1, last - first - 1)});
    return group && model::target_group_arn(*group) == arn ? group : nullptr;
}

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
    model::TargetKey key;
};

class Balance {
public:
    explicit Balance(Turn& turn) : turn_(turn) {}

    void look_at(const model::Task& row)
    {
        const model::ServiceRevision* revision = turn_.revision(row.revision);
        if (!revision) return;
        std::vector<Place> places;
        for (const auto& use : revision->targets)
            if (auto group = group_of(turn_.view, turn_.service, use.arn))
                if (auto key = key_of(turn_.view, row, use, *group)) places.push_back({std::move(group), std::move(*key)});
        model::Task task = row;
        if (task.wanted) serve(task, revision->targets.size(), places);
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
    void serve(model::Task& task, std::size_t uses, const std::vector<Place>& places)
    {
        const bool serves = task.status == model::TaskStatus::running && std::ranges::all_of(task.containers, [](const auto& container) {
            return !container.checked || !container.essential || container.health == model::Health::healthy;
        });
        bool healthy = serves && places.size() == uses, unwell = false;
        for (const auto& place : places) {
            if (!serves && !turn_.view.get<model::Target>(place.key)) continue;
            if (auto target = register_target(turn_.view, *place.group, place.key.id, place.key.port, "", turn_.now)) {
                ++registered_[model::target_group_arn(*place.group)];
                turn_.plan.targets.push_back(std::move(*target));
            }
            const auto standing = turn_.view.get<model::Target>(place.key);
            healthy &= standing && is_healthy(turn_.view, place.key);
            unwell |= standing && health_of(turn_.view, *standing).state == model::TargetState::unhealthy;
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
            ++deregistered_[model::target_group_arn(*place.group)];
            turn_.plan.targets.push_back(std::move(*target));
        }
        task.in_service = false;
        // After `down` nobody waits for connections to end.
        const auto platform = turn_.view.get<model::Platform>(0);
        if (drained || (platform && platform->suspended)) task.draining = false;
    }

    Turn& turn_;
    std::map<std::string, int> registered_, deregistered_;
};

}  // namespace

void balance(Turn& turn)
{
    const auto& in_use = turn.view.revisions_in_use(turn.service.id);
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
