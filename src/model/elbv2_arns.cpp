#include "model/elbv2_arns.h"

#include "model/arns.h"

namespace boxship::model {
namespace {

std::string elb_arn(const Scope& scope, const std::string& resource)
{
    return "arn:aws:elasticloadbalancing:" + scope.region + ":" + scope.account + ":" + resource;
}

}  // namespace

std::string load_balancer_suffix(const LoadBalancer& balancer) { return "app/" + balancer.name + "/" + elb_text(balancer.id); }

std::string load_balancer_arn(const LoadBalancer& balancer) { return elb_arn(balancer.scope, "loadbalancer/" + load_balancer_suffix(balancer)); }

std::string listener_arn(const LoadBalancer& balancer, const ListenerId& listener)
{
    return elb_arn(balancer.scope, "listener/" + load_balancer_suffix(balancer) + "/" + elb_text(listener));
}

std::string rule_arn(const LoadBalancer& balancer, const ListenerId& listener, const RuleId& rule)
{
    return elb_arn(balancer.scope, "listener-rule/" + load_balancer_suffix(balancer) + "/" + elb_text(listener) + "/" + elb_text(rule));
}

std::string target_group_arn(const TargetGroup& group) { return elb_arn(group.scope, "targetgroup/" + group.name + "/" + elb_text(group.id)); }

std::string certificate_arn(const Certificate& certificate)
{
    return "arn:aws:acm:" + certificate.scope.region + ":" + certificate.scope.account + ":certificate/" + to_uuid_text(certificate.id);
}

std::string dns_name(const LoadBalancer& balancer)
{
    // Ten digits, as AWS's names have.
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | std::to_integer<std::uint64_t>(balancer.id.raw()[static_cast<std::size_t>(i)]);
    const std::string digits = std::to_string(1'000'000'000 + number % 9'000'000'000);
    return (balancer.internal ? "internal-" : "") + balancer.name + "-" + digits + "." + balancer.scope.region + ".elb.localhost";
}

}  // namespace boxship::model
