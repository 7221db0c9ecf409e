// Capacity provider strategies: which provider the next tasks go to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ecs/types.h"
#include "services/ecs/names.h"

namespace boxship::services::ecs {

using Strategy = shape::List<api::CapacityProviderStrategyItem>;

bool is_fargate_provider(std::string_view name);  // FARGATE, FARGATE_SPOT

// The names exist (these are all there are until there are Auto Scaling groups).
Result<> check_providers(const shape::List<shape::Str>& names);

// Where tasks go: a launch type, or providers by turns.
struct LaunchTarget {
    model::LaunchType launch_type = model::LaunchType::ec2;
    Strategy strategy;                      // empty: the launch type was named
};
// Of a request's members; without any, the cluster's default strategy counts, else EC2.
Result<LaunchTarget> choose_target(const View& view, const Call& call, std::string_view cluster, std::optional<api::LaunchType> launch_type,
                                   const Strategy& strategy);

// Names that the cluster has, one base, a positive weight.
Result<> check_strategy(const Strategy& strategy, const std::vector<std::string>& associated);

// To and from the row. "" when the strategy is absent or empty.
std::string strategy_text(const Strategy& strategy);
Strategy read_strategy(std::string_view text);

// The provider of the n-th task (from 0) of a call: the bases first, then by weight.
std::string provider_of(const Strategy& strategy, int n);

}  // namespace boxship::services::ecs
