#include "services/elbv2/sums.h"

#include <set>

namespace boxship::services::elbv2 {
namespace {

std::set<TargetGroupId> groups_of(const View& view, const LoadBalancerId& balancer)
{
    std::set<TargetGroupId> groups;
    const auto add = [&](const std::vector<model::RuleAction>& actions) {
        for (const auto& action : actions)
            for (const auto& target : action.targets) groups.insert(target.group);
    };
    for (const auto& listener : view.all<state::ListenersByLoadBalancer>(balancer)) {
        add(listener->actions);
        for (const auto& rule : view.all<state::RulesByListener>(listener->id)) add(rule->actions);
    }
    return groups;
}

}  // namespace

Result<> check_rule_count(const View& view, const Call& call, const LoadBalancerId& balancer)
{
    std::size_t count = 0;
    for (const auto& listener : view.all<state::ListenersByLoadBalancer>(balancer)) count += view.count<state::RulesByListener>(listener->id);
    const auto most = call.quota(model::Quota::rules_per_balancer);
    if (count <= most) return {};
    return ApiError{"TooManyRulesException", fmt::format("The maximum number of rules on load balancer {} has been reached", balancer_arn(view, balancer))};
}

Result<> check_group_count(const View& view, const Call& call, const LoadBalancerId& balancer)
{
    const auto most = call.quota(model::Quota::target_groups_per_balancer);
    if (groups_of(view, balancer).size() <= most) return {};
    return ApiError{"TooManyUniqueTargetGroupsPerLoadBalancerException",
                    fmt::format("You have reached the maximum number of unique target groups that you can associate with a load balancer of type 'application': [{}]", most)};
}

Result<> check_certificate_count(const View& view, const Call& call, const LoadBalancerId& balancer)
{
    std::set<CertificateId> certificates;   // beside the default ones
    for (const auto& listener : view.all<state::ListenersByLoadBalancer>(balancer))
        certificates.insert(listener->more_certificates.begin(), listener->more_certificates.end());
    const auto most = call.quota(model::Quota::certificates_per_balancer);
    if (certificates.size() <= most) return {};
    return ApiError{"TooManyCertificatesException", fmt::format("A load balancer can have no more than {} certificates beside the default ones", most)};
}

Result<> check_target_count(const View& view, const Call& call, const LoadBalancerId& balancer)
{
    std::size_t count = 0;
    for (const auto& group : groups_of(view, balancer)) count += view.count<state::TargetsByGroup>(group);
    const auto most = call.quota(model::Quota::targets_per_balancer);
    if (count <= most) return {};
    return ApiError{"TooManyTargetsException", fmt::format("The maximum number of targets per load balancer '{}' has been reached on load balancer '{}'", most, balancer_arn(view, balancer))};
}

}  // namespace boxship::services::elbv2
