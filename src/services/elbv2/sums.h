// What a load balancer has in all its listeners together, for the quotas that count so.
#pragma once

#include "services/elbv2/common.h"

namespace boxship::services::elbv2 {

// Each is to be asked when the change is written; what is refused is taken back with its transaction. They cost as much as the one
// load balancer has, which the quotas bound.
Result<> check_rule_count(const View& view, const Call& call, const LoadBalancerId& balancer);
Result<> check_group_count(const View& view, const Call& call, const LoadBalancerId& balancer);
Result<> check_certificate_count(const View& view, const Call& call, const LoadBalancerId& balancer);
Result<> check_target_count(const View& view, const Call& call, const LoadBalancerId& balancer);

}  // namespace boxship::services::elbv2
