#include "services/elbv2/zones.h"

#include <set>

#include "decide/addresses.h"
#include "services/ec2/lookup.h"

namespace boxship::services::elbv2 {

Result<Subnets> find_subnets(const View& view, const Call& call, const shape::List<shape::Str>& names, const SubnetMappings& mappings)
{
    constexpr std::size_t zones_min = 2;
    if (!names.empty() && !mappings.empty()) return validation("You must specify either subnets or subnet mappings, not both");
    std::vector<std::string> wanted;
    for (const auto& name : names) wanted.push_back(name.str());
    for (const auto& mapping : mappings) {
        if (mapping.allocation_id.has() || mapping.private_ipv4_address.has() || mapping.ipv6_address.has() || mapping.source_nat_ipv6_prefix.has())
            return invalid_configuration("Addresses can be chosen for the subnets of network load balancers only");
        wanted.push_back(mapping.subnet_id.str());
    }
    Subnets subnets;
    std::set<std::string> zones;
    for (const auto& name : wanted) {
        auto subnet = ec2::find_subnet(view, call.scope, name);
        if (!subnet) return ApiError{"SubnetNotFoundException", fmt::format("The subnet ID '{}' does not exist", name)};
        if (!subnets.empty() && subnets.front()->vpc != subnet->vpc)
            return ApiError{"InvalidSubnetException", "All subnets must belong to the same VPC"};
        if (!zones.insert(subnet->zone).second)
            return invalid_configuration("A load balancer cannot be attached to multiple subnets in the same Availability Zone");
        subnets.push_back(std::move(subnet));
    }
    if (zones.size() < zones_min) return validation("At least two subnets in two different Availability Zones must be specified");
    return subnets;
}

Result<std::vector<SecurityGroupId>> find_groups(const View& view, const Call& call, const shape::List<shape::Str>& names, const VpcId& vpc)
{
    if (const auto most = call.quota(model::Quota::groups_per_balancer); names.size() > most)
        return invalid_configuration(fmt::format("A load balancer can have no more than {} security groups", most));
    std::vector<SecurityGroupId> groups;
    for (const auto& name : names) {
        const auto group = ec2::find_group(view, call.scope, name);
        if (!group || group->vpc != vpc) return ApiError{"InvalidSecurityGroupException", fmt::format("One or more security groups are invalid: '{}'", name)};
        if (std::ranges::find(groups, group->id) == groups.end()) groups.push_back(group->id);
    }
    if (groups.empty())
        for (const auto& group : view.all<state::GroupsByVpc>(vpc))
            if (group->name == "default") groups.push_back(group->id);
    return groups;
}

Result<> set_zones(Txn& txn, const Call& call, model::LoadBalancer& balancer, const Subnets& subnets)
{
    std::vector<model::LoadBalancerZone> zones;
    for (const auto& subnet : subnets) {
        const auto standing = std::ranges::find(balancer.zones, subnet->id, &model::LoadBalancerZone::subnet);
        if (standing != balancer.zones.end()) {
            zones.push_back(*standing);
            continue;
        }
        const auto address = decide::pick_address(txn, *subnet, call.ids);
        if (!address)
            return ApiError{"InvalidSubnetException", fmt::format("Not enough IP space available in {}", to_short_text("subnet-", subnet->id))};
        model::Eni eni{.id = call.ids.next<EniId>(), .scope = call.scope, .vpc = subnet->vpc, .subnet = subnet->id, .address = *address};
        eni.mac = decide::pick_mac(call.ids);
        eni.groups = balancer.groups;
        eni.description = "ELB " + model::load_balancer_suffix(balancer);
        eni.created_at = call.now;
        eni.load_balancer = balancer.id;
        zones.push_back({subnet->id, eni.id});
        txn.put(std::move(eni));
    }
    for (const auto& zone : balancer.zones)
        if (std::ranges::find(zones, zone) == zones.end()) txn.erase<model::Eni>(zone.eni);
    balancer.zones = std::move(zones);
    return {};
}

BalancerRow balancer_row(const View& view, BalancerPtr balancer)
{
    BalancerRow row{.balancer = std::move(balancer), .subnets = {}};
    for (const auto& zone : row.balancer->zones) row.subnets.push_back(view.get<model::Subnet>(zone.subnet));
    return row;
}

void write_zones(const BalancerRow& row, shape::List<api::AvailabilityZone>& list)
{
    list.emplace();
    for (const auto& subnet : row.subnets) {
        auto& zone = list.emplace_back();
        zone.zone_name = subnet->zone;
        zone.subnet_id = to_short_text("subnet-", subnet->id);
        zone.load_balancer_addresses.emplace();
    }
}

}  // namespace boxship::services::elbv2
