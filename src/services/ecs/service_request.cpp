#include "services/ecs/service_request.h"

#include <algorithm>

#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "shape/write.h"

namespace boxship::services::ecs {
namespace {

Result<> refuse_configuration(const api::DeploymentConfiguration& asked)
{
    const auto refuse = [](const char* member) { return invalid(say(messages::service_member_unsupported, member)); };
    if (asked.strategy.value_or(api::DeploymentStrategy::rolling) != api::DeploymentStrategy::rolling)
        return invalid(say(messages::deployment_strategy_unsupported, api::to_text(*asked.strategy)));
    if (asked.bake_time_in_minutes.value_or(0) > 0) return refuse("deploymentConfiguration.bakeTimeInMinutes");
    if (!asked.lifecycle_hooks.empty()) return refuse("deploymentConfiguration.lifecycleHooks");
    if (asked.linear_configuration) return refuse("deploymentConfiguration.linearConfiguration");
    if (asked.canary_configuration) return refuse("deploymentConfiguration.canaryConfiguration");
    if (asked.early_success_criteria && asked.early_success_criteria->enable.value_or(false)) return refuse("deploymentConfiguration.earlySuccessCriteria");
    return {};
}

}  // namespace

template <class Request>
Result<> refuse_unsupported_members(const Request& request)
{
    const auto refuse = [](const char* member) { return invalid(say(messages::service_member_unsupported, member)); };
    if (request.deployment_controller && request.deployment_controller->type.value_or(api::DeploymentControllerType::ecs) != api::DeploymentControllerType::ecs)
        return invalid(say(messages::controller_unsupported, api::to_text(*request.deployment_controller->type)));
    if (!request.service_registries.empty()) return refuse("serviceRegistries");
    if (request.service_connect_configuration && request.service_connect_configuration->enabled.value_or(false)) return refuse("serviceConnectConfiguration");
    if (!request.volume_configurations.empty()) return refuse("volumeConfigurations");
    if (!request.vpc_lattice_configurations.empty()) return refuse("vpcLatticeConfigurations");
    if (!request.gateway_connectors.empty()) return refuse("gatewayConnectors");
    if (request.monitoring && !request.monitoring->metric_configurations.empty()) return refuse("monitoring");
    if (request.deployment_configuration) RETURN_IF_ERROR(refuse_configuration(*request.deployment_configuration));
    return {};
}
template Result<> refuse_unsupported_members(const api::CreateServiceRequest&);
template Result<> refuse_unsupported_members(const api::UpdateServiceRequest&);

namespace {

Result<> read_breaker(const api::DeploymentCircuitBreaker& breaker, model::RolloutRules& rules)
{
    rules.breaker = breaker.enable.value_or(false);
    rules.rollback = breaker.rollback.value_or(false);
    rules.reset_on_healthy = breaker.reset_on_healthy_task.value_or(true);
    if (!breaker.threshold_configuration) return {};
    switch (breaker.threshold_configuration->type.value_or(api::ThresholdType::bounded_percent)) {
    case api::ThresholdType::count: rules.threshold_type = model::ThresholdType::count; break;
    case api::ThresholdType::unbounded_percent: rules.threshold_type = model::ThresholdType::unbounded_percent; break;
    default: break;
    }
    const double value = breaker.threshold_configuration->value.value_or(50);
    if (value < 1 || value > 10'000) return invalid(messages::breaker_threshold);
    rules.threshold = static_cast<std::int32_t>(value);
    return {};
}

Result<> read_alarms(const api::DeploymentAlarms& alarms, model::RolloutRules& rules)
{
    rules.alarms = alarms.enable.value_or(false);
    rules.alarm_rollback = alarms.rollback.value_or(false);
    if (rules.alarms && alarms.alarm_names.empty()) return invalid(messages::deployment_alarms);
    for (const auto& name : alarms.alarm_names) rules.alarm_names.push_back(name.str());
    return {};
}

}  // namespace

Result<Rollout> read_rollout(const shape::Box<api::DeploymentConfiguration>& asked, const std::string& before, model::Scheduling scheduling)
{
    const bool daemon = scheduling == model::Scheduling::daemon;
    api::DeploymentConfiguration whole;
    read_back(before, whole);
    if (asked) {
        if (asked->deployment_circuit_breaker) whole.deployment_circuit_breaker = asked->deployment_circuit_breaker;
        if (asked->maximum_percent) whole.maximum_percent = asked->maximum_percent;
        if (asked->minimum_healthy_percent) whole.minimum_healthy_percent = asked->minimum_healthy_percent;
        if (asked->alarms) whole.alarms = asked->alarms;
    }
    if (!whole.maximum_percent) whole.maximum_percent = daemon ? 100 : 200;
    if (!whole.minimum_healthy_percent) whole.minimum_healthy_percent = daemon ? 0 : 100;
    if (!whole.deployment_circuit_breaker) {
        auto& breaker = whole.deployment_circuit_breaker.emplace();
        breaker.enable = false;
        breaker.rollback = false;
    }
    whole.strategy = api::DeploymentStrategy::rolling;
    whole.bake_time_in_minutes = 0;
    if (daemon && *whole.maximum_percent > 100) return invalid(messages::daemon_maximum);
    if (*whole.minimum_healthy_percent < 0 || *whole.minimum_healthy_percent > 100) return invalid(messages::minimum_percent);
    if (*whole.maximum_percent < 100) return invalid(messages::maximum_percent);
    if (*whole.maximum_percent == 100 && *whole.minimum_healthy_percent == 100) return invalid(messages::percents_block);
    Rollout rollout;
    rollout.rules.maximum_percent = *whole.maximum_percent;
    rollout.rules.minimum_percent = *whole.minimum_healthy_percent;
    RETURN_IF_ERROR(read_breaker(*whole.deployment_circuit_breaker, rollout.rules));
    if (whole.alarms) RETURN_IF_ERROR(read_alarms(*whole.alarms, rollout.rules));
    rollout.configuration = shape::write_json(whole);
    return rollout;
}

Result<> check_desired(const Call& call, std::int32_t count)
{
    if (count < 0) return invalid(messages::desired_negative);
    if (const auto most = call.quota(model::Quota::tasks_per_service); static_cast<std::size_t>(count) > most) return invalid(say(messages::desired_quota, most));
    return {};
}

Result<> set_grace_period(std::int32_t seconds, const model::ServiceRevision& revision, model::Service& service)
{
    if (seconds < 0) return invalid(messages::grace_period);
    const bool checked = std::ranges::any_of(revision.pattern.containers, &model::TaskContainer::checked);
    if (seconds > 0 && revision.targets.empty() && !checked) return invalid(messages::grace_period_useless);
    service.grace_seconds = seconds;
    return {};
}

bool may_rebalance(const model::Service& service)
{
    constexpr std::string_view zone = "attribute:ecs.availability-zone";
    // What moves tasks between zones needs room beside them, and choices that do not move them back.
    const bool spreads_zones = service.strategies.empty() || (service.strategies.front().type == "spread" && service.strategies.front().field == zone);
    const bool in_any_zone = std::ranges::none_of(service.constraints, [&](const auto& constraint) { return constraint.field.find(zone) != std::string::npos; });
    return service.scheduling == model::Scheduling::replica && service.launch_type != model::LaunchType::external && spreads_zones && in_any_zone &&
           service.rules.maximum_percent > 100;
}

Result<bool> read_rebalancing(const shape::Opt<api::AvailabilityZoneRebalancing>& asked, const model::Service& service)
{
    if (!asked) return may_rebalance(service);
    const bool wanted = *asked == api::AvailabilityZoneRebalancing::enabled;
    if (wanted && !may_rebalance(service)) return invalid(messages::rebalancing_impossible);
    return wanted;
}

}  // namespace boxship::services::ecs
