#include <algorithm>

#include "base/arn.h"
#include "services/ecs/service_rows.h"

namespace boxship::services::ecs {
namespace {

// The linked role that AWS names when a service that has a load balancer names none.
constexpr const char* linked_role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";

template <class Out>
void render_platform(const model::ServiceRevision& revision, std::string_view version, Out& out)
{
    if (revision.pattern.launch_type != model::LaunchType::fargate) return;
    out.platform_version = version;
    out.platform_family = "Linux";
}

template <class Out>
void render_capacity(const model::ServiceRevision& revision, Out& out)
{
    if (revision.providers.empty()) out.launch_type = to_api(revision.pattern.launch_type);
    else render_providers(revision, out.capacity_provider_strategy);
    if (!revision.network.empty()) read_back(revision.network, out.network_configuration.emplace());
}

void render_deployment(const ServiceRow& row, const RevisionRow& entry, api::Deployment& out)
{
    const auto& revision = *entry.revision;
    const bool primary = revision.id.number == row.service->primary;
    out.id = model::deployment_id(revision.id.number);
    out.status = primary ? "PRIMARY" : "ACTIVE";
    out.task_definition = revision.definition_arn;
    out.desired_count = primary ? row.service->desired : entry.counts.wanted;
    out.pending_count = entry.counts.pending;
    out.running_count = entry.counts.running;
    out.failed_tasks = revision.failed_tasks;
    out.created_at = revision.created_at;
    out.updated_at = revision.updated_at;
    render_capacity(revision, out);
    render_platform(revision, revision.pattern.platform_version, out);
    out.rollout_state = shape::parse_enum<api::DeploymentRolloutState>(model::to_text(revision.rollout));
    out.rollout_state_reason = revision.rollout_reason;
}

void render_placement(const model::Service& service, api::Service& out)
{
    out.placement_constraints.emplace();
    for (const auto& [type, expression] : service.constraints) {
        auto& entry = out.placement_constraints.emplace_back();
        entry.type = shape::parse_enum<api::PlacementConstraintType>(type);
        if (!expression.empty()) entry.expression = expression;
    }
    out.placement_strategy.emplace();
    for (const auto& [type, field] : service.strategies) {
        auto& entry = out.placement_strategy.emplace_back();
        entry.type = shape::parse_enum<api::PlacementStrategyType>(type);
        if (!field.empty()) entry.field = field;
    }
}

void render_events(const ServiceRow& row, api::Service& out)
{
    out.events.emplace();
    for (const auto& event : row.events) {
        auto& entry = out.events.emplace_back();
        entry.id = model::to_uuid_text(event->id);
        entry.created_at = event->created_at;
        entry.message = event->message;
    }
}

}  // namespace

void render_providers(const model::ServiceRevision& revision, shape::List<api::CapacityProviderStrategyItem>& out)
{
    for (const auto& share : revision.providers) {
        auto& entry = out.emplace_back();
        entry.capacity_provider = share.name;
        entry.weight = share.weight;
        entry.base = share.base;
    }
}

shape::List<api::LoadBalancer> load_balancers_of(const model::ServiceRevision& revision)
{
    api::CreateServiceRequest carrier;
    read_back(revision.load_balancers, carrier);
    carrier.load_balancers.mark();
    return std::move(carrier.load_balancers);
}

ServiceRow service_row(const View& view, ServicePtr service)
{
    ServiceRow row;
    row.cluster = view.get<model::Cluster>(service->cluster);
    const auto add = [&](std::int64_t number, state::RevisionCounts counts) {
        if (auto revision = view.get<model::ServiceRevision>({service->id, number})) row.revisions.push_back({std::move(revision), std::move(counts)});
    };
    const model::RevisionKey primary{service->id, service->primary};
    add(primary.number, view.counts(primary));
    auto others = view.revisions_in_use(service->id);
    std::ranges::reverse(others);
    for (auto& [number, counts] : others)
        if (number != primary.number) add(number, std::move(counts));
    const auto& events = view.rows<model::ServiceEvent>();
    for (auto at = events.lower_bound({service->id, 0}); at != events.end() && at->first.service == service->id; ++at) row.events.push_back(at->second);
    std::ranges::reverse(row.events);
    row.service = std::move(service);
    return row;
}

void render_service(const ServiceRow& row, bool tags, api::Service& out)
{
    const auto& service = *row.service;
    out.service_arn = model::service_arn(*row.cluster, service.name);
    out.service_name = service.name;
    out.cluster_arn = cluster_arn(*row.cluster);
    out.status = model::to_text(service.status);
    out.desired_count = service.desired;
    int running = 0, pending = 0;
    for (const auto& entry : row.revisions) {
        running += entry.counts.running;
        pending += entry.counts.pending;
    }
    out.running_count = running;
    out.pending_count = pending;
    out.deployments.emplace();
    // A service that is gone has none left.
    if (service.status != model::ServiceStatus::inactive)
        for (const auto& entry : row.revisions) render_deployment(row, entry, out.deployments.emplace_back());
    out.load_balancers.emplace();
    if (!row.revisions.empty()) {
        const auto& primary = *row.revisions.front().revision;
        out.task_definition = primary.definition_arn;
        render_capacity(primary, out);
        render_platform(primary, primary.platform_version, out);
        out.load_balancers = load_balancers_of(primary);
        auto& current = out.current_service_revisions;
        current.emplace();
        for (const auto& entry : row.revisions) {
            auto& summary = current.emplace_back();
            summary.arn = model::revision_arn(*row.cluster, service, entry.revision->id.number);
            summary.requested_task_count = entry.revision->id.number == service.primary ? service.desired : entry.counts.wanted;
            summary.running_task_count = entry.counts.running;
            summary.pending_task_count = entry.counts.pending;
        }
        const std::string role = service.role_arn.empty() ? "arn:aws:iam::" + service.scope.account + ":" + linked_role : service.role_arn;
        if (!primary.targets.empty()) {
            out.role_arn = role;
            out.health_check_grace_period_seconds = service.grace_seconds.value_or(0);
        }
    }
    if (service.grace_seconds) out.health_check_grace_period_seconds = *service.grace_seconds;
    if (service.deployment) out.current_service_deployment = model::deployment_arn(*row.cluster, service, service.deployment);
    out.service_registries.emplace();
    read_back(service.configuration, out.deployment_configuration.emplace());
    out.deployment_controller.emplace().type = api::DeploymentControllerType::ecs;
    out.scheduling_strategy = service.scheduling == model::Scheduling::daemon ? api::SchedulingStrategy::daemon : api::SchedulingStrategy::replica;
    render_events(row, out);
    render_placement(service, out);
    out.created_at = service.created_at;
    out.created_by = service.created_by;
    out.enable_ecs_managed_tags = service.managed_tags;
    out.propagate_tags = to_api(service.propagate);
    out.enable_execute_command = service.exec_enabled;
    out.availability_zone_rebalancing = service.rebalance ? api::AvailabilityZoneRebalancing::enabled : api::AvailabilityZoneRebalancing::disabled;
    if (tags) write_tags(service.tags, out.tags);
}

}  // namespace boxship::services::ecs
