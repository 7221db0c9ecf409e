#include "services/ecs/placement_choices.h"

#include "services/ecs/expression.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {
namespace {

Result<model::PlacementChoice> read_strategy_choice(const api::PlacementStrategy& asked)
{
    const auto type = asked.type.value_or(api::PlacementStrategyType::unknown);
    const std::string field = asked.field.str();
    const auto bad_field = [&] { return invalid(say(messages::strategy_field, field, api::to_text(type))); };
    switch (type) {
    case api::PlacementStrategyType::random:
        if (!field.empty()) return bad_field();
        return model::PlacementChoice{"random", ""};
    case api::PlacementStrategyType::binpack:
        if (field != "cpu" && field != "memory" && field != "CPU" && field != "MEMORY") return bad_field();
        return model::PlacementChoice{"binpack", field};
    default:
        if (field != "instanceId" && field != "host" && !(field.starts_with("attribute:") && field.size() > 10)) return bad_field();
        return model::PlacementChoice{"spread", field};
    }
}

}  // namespace

Result<PlacementChoices> read_placement_choices(const shape::List<api::PlacementConstraint>& constraints,
                                                const shape::List<api::PlacementStrategy>& strategies, model::LaunchType launch_type)
{
    constexpr std::size_t strategies_max = 5, constraints_max = 10;
    PlacementChoices choices;
    if (launch_type == model::LaunchType::fargate) {
        if (!constraints.empty()) return invalid(messages::fargate_constraints);
        if (!strategies.empty()) return invalid(messages::fargate_strategies);
        return choices;
    }
    if (constraints.size() > constraints_max) return invalid(messages::constraints_max);
    for (const auto& constraint : constraints) {
        if (constraint.type == api::PlacementConstraintType::member_of) {
            if (constraint.expression.empty()) return invalid(messages::constraint_member);
            RETURN_IF_ERROR(read_expression(constraint.expression));
            choices.constraints.push_back({"memberOf", constraint.expression.str()});
            continue;
        }
        if (!constraint.expression.empty()) return invalid(messages::constraint_distinct);
        choices.constraints.push_back({"distinctInstance", ""});
    }
    if (strategies.size() > strategies_max) return invalid(messages::strategy_max);
    for (const auto& asked : strategies) {
        ASSIGN_OR_RETURN(auto strategy, read_strategy_choice(asked));
        choices.strategies.push_back(std::move(strategy));
    }
    return choices;
}

Result<> check_daemon_placement(const shape::List<api::PlacementConstraint>& constraints, const shape::List<api::PlacementStrategy>& strategies)
{
    if (!strategies.empty()) return invalid(messages::daemon_strategies);
    for (const auto& constraint : constraints)
        if (constraint.type == api::PlacementConstraintType::distinct_instance) return invalid(messages::daemon_distinct);
    return {};
}

}  // namespace boxship::services::ecs
