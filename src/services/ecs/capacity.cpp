#include "services/ecs/capacity.h"

#include <algorithm>
#include <set>

#include "services/ecs/convert.h"
#include "services/ecs/messages.h"
#include "shape/write.h"

namespace boxship::services::ecs {

bool is_fargate_provider(std::string_view name) { return name == "FARGATE" || name == "FARGATE_SPOT"; }

Result<> check_providers(const shape::List<shape::Str>& names)
{
    for (const auto& name : names)
        if (!is_fargate_provider(name)) return invalid(say(messages::provider_unknown, name));
    return {};
}

Result<> check_strategy(const Strategy& strategy, const std::vector<std::string>& associated)
{
    std::set<std::string> seen;
    int bases = 0;
    bool weight = false;
    for (const auto& item : strategy) {
        const std::string name = item.capacity_provider.str();
        if (!is_fargate_provider(name)) return invalid(say(messages::provider_unknown, name));
        if (std::ranges::find(associated, name) == associated.end()) return invalid(messages::provider_not_associated);
        if (!seen.insert(name).second) return invalid(say(messages::provider_twice, name));
        bases += item.base.value_or(0) > 0;
        weight |= item.weight.value_or(strategy.size() == 1 ? 1 : 0) > 0;
    }
    if (bases > 1) return invalid(messages::provider_bases);
    if (!strategy.empty() && !weight) return invalid(messages::provider_weights);
    return {};
}

Result<LaunchTarget> choose_target(const View& view, const Call& call, std::string_view cluster, std::optional<api::LaunchType> launch_type,
                                   const Strategy& strategy)
{
    if (launch_type && !strategy.empty()) return invalid(messages::launch_type_or_strategy);
    LaunchTarget target;
    if (launch_type) {
        switch (*launch_type) {
        case api::LaunchType::ec2: break;
        case api::LaunchType::fargate: target.launch_type = model::LaunchType::fargate; break;
        case api::LaunchType::external: target.launch_type = model::LaunchType::external; break;
        default: return invalid(messages::launch_type_names);
        }
        return target;
    }
    ASSIGN_OR_RETURN(const auto found, find_cluster(view, call, cluster));
    target.strategy = strategy;
    if (target.strategy.empty()) target.strategy = read_strategy(found->default_strategy);
    RETURN_IF_ERROR(check_strategy(target.strategy, found->capacity_providers));
    if (!target.strategy.empty()) target.launch_type = model::LaunchType::fargate;  // there are no other providers yet
    return target;
}

std::string strategy_text(const Strategy& strategy)
{
    if (strategy.empty()) return {};
    api::PutClusterCapacityProvidersRequest carrier;
    carrier.default_capacity_provider_strategy = strategy;
    for (auto& item : carrier.default_capacity_provider_strategy) {
        item.weight = item.weight.value_or(0);
        item.base = item.base.value_or(0);
    }
    return shape::write_json(carrier);
}

Strategy read_strategy(std::string_view text)
{
    api::PutClusterCapacityProvidersRequest carrier;
    read_back(text, carrier);
    return std::move(carrier.default_capacity_provider_strategy);
}

std::string provider_of(const Strategy& strategy, int n)
{
    for (const auto& item : strategy) {
        if (n < item.base.value_or(0)) return item.capacity_provider.str();
        n -= item.base.value_or(0);
    }
    int total = 0;
    for (const auto& item : strategy) total += item.weight.value_or(0);
    if (total == 0) return strategy.front().capacity_provider.str();
    n %= total;
    for (const auto& item : strategy) {
        if (n < item.weight.value_or(0)) return item.capacity_provider.str();
        n -= item.weight.value_or(0);
    }
    return strategy.back().capacity_provider.str();
}

}  // namespace boxship::services::ecs
