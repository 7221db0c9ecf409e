// CreateService.
#include "ecs/ops.h"
#include "services/ecs/messages.h"
#include "services/ecs/placement_choices.h"
#include "services/ecs/serve.h"
#include "services/ecs/service_request.h"
#include "services/ecs/service_rows.h"
#include "services/ecs/tokens.h"

namespace boxship::services::ecs {
namespace {

Result<> read_scheduling(const Call& call, const api::CreateServiceRequest& request, model::Service& service)
{
    const auto scheduling = request.scheduling_strategy.value_or(api::SchedulingStrategy::replica);
    if (scheduling == api::SchedulingStrategy::replica) {
        if (!request.desired_count) return invalid(messages::desired_missing);
        RETURN_IF_ERROR(check_desired(call, *request.desired_count));
        service.desired = *request.desired_count;
        return {};
    }
    if (scheduling != api::SchedulingStrategy::daemon) return invalid(messages::scheduling_names);
    service.scheduling = model::Scheduling::daemon;
    if (request.desired_count) return invalid(messages::daemon_desired);
    RETURN_IF_ERROR(check_daemon_placement(request.placement_constraints, request.placement_strategy));
    return {};
}

Result<> read_own_members(const Call& call, const api::CreateServiceRequest& request, model::Service& service)
{
    RETURN_IF_ERROR(read_scheduling(call, request, service));
    if (service.scheduling == model::Scheduling::daemon && service.launch_type == model::LaunchType::fargate) return invalid(messages::daemon_fargate);
    ASSIGN_OR_RETURN(service.tags, read_tags(call, request.tags));
    switch (request.propagate_tags.value_or(api::PropagateTags::none)) {
    case api::PropagateTags::service: service.propagate = model::Propagate::service; break;
    case api::PropagateTags::task_definition: service.propagate = model::Propagate::task_definition; break;
    default: break;
    }
    service.managed_tags = request.enable_ecs_managed_tags.value_or(false);
    service.exec_enabled = request.enable_execute_command.value_or(false);
    ASSIGN_OR_RETURN(auto choices, read_placement_choices(request.placement_constraints, request.placement_strategy, service.launch_type));
    service.strategies = std::move(choices.strategies);
    service.constraints = std::move(choices.constraints);
    ASSIGN_OR_RETURN(auto rollout, read_rollout(request.deployment_configuration, "", service.scheduling));
    service.rules = rollout.rules;
    service.configuration = std::move(rollout.configuration);
    ASSIGN_OR_RETURN(service.rebalance, read_rebalancing(request.availability_zone_rebalancing, service));
    if (!request.role.empty()) {
        const auto role = role_arn(call.scope, request.role);
        if (!role) return invalid(messages::role_invalid);
        service.role_arn = *role;
    }
    return {};
}

Result<ServiceRow> create_service(Txn& txn, const Call& call, const api::CreateServiceRequest& request)
{
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    if (!is_plain_name(request.service_name)) return invalid(messages::service_name);
    if (request.client_token.size() > 64) return invalid(messages::client_token);
    api::CreateServiceRequest without_token = request;
    without_token.client_token.reset();
    const std::string digest = request_digest(without_token);
    const std::string name = request.service_name.str();
    if (const auto standing = look_up_service(txn, *cluster, name); standing && standing->status != model::ServiceStatus::inactive) {
        if (standing->status == model::ServiceStatus::draining) return invalid(messages::service_still_draining);
        if (standing->request_hash != digest) return invalid(messages::service_not_idempotent);
        return service_row(txn, standing);
    }
    if (const auto most = call.quota(model::Quota::services_per_cluster); static_cast<std::size_t>(txn.counts(cluster->id).services) >= most)
        return invalid(say(messages::services_quota, most));
    RETURN_IF_ERROR(refuse_unsupported_members(request));
    if (request.task_definition.empty()) return client_error(messages::service_definition);
    RevisionWish wish;
    wish.cluster = cluster->name;
    wish.definition = request.task_definition.str();
    ASSIGN_OR_RETURN(wish.target, choose_target(txn, call, request.cluster, request.launch_type, request.capacity_provider_strategy));
    wish.network = request.network_configuration;
    wish.platform_version = request.platform_version.str();
    wish.load_balancers = request.load_balancers;

    model::Service service;
    service.id = call.ids.next<ServiceId>();
    service.cluster = cluster->id;
    service.scope = call.scope;
    service.name = name;
    service.launch_type = wish.target.launch_type;
    service.created_at = call.now;
    service.created_by = call.principal.arn;
    service.request_hash = digest;
    service.client_token = request.client_token.str();
    RETURN_IF_ERROR(read_own_members(call, request, service));
    ASSIGN_OR_RETURN(auto revision, make_revision(txn, call, service, wish));
    if (request.health_check_grace_period_seconds) RETURN_IF_ERROR(set_grace_period(*request.health_check_grace_period_seconds, revision, service));
    deploy(txn, call, service, std::move(revision));
    const ServiceId id = service.id;
    txn.put(std::move(service));
    return service_row(txn, txn.get<model::Service>(id));
}

api::CreateServiceResponse render_created(const ServiceRow& row)
{
    api::CreateServiceResponse response;
    render_service(row, true, response.service.emplace());
    return response;
}

}  // namespace

void serve_create_service(Served& served)
{
    served.add<api::ops::CreateService>(create_service, render_created).ignores({"networkConfiguration.awsvpcConfiguration.assignPublicIp"});
}

}  // namespace boxship::services::ecs
