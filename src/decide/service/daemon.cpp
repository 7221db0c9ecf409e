// A DAEMON service: one task on every instance that can take it. There is never a second one beside it, so an older task
// makes room before the newer one starts, as far as minimumHealthyPercent of all allows.
#include <algorithm>
#include <map>

#include "decide/placement/choices.h"
#include "decide/placement/score.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"

namespace boxship::decide {
namespace {

// Where its tasks belong: whatever room there is, an ACTIVE instance of the right kind with what a task needs of it, and a member
// of all that the service's and the definition's constraints name.
class Places {
public:
    Places(const state::View& view, const model::Service& service, const model::ServiceRevision& primary, const model::TaskDefinition& definition)
        : view_(view), request_{.cluster = service.cluster, .launch_type = service.launch_type, .need = need_of(primary.pattern, definition, {}, 1), .group = primary.pattern.group}
    {
        apply_choices({}, service.constraints, request_);
    }

    bool include(const model::Instance& instance) const
    {
        if (instance.status != model::InstanceStatus::active || !is_candidate(instance, request_)) return false;
        const auto& attributes = request_.need.attributes;
        if (!std::ranges::all_of(attributes, [&](const auto& name) { return has_attribute(instance, name); })) return false;
        for (const auto* constraints : {&request_.need.constraints, &request_.constraints})
            for (const auto& constraint : *constraints)
                if (!constraint->selects(instance, constraint->by_load() ? load_of_others(instance.id) : state::InstanceLoad{})) return false;
        return true;
    }

private:
    // Its own task decides nothing: it would come and go for ever.
    state::InstanceLoad load_of_others(const InstanceId& id) const
    {
        state::InstanceLoad load = view_.load(id);
        load.groups.erase(request_.group);
        return load;
    }

    const state::View& view_;
    PlacementRequest request_;
};

}  // namespace

bool depends_on_tasks(const state::View& view, const model::Service& service)
{
    const auto by_tasks = [](const std::string& text) { return text.find("task:") != std::string::npos; };
    const auto primary = view.get<model::ServiceRevision>({service.id, service.primary});
    const auto definition = primary ? view.get<model::TaskDefinition>(primary->definition) : nullptr;
    return std::ranges::any_of(service.constraints, by_tasks, &model::PlacementChoice::field) ||
           (definition && std::ranges::any_of(definition->constraints, by_tasks));
}

bool plan_daemon(Turn& turn)
{
    const model::Service& service = turn.service;
    const model::ServiceRevision& primary = turn.primary();
    const auto definition = turn.view.get<model::TaskDefinition>(primary.definition);
    std::map<InstanceId, bool> hosts;            // true: a task is there, even if only to its end
    if (service.status == model::ServiceStatus::active && definition) {
        const Places places(turn.view, service, primary, *definition);
        for (const auto& instance : turn.view.all<state::InstancesByCluster>(service.cluster))
            if (places.include(*instance)) hosts.emplace(instance->id, false);
    }
    const int desired = static_cast<int>(hosts.size());
    if (turn.service.desired != desired) {
        turn.service.desired = desired;
        turn.service_changed = true;
    }

    const bool stuck = primary.rollout == model::RolloutState::failed;
    int ready = 0, good = 0, live = 0;           // ready: where they belong
    std::vector<std::shared_ptr<const model::Task>> leaving;
    for (auto& task : turn.view.all<state::TasksByService>(service.id)) {
        ++live;
        const auto host = hosts.find(task->instance);
        ready += host != hosts.end() && task->ready();
        if (host != hosts.end()) host->second = true;
        if (!task->wanted) continue;
        const bool older = task->revision != primary.id.number && !stuck;
        if (host == hosts.end() || older || (task->unhealthy() && !turn.in_grace(*task))) leaving.push_back(std::move(task));
        else good += task->ready();
    }
    std::vector<TaskId> stopped;
    int spare = ready - least_running(desired, service.rules.minimum_percent);
    for (const auto& task : leaving) {
        // What is no longer wanted on its host counts for no one's minimum.
        const bool misplaced = !hosts.contains(task->instance);
        if (!misplaced && task->ready() && spare <= 0) continue;
        if (static_cast<int>(stopped.size()) == stops_max) {
            turn.wake(turn.now);
            break;
        }
        const bool sick = task->unhealthy() && !turn.in_grace(*task);
        auto [reason, event] = sick ? ailment_of(turn, *task) : Ailment{"Scaling activity initiated by (deployment " + model::deployment_id(service.primary) + ")", ""};
        if (!turn.stop(*task, reason)) continue;
        if (!event.empty()) turn.tell(std::move(event));
        spare -= !misplaced && task->ready();
        stopped.push_back(task->id);
    }
    if (!stopped.empty()) turn.tell(say::stopped(service, stopped));

    if (!stuck && !turn.throttled()) {
        for (const auto& [host, taken] : hosts) {
            if (taken) continue;
            if (static_cast<int>(turn.plan.start_on.size()) == starts_max) {
                turn.wake(turn.now);
                break;
            }
            turn.plan.start_on.push_back(host);
        }
    }
    // Every host is taken, by tasks that all serve: the minimum alone keeps the older ones.
    const bool full = std::ranges::all_of(hosts, [](const auto& entry) { return entry.second; });
    std::string complaint = full && stopped.empty() && !leaving.empty() && live == ready ? say::stuck(service) : "";
    if (turn.plan.start_on.empty() && service.complaint != complaint) {
        turn.service.complaint = complaint;
        turn.service.complained_at = turn.now;
        turn.service_changed = true;
        if (!complaint.empty()) turn.tell(std::move(complaint));
    }
    return leaving.empty() && good == desired && live == desired;
}

}  // namespace boxship::decide
