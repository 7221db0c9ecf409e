// Health checks, and the order in which containers wait for each other.
#include <algorithm>
#include <map>
#include <set>

#include "services/ecs/definition.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {
namespace {

Result<> check_health_check(const api::ContainerDefinition& container)
{
    const auto& check = *container.health_check;
    const auto within = [](const shape::Opt<std::int32_t>& value, int least, int most) { return !value || (*value >= least && *value <= most); };
    if (check.command.empty() || (check.command.size() == 1 && (check.command[0] == "CMD" || check.command[0] == "CMD-SHELL")))
        return client_error(say(messages::health_command, container.name));
    if (!within(check.interval, 5, 300)) return client_error(say(messages::health_range, container.name, "interval", 5, 300));
    if (!within(check.timeout, 2, 60)) return client_error(say(messages::health_range, container.name, "timeout", 2, 60));
    if (!within(check.retries, 1, 10)) return client_error(say(messages::health_range, container.name, "retries", 1, 10));
    if (!within(check.start_period, 0, 300)) return client_error(say(messages::health_range, container.name, "startPeriod", 0, 300));
    return {};
}

Result<> check_restart_policy(const api::ContainerDefinition& container)
{
    const auto& policy = *container.restart_policy;
    if (policy.ignored_exit_codes.size() > 50) return client_error(say(messages::restart_codes, container.name));
    if (policy.restart_attempt_period && (*policy.restart_attempt_period < 60 || *policy.restart_attempt_period > 1800))
        return client_error(say(messages::restart_period, container.name));
    return {};
}

using Waiting = std::map<std::string_view, std::set<std::string_view>>;   // container → those it waits for

bool comes_back(const Waiting& waiting, std::string_view to, std::string_view from, std::set<std::string_view>& seen)
{
    for (const auto& next : waiting.at(from))
        if (next == to || (seen.insert(next).second && comes_back(waiting, to, next, seen))) return true;
    return false;
}

}  // namespace

Result<> check_order(const api::TaskDefinition& definition)
{
    Waiting waiting;
    for (const auto& container : definition.container_definitions) {
        if (container.health_check) RETURN_IF_ERROR(check_health_check(container));
        if (container.restart_policy) RETURN_IF_ERROR(check_restart_policy(container));
        auto& on = waiting[container.name];
        for (const auto& dependency : container.depends_on) {
            const auto other = std::ranges::find(definition.container_definitions, dependency.container_name, &api::ContainerDefinition::name);
            if (other == definition.container_definitions.end() || dependency.container_name == container.name)
                return client_error(say(messages::dependency_unknown, container.name, dependency.container_name));
            const auto condition = dependency.condition.value_or(api::ContainerCondition::unknown);
            if (condition == api::ContainerCondition::unknown) return client_error(say(messages::dependency_condition, container.name));
            if (condition == api::ContainerCondition::healthy && !other->health_check)
                return client_error(say(messages::dependency_unchecked, container.name, dependency.container_name));
            if ((condition == api::ContainerCondition::complete || condition == api::ContainerCondition::success) && *other->essential)
                return client_error(say(messages::dependency_essential, dependency.container_name, api::to_text(condition)));
            on.insert(dependency.container_name);
        }
    }
    for (const auto& [name, on] : waiting)
        if (std::set<std::string_view> seen; comes_back(waiting, name, name, seen)) return client_error(messages::dependency_circle);
    return {};
}

}  // namespace boxship::services::ecs
