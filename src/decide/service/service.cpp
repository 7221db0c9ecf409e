#include "decide/service/service.h"

#include <algorithm>

#include "base/mutant.h"
#include "decide/lifecycle.h"
#include "decide/placement/choices.h"
#include "decide/service/balance.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"

namespace boxship::decide {

model::ServiceRevision* Turn::revision(std::int64_t number)
{
    const auto known = revisions.find(number);
    if (known != revisions.end()) return &known->second;
    const auto row = view.get<model::ServiceRevision>({service.id, number});
    return row ? &revisions.emplace(number, *row).first->second : nullptr;
}

bool Turn::throttled()
{
    const model::ServiceRevision& row = primary();
    // Later than it was ever meant to be: the clock was set back meanwhile.
    if (row.start_after <= now || row.start_after - now > throttle_max) return false;
    wake(row.start_after);
    return true;
}

bool Turn::in_grace(const model::Task& task)
{
    // A start in the future: the clock was set back meanwhile, and nobody knows how much of the grace is left.
    if (!service.grace_seconds || !task.started_at || now < task.started_at) return false;
    const Time until = task.started_at + std::chrono::seconds(*service.grace_seconds);
    if (now >= until) return false;
    wake(until);
    return true;
}

Ailment ailment_of(const Turn& turn, const model::Task& task)
{
    if (task.health() == model::Health::unhealthy) return {"Task failed container health checks", say::unhealthy(turn.service, task.id)};
    const auto unwell = what_is_unwell(turn.view, turn.service, task);
    if (!unwell) return {"Task failed ELB health checks", ""};      // its target has just gone
    return {"Task failed ELB health checks in (target-group " + unwell->group_arn + ")", say::unwell(turn.service, task.id, *unwell)};
}

bool Turn::stop(const model::Task& task, std::string_view reason)
{
    if (plan.tasks.size() >= static_cast<std::size_t>(stops_max + settled_max)) {
        wake(now);
        return false;
    }
    model::Task next = task;
    if (!decide::stop(next, model::StopCode::service_scheduler_initiated, reason, now)) return false;
    ++next.version;
    plan.tasks.push_back(std::move(next));
    return true;
}

ServicePlan Turn::take()
{
    if (service_changed) plan.service = std::move(service);
    for (const auto& [number, changed] : revision_changed)
        if (changed) plan.revisions.push_back(std::move(revisions.at(number)));
    if (deployment_changed) plan.deployment = std::move(deployment);
    return std::move(plan);
}

namespace {

// A service that is deleted goes when its last task has, and has left its target groups.
void end_when_empty(Turn& turn, bool all_settled)
{
    if (!all_settled || turn.view.any<state::TasksByService>(turn.service.id) || turn.plan.wake_at) return;
    turn.service.status = model::ServiceStatus::inactive;
    turn.service.deleted_at = turn.now;
    turn.service.complaint.clear();
    turn.service_changed = true;
}

}  // namespace

bool complain(model::Service& service, const std::string& complaint, std::vector<std::string>& events, Time now)
{
    if (service.complaint == complaint) return false;
    service.complaint = complaint;
    service.complained_at = now;
    if (!complaint.empty()) events.push_back(complaint);
    return true;
}

ServicePlan plan_service(const state::View& view, const ServiceId& id, Time now)
{
    const auto row = view.get<model::Service>(id);
    if (!row || row->status == model::ServiceStatus::inactive) return {};
    Turn turn(view, *row, now);
    if (!turn.revision(row->primary)) return {};
    // After `down` tasks end because all ends: that is no failure, and nothing takes their place until the next `up`.
    if (const auto platform = view.get<model::Platform>(0); platform && platform->suspended) return turn.take();
    if (const auto deployment = view.get<model::ServiceDeployment>(row->deployment); deployment && !is_over(deployment->status)) turn.deployment = *deployment;

    begin_deployment(turn);
    const bool all_settled = settle(turn);
    pin_digests(turn);
    trip(turn);
    const bool as_desired = row->scheduling == model::Scheduling::daemon ? plan_daemon(turn) : plan_replica(turn);
    if (row->status == model::ServiceStatus::draining) {
        if (as_desired) end_when_empty(turn, all_settled);
        return turn.take();
    }
    bool moving = false;
    if (as_desired) {
        // A task that moves and does not start is a failure like any other: the next one waits for its throttle.
        moving = row->scheduling == model::Scheduling::replica && (row->steady || row->rebalancing) && rebalance(turn);
        if (!moving) {
            if (row->scheduling == model::Scheduling::replica) turn.settle_complaint();
            forget_failures(turn);
        }
        complete(turn);
    }
    if (turn.service.steady != as_desired) {
        turn.service.steady = as_desired;
        turn.service_changed = true;
        if (as_desired && !moving) turn.tell(say::steady(turn.service));
    }
    return turn.take();
}

int breaker_threshold(const model::RolloutRules& rules, int desired)
{
    const std::int64_t share = (std::int64_t{desired} * rules.threshold + 99) / 100;
    switch (rules.threshold_type) {
    case model::ThresholdType::count: return std::max(1, rules.threshold);
    case model::ThresholdType::unbounded_percent: return static_cast<int>(std::max<std::int64_t>(1, share));
    case model::ThresholdType::bounded_percent: break;
    }
    return static_cast<int>(std::clamp<std::int64_t>(share, 3, 200));
}

Milliseconds throttle(int start_failures, int desired)
{
    if (start_failures <= 0) return Milliseconds(0);
    // Tasks that were started together and failed together are one attempt.
    const int attempts = (start_failures - 1) / std::max(1, desired);
    return std::min<Milliseconds>(throttle_max, Milliseconds(1000) * (std::int64_t{1} << std::min(attempts, 20)));
}

std::string next_provider(const std::vector<model::ProviderShare>& shares, const std::map<std::string, int>& tasks)
{
    const model::ProviderShare* next = nullptr;
    std::int64_t behind = 0;
    for (const auto& share : shares) {
        const auto found = tasks.find(share.name);
        const int there = found == tasks.end() ? 0 : found->second;
        if (there < share.base) return share.name;
        if (share.weight == 0) continue;
        // Tasks beyond the base per weight, after the next one: the least wins.
        const std::int64_t load = std::int64_t{there - share.base + 1} * 1'000'000 / share.weight;
        if (next && load >= behind) continue;
        next = &share;
        behind = load;
    }
    return next ? next->name : "";
}

std::optional<Launch> launch_of(const state::View& view, const model::Service& service, const model::ServiceRevision& revision,
                                double fargate_overcommit)
{
    const auto definition = view.get<model::TaskDefinition>(revision.definition);
    const auto cluster = view.get<model::Cluster>(service.cluster);
    if (!definition || !cluster) return std::nullopt;
    Launch launch{.scope = service.scope, .pattern = revision.pattern, .subnets = {}, .groups = revision.groups, .need = {}};
    for (const auto& id : revision.subnets)
        if (auto subnet = view.get<model::Subnet>(id)) launch.subnets.push_back(std::move(subnet));
    if (launch.subnets.empty() && !revision.subnets.empty()) return std::nullopt;
    model::Task& task = launch.pattern;
    task.exec_enabled = service.exec_enabled;
    task.balanced = !revision.targets.empty();
    if (service.propagate == model::Propagate::service) task.tags = service.tags;
    if (service.propagate == model::Propagate::task_definition) task.tags = definition->tags;
    if (service.managed_tags) {
        task.tags.push_back({"aws:ecs:serviceName", service.name});
        task.tags.push_back({"aws:ecs:clusterName", cluster->name});
    }
    for (auto& container : task.containers) {
        const auto pinned = std::ranges::find(revision.digests, container.name, &model::KeyValue::key);
        if (pinned != revision.digests.end() && !mutant("service: a pinned digest is forgotten")) container.pinned_digest = pinned->value;
    }
    launch.need = need_of(task, *definition, launch.subnets, fargate_overcommit);
    return launch;
}

PlacementRequest placement_of(const state::View& view, const model::Service& service, const Launch& launch)
{
    PlacementRequest request{.cluster = service.cluster, .launch_type = service.launch_type, .need = launch.need, .group = launch.pattern.group};
    if (service.launch_type == model::LaunchType::fargate) {
        if (const auto hosts = view.first<state::ClusterByName>({service.scope, "_fargate"})) request.cluster = hosts->id;
    } else {
        apply_choices(service.strategies, service.constraints, request);
    }
    return request;
}

}  // namespace boxship::decide
