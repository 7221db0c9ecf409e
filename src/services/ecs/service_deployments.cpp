// Service deployments and revisions: how one revision took over from another, and what each was made of.
#include <algorithm>

#include "base/arn.h"
#include "base/strings.h"
#include "ecs/ops.h"
#include "services/ecs/messages.h"
#include "services/ecs/serve.h"
#include "services/ecs/service_rows.h"

namespace boxship::services::ecs {
namespace {

constexpr std::size_t named_max = 20;

using DeploymentPtr = std::shared_ptr<const model::ServiceDeployment>;
using model::DeploymentStatus;

struct DeploymentRow {
    DeploymentPtr deployment;
    ServicePtr service;
    ClusterPtr cluster;
    state::RevisionCounts target;
    std::vector<state::RevisionCounts> sources;
};
struct DeploymentRows {
    std::vector<DeploymentRow> deployments;
    std::vector<FailureRow> failures;
    std::string next_token;
};

DeploymentRow deployment_row(const View& view, DeploymentPtr deployment)
{
    DeploymentRow row;
    row.service = view.get<model::Service>(deployment->service);
    row.cluster = view.get<model::Cluster>(row.service->cluster);
    row.target = view.counts(model::RevisionKey{deployment->service, deployment->target});
    for (const auto source : deployment->sources) row.sources.push_back(view.counts(model::RevisionKey{deployment->service, source}));
    row.deployment = std::move(deployment);
    return row;
}

// The parts of "<kind>/<cluster>/<service>/<last>"; nothing when the ARN is another kind's, or another account's.
struct ServicePart {
    std::string cluster, service, last;
};
std::optional<ServicePart> parse_part(const Call& call, std::string_view text, std::string_view kind)
{
    const auto arn = Arn::parse(text);
    if (!arn || arn->service != "ecs" || arn->region != call.scope.region || arn->account != call.scope.account) return std::nullopt;
    const auto parts = split(arn->resource, '/');
    if (parts.size() != 4 || parts[0] != kind) return std::nullopt;
    return ServicePart{parts[1], parts[2], parts[3]};
}

DeploymentPtr look_up_deployment(const View& view, const Call& call, std::string_view arn)
{
    const auto part = parse_part(call, arn, "service-deployment");
    const auto id = part ? model::parse_token_text(part->last) : std::nullopt;
    auto deployment = id ? view.get<model::ServiceDeployment>(*id) : nullptr;
    const auto service = deployment ? view.get<model::Service>(deployment->service) : nullptr;
    return service && service->name == part->service ? deployment : nullptr;
}

RevisionPtr look_up_revision(const View& view, const Call& call, std::string_view arn, ServicePtr& service)
{
    const auto part = parse_part(call, arn, "service-revision");
    const auto cluster = part ? look_up_cluster(view, call, part->cluster) : nullptr;
    if (!cluster || part->last.empty() || part->last.size() > 19 || !std::ranges::all_of(part->last, [](unsigned char c) { return std::isdigit(c); })) return nullptr;
    const std::int64_t number = std::stoll(part->last);
    for (const auto& candidate : view.all<state::ServicesByName>({cluster->id, part->service})) {
        auto revision = view.get<model::ServiceRevision>({candidate->id, number});
        if (!revision) continue;
        service = candidate;
        return revision;
    }
    return nullptr;
}

void render_brief(const DeploymentRow& row, api::ServiceDeploymentBrief& out)
{
    const auto& deployment = *row.deployment;
    out.service_deployment_arn = model::deployment_arn(*row.cluster, *row.service, deployment.id);
    out.service_arn = model::service_arn(*row.cluster, row.service->name);
    out.cluster_arn = cluster_arn(*row.cluster);
    set_time(deployment.started_at, out.started_at);
    set_time(deployment.created_at, out.created_at);
    set_time(deployment.finished_at, out.finished_at);
    out.target_service_revision_arn = model::revision_arn(*row.cluster, *row.service, deployment.target);
    out.status = shape::parse_enum<api::ServiceDeploymentStatus>(model::to_text(deployment.status));
    if (!deployment.reason.empty()) out.status_reason = deployment.reason;
}

void render_summary(const DeploymentRow& row, std::int64_t revision, const state::RevisionCounts& counts, bool target, api::ServiceRevisionSummary& out)
{
    out.arn = model::revision_arn(*row.cluster, *row.service, revision);
    out.requested_task_count = target && revision == row.service->primary ? row.service->desired : counts.wanted;
    out.running_task_count = counts.running;
    out.pending_task_count = counts.pending;
}

void render_breaker(const model::ServiceDeployment& deployment, api::ServiceDeploymentCircuitBreaker& out)
{
    using Status = api::ServiceDeploymentRollbackMonitorsStatus;
    out.status = !deployment.breaker                  ? Status::disabled
                 : deployment.tripped                 ? Status::triggered
                 : model::is_over(deployment.status) ? Status::monitoring_complete
                                                      : Status::monitoring;
    out.failure_count = deployment.failures;
    out.threshold = deployment.threshold;
}

void render_alarms(const model::ServiceDeployment& deployment, api::ServiceDeploymentAlarms& out)
{
    using Status = api::ServiceDeploymentRollbackMonitorsStatus;
    const bool watches = deployment.watches_alarms || deployment.status == model::DeploymentStatus::pending;
    out.status = !watches                                ? Status::disabled
                 : !deployment.alarms_triggered.empty() ? Status::triggered
                 : model::is_over(deployment.status)    ? Status::monitoring_complete
                                                         : Status::monitoring;
    for (const auto& name : deployment.alarm_names) out.alarm_names.emplace_back() = name;
    for (const auto& name : deployment.alarms_triggered) out.triggered_alarm_names.emplace_back() = name;
}

void render_deployment(const DeploymentRow& row, api::ServiceDeployment& out)
{
    const auto& deployment = *row.deployment;
    out.service_deployment_arn = model::deployment_arn(*row.cluster, *row.service, deployment.id);
    out.service_arn = model::service_arn(*row.cluster, row.service->name);
    out.cluster_arn = cluster_arn(*row.cluster);
    set_time(deployment.created_at, out.created_at);
    set_time(deployment.started_at, out.started_at);
    set_time(deployment.finished_at, out.finished_at);
    set_time(deployment.stopped_at, out.stopped_at);
    set_time(deployment.updated_at, out.updated_at);
    out.source_service_revisions.emplace();
    for (std::size_t i = 0; i < deployment.sources.size(); ++i)
        render_summary(row, deployment.sources[i], row.sources[i], false, out.source_service_revisions.emplace_back());
    render_summary(row, deployment.target, row.target, true, out.target_service_revision.emplace());
    out.status = shape::parse_enum<api::ServiceDeploymentStatus>(model::to_text(deployment.status));
    if (!deployment.reason.empty()) out.status_reason = deployment.reason;
    read_back(deployment.configuration, out.deployment_configuration.emplace());
    render_breaker(deployment, out.deployment_circuit_breaker.emplace());
    if (!deployment.alarm_names.empty()) render_alarms(deployment, out.alarms.emplace());
    if (deployment.rollback_target == 0) return;
    auto& rollback = out.rollback.emplace();
    rollback.reason = deployment.rollback_reason;
    set_time(deployment.rollback_started_at, rollback.started_at);
    rollback.service_revision_arn = model::revision_arn(*row.cluster, *row.service, deployment.rollback_target);
}

Result<DeploymentRows> describe_service_deployments(Txn& txn, const Call& call, const api::DescribeServiceDeploymentsRequest& request)
{
    if (request.service_deployment_arns.empty()) return invalid(messages::deployments_empty);
    if (request.service_deployment_arns.size() > named_max) return invalid(messages::deployments_max);
    DeploymentRows rows;
    for (const auto& arn : request.service_deployment_arns) {
        if (auto deployment = look_up_deployment(txn, call, arn)) rows.deployments.push_back(deployment_row(txn, std::move(deployment)));
        else rows.failures.push_back({arn.str(), "MISSING", ""});
    }
    return rows;
}

api::DescribeServiceDeploymentsResponse render_described(const DeploymentRows& rows)
{
    api::DescribeServiceDeploymentsResponse response;
    response.service_deployments.emplace();
    for (const auto& row : rows.deployments) render_deployment(row, response.service_deployments.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

// Newest first. A page goes on before the deployment that the last one ended with.
Result<DeploymentRows> list_service_deployments(Txn& txn, const Call& call, const api::ListServiceDeploymentsRequest& request)
{
    std::string cluster_name = request.cluster.str();
    if (cluster_name.empty()) cluster_name = cluster_in(request.service);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, cluster_name));
    const auto service = look_up_service(txn, *cluster, request.service);
    if (!service) return ApiError{"ServiceNotFoundException", messages::service_not_found};
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    const auto matches = [&](const model::ServiceDeployment& deployment) {
        if (request.created_at && request.created_at->before && deployment.created_at > *request.created_at->before) return false;
        if (request.created_at && request.created_at->after && deployment.created_at < *request.created_at->after) return false;
        const auto status = shape::parse_enum<api::ServiceDeploymentStatus>(model::to_text(deployment.status));
        return request.status.empty() || std::ranges::find(request.status, status) != request.status.end();
    };
    const auto& entries = txn.entries<state::DeploymentsByService>();
    auto at = entries.lower_bound({{service->id, Time{std::numeric_limits<std::int64_t>::max()}}, ServiceDeploymentId()});
    if (!page.after.empty()) {
        const auto id = model::parse_token_text(page.after);
        const auto last = id ? txn.get<model::ServiceDeployment>(*id) : nullptr;
        if (!last || last->service != service->id) return invalid(messages::page_token);
        at = entries.lower_bound({{service->id, last->created_at}, last->id});
    }
    PageBuilder builder(page);
    DeploymentRows rows;
    while (at != entries.begin() && (--at)->first.service == service->id) {
        auto deployment = txn.get<model::ServiceDeployment>(at->second);
        if (!matches(*deployment)) continue;
        if (!builder.add(model::to_token_text(deployment->id), "")) break;
        rows.deployments.push_back(deployment_row(txn, std::move(deployment)));
    }
    rows.next_token = builder.take().next_token;
    return rows;
}

api::ListServiceDeploymentsResponse render_listed(const DeploymentRows& rows)
{
    api::ListServiceDeploymentsResponse response;
    response.service_deployments.emplace();
    for (const auto& row : rows.deployments) render_brief(row, response.service_deployments.emplace_back());
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

Result<std::string> stop_service_deployment(Txn& txn, const Call& call, const api::StopServiceDeploymentRequest& request)
{
    const auto found = look_up_deployment(txn, call, request.service_deployment_arn);
    if (!found) return ApiError{"ServiceDeploymentNotFoundException", messages::deployment_not_found};
    if (model::is_over(found->status)) return ApiError{"ConflictException", say(messages::deployment_over, model::to_text(found->status))};
    if (found->status == DeploymentStatus::pending || found->status == DeploymentStatus::in_progress) {
        model::ServiceDeployment deployment = *found;
        const bool abort = request.stop_type == api::StopServiceDeploymentStopType::abort;
        deployment.status = abort ? DeploymentStatus::stop_requested : DeploymentStatus::rollback_requested;
        deployment.updated_at = call.now;
        txn.put(std::move(deployment));
    }
    return request.service_deployment_arn.str();
}

api::StopServiceDeploymentResponse render_stopped(const std::string& arn)
{
    api::StopServiceDeploymentResponse response;
    response.service_deployment_arn = arn;
    return response;
}

struct RevisionDescription {
    RevisionPtr revision;
    ServicePtr service;
    ClusterPtr cluster;
};
struct RevisionRows {
    std::vector<RevisionDescription> revisions;
    std::vector<FailureRow> failures;
};

Result<RevisionRows> describe_service_revisions(Txn& txn, const Call& call, const api::DescribeServiceRevisionsRequest& request)
{
    if (request.service_revision_arns.empty()) return invalid(messages::revisions_empty);
    if (request.service_revision_arns.size() > named_max) return invalid(messages::revisions_max);
    RevisionRows rows;
    for (const auto& arn : request.service_revision_arns) {
        RevisionDescription row;
        row.revision = look_up_revision(txn, call, arn, row.service);
        if (!row.revision) {
            rows.failures.push_back({arn.str(), "MISSING", ""});
            continue;
        }
        row.cluster = txn.get<model::Cluster>(row.service->cluster);
        rows.revisions.push_back(std::move(row));
    }
    return rows;
}

void render_revision(const RevisionDescription& row, api::ServiceRevision& out)
{
    const auto& revision = *row.revision;
    out.service_revision_arn = model::revision_arn(*row.cluster, *row.service, revision.id.number);
    out.service_arn = model::service_arn(*row.cluster, row.service->name);
    out.cluster_arn = cluster_arn(*row.cluster);
    out.task_definition = revision.definition_arn;
    if (revision.providers.empty()) out.launch_type = to_api(revision.pattern.launch_type);
    else render_providers(revision, out.capacity_provider_strategy);
    if (revision.pattern.launch_type == model::LaunchType::fargate) {
        out.platform_version = revision.pattern.platform_version;
        out.platform_family = "Linux";
        out.fargate_ephemeral_storage.emplace();
    }
    out.load_balancers = load_balancers_of(revision);
    out.service_registries.emplace();
    if (!revision.network.empty()) read_back(revision.network, out.network_configuration.emplace());
    out.container_images.emplace();
    for (const auto& container : revision.pattern.containers) {
        auto& image = out.container_images.emplace_back();
        image.container_name = container.name;
        image.image = container.image;
        const auto pinned = std::ranges::find(revision.digests, container.name, &model::KeyValue::key);
        if (pinned != revision.digests.end()) image.image_digest = pinned->value;
    }
    out.guard_duty_enabled = false;
    out.created_at = revision.created_at;
}

api::DescribeServiceRevisionsResponse render_revisions(const RevisionRows& rows)
{
    api::DescribeServiceRevisionsResponse response;
    response.service_revisions.emplace();
    for (const auto& row : rows.revisions) render_revision(row, response.service_revisions.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

}  // namespace

void serve_service_deployments(Served& served)
{
    served.add<api::ops::DescribeServiceDeployments>(describe_service_deployments, render_described);
    served.add<api::ops::ListServiceDeployments>(list_service_deployments, render_listed);
    served.add<api::ops::StopServiceDeployment>(stop_service_deployment, render_stopped);
    served.add<api::ops::DescribeServiceRevisions>(describe_service_revisions, render_revisions);
}

}  // namespace boxship::services::ecs
