// The feet of a load balancer: a subnet and an address in each of its zones.
#pragma once

#include "services/elbv2/common.h"

namespace boxship::services::elbv2 {

using Subnets = std::vector<std::shared_ptr<const model::Subnet>>;
using SubnetMappings = shape::List<api::SubnetMapping>;

// One of the two lists is given. Of one VPC, in two zones at least, one in each.
Result<Subnets> find_subnets(const View& view, const Call& call, const shape::List<shape::Str>& names, const SubnetMappings& mappings);
// The default group of the VPC when none is named.
Result<std::vector<SecurityGroupId>> find_groups(const View& view, const Call& call, const shape::List<shape::Str>& names, const VpcId& vpc);

// Gives the load balancer an interface in each of the subnets, and takes those away that it no longer has. Puts the
// interfaces, not the load balancer.
Result<> set_zones(Txn& txn, const Call& call, model::LoadBalancer& balancer, const Subnets& subnets);

// A load balancer with what its description needs.
struct BalancerRow {
    BalancerPtr balancer;
    Subnets subnets;          // in the order of its zones
};
BalancerRow balancer_row(const View& view, BalancerPtr balancer);
void write_zones(const BalancerRow& row, shape::List<api::AvailabilityZone>& list);

}  // namespace boxship::services::elbv2
