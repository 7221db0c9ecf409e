// UpdateService.
#include "base/mutant.h"
#include "ecs/ops.h"
#include "services/ecs/messages.h"
#include "services/ecs/placement_choices.h"
#include "services/ecs/serve.h"
#include "services/ecs/service_request.h"
#include "services/ecs/service_rows.h"

namespace boxship::services::ecs {
namespace {

Result<> change_desired(const Call& call, const api::UpdateServiceRequest& request, model::Service& service)
{
    if (!request.desired_count) return {};
    if (service.scheduling == model::Scheduling::daemon) return invalid(messages::daemon_desired);
    RETURN_IF_ERROR(check_desired(call, *request.desired_count));
    if (mutant("update_service: a new definition loses the count") && !request.task_definition.empty()) return {};
    service.desired = *request.desired_count;
    return {};
}

Result<> change_placement(const api::UpdateServiceRequest& request, model::Service& service)
{
    if (!request.placement_constraints.has() && !request.placement_strategy.has()) return {};
    if (service.scheduling == model::Scheduling::daemon) RETURN_IF_ERROR(check_daemon_placement(request.placement_constraints, request.placement_strategy));
    ASSIGN_OR_RETURN(auto choices, read_placement_choices(request.placement_constraints, request.placement_strategy, service.launch_type));
    if (request.placement_constraints.has()) service.constraints = std::move(choices.constraints);
    if (request.placement_strategy.has()) service.strategies = std::move(choices.strategies);
    return {};
}

// What changes the service but no task that runs: it counts from the next task on.
Result<> change_own_members(const Call& call, const api::UpdateServiceRequest& request, model::Service& service)
{
    RETURN_IF_ERROR(change_desired(call, request, service));
    RETURN_IF_ERROR(change_placement(request, service));
    if (request.enable_ecs_managed_tags) service.managed_tags = *request.enable_ecs_managed_tags;
    if (request.enable_execute_command) service.exec_enabled = *request.enable_execute_command;
    if (request.propagate_tags) {
        service.propagate = *request.propagate_tags == api::PropagateTags::service           ? model::Propagate::service
                            : *request.propagate_tags == api::PropagateTags::task_definition ? model::Propagate::task_definition
                                                                                             : model::Propagate::none;
    }
    if (request.deployment_configuration) {
        ASSIGN_OR_RETURN(auto rollout, read_rollout(request.deployment_configuration, service.configuration, service.scheduling));
        service.rules = rollout.rules;
        service.configuration = std::move(rollout.configuration);
    }
    if (request.availability_zone_rebalancing) service.rebalance = *request.availability_zone_rebalancing == api::AvailabilityZoneRebalancing::enabled;
    if (service.rebalance && !may_rebalance(service)) return invalid(messages::rebalancing_impossible);
    return {};
}

Result<> change_wish(Txn& txn, const Call& call, const api::UpdateServiceRequest& request, const model::Service& service, RevisionWish& wish)
{
    if (!request.task_definition.empty()) wish.definition = request.task_definition.str();
    if (request.network_configuration) wish.network = request.network_configuration;
    if (!request.platform_version.empty()) wish.platform_version = request.platform_version.str();
    if (request.load_balancers.has()) wish.load_balancers = request.load_balancers;
    if (request.capacity_provider_strategy.has() && !request.capacity_provider_strategy.empty()) {
        ASSIGN_OR_RETURN(wish.target, choose_target(txn, call, wish.cluster, std::nullopt, request.capacity_provider_strategy));
        if (service.scheduling == model::Scheduling::daemon && wish.target.launch_type == model::LaunchType::fargate) return invalid(messages::daemon_fargate);
    }
    return {};
}

Result<ServiceRow> update_service(Txn& txn, const Call& call, const api::UpdateServiceRequest& request)
{
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    const auto found = look_up_service(txn, *cluster, request.service);
    if (!found) return ApiError{"ServiceNotFoundException", messages::service_not_found};
    if (found->status != model::ServiceStatus::active) return ApiError{"ServiceNotActiveException", messages::service_not_active};
    RETURN_IF_ERROR(refuse_unsupported_members(request));
    const auto primary = txn.get<model::ServiceRevision>({found->id, found->primary});
    CHECK(primary != nullptr);
    model::Service service = *found;
    RETURN_IF_ERROR(change_own_members(call, request, service));
    RevisionWish wish = wish_of(txn, service, *primary);
    RETURN_IF_ERROR(change_wish(txn, call, request, service, wish));
    // What a plain change of the desired count leaves alone is not looked at again: a definition that is INACTIVE by now,
    // or a target group that lost its load balancer, does not keep anyone from scaling.
    const bool asked = !request.task_definition.empty() || request.network_configuration || !request.platform_version.empty() ||
                       request.load_balancers.has() || !request.capacity_provider_strategy.empty() || request.force_new_deployment.value_or(false);
    if (asked) {
        ASSIGN_OR_RETURN(auto revision, make_revision(txn, call, service, wish));
        if (request.health_check_grace_period_seconds) RETURN_IF_ERROR(set_grace_period(*request.health_check_grace_period_seconds, revision, service));
        if (request.force_new_deployment.value_or(false) || !same_content(revision, *primary)) deploy(txn, call, service, std::move(revision));
    } else if (request.health_check_grace_period_seconds) {
        RETURN_IF_ERROR(set_grace_period(*request.health_check_grace_period_seconds, *primary, service));
    }
    txn.put(std::move(service));
    return service_row(txn, txn.get<model::Service>(found->id));
}

api::UpdateServiceResponse render_updated(const ServiceRow& row)
{
    api::UpdateServiceResponse response;
    render_service(row, true, response.service.emplace());
    return response;
}

}  // namespace

void serve_update_service(Served& served)
{
    served.add<api::ops::UpdateService>(update_service, render_updated).ignores({"networkConfiguration.awsvpcConfiguration.assignPublicIp"});
}

}  // namespace boxship::services::ecs
