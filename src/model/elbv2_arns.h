// ARNs and names of load balancers and what belongs to them. Ids stand in them as their first 16 digits.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/elbv2.h"

namespace boxship::model {

std::string load_balancer_arn(const LoadBalancer& balancer);
std::string listener_arn(const LoadBalancer& balancer, const ListenerId& listener);
std::string rule_arn(const LoadBalancer& balancer, const ListenerId& listener, const RuleId& rule);
std::string target_group_arn(const TargetGroup& group);
std::string certificate_arn(const Certificate& certificate);

// "app/web/0123456789abcdef": how other services and metrics name a load balancer.
std::string load_balancer_suffix(const LoadBalancer& balancer);
// "web-1234567890.us-east-1.elb.localhost", with "internal-" before an internal one's.
std::string dns_name(const LoadBalancer& balancer);

// The lowest id that begins with these 16 digits; nothing when they are none.
template <class IdType>
std::optional<IdType> first_id_of(std::string_view digits)
{
    if (digits.size() != 16) return std::nullopt;
    return IdType::parse(std::string(digits) + std::string(16, '0'));
}
template <class Tag>
std::string elb_text(const Id<Tag>& id) { return to_text(id).substr(0, 16); }

}  // namespace boxship::model
