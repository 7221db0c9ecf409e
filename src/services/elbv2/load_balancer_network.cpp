// SetSubnets, SetSecurityGroups, SetIpAddressType.
#include "services/elbv2/serve.h"
#include "services/elbv2/zones.h"

namespace boxship::services::elbv2 {
namespace {

Result<BalancerRow> set_subnets(Txn& txn, const Call& call, const api::SetSubnetsInput& request)
{
    ASSIGN_OR_RETURN(const BalancerPtr found, find_balancer(txn, call, request.load_balancer_arn));
    if (request.ip_address_type && *request.ip_address_type != api::IpAddressType::ipv4)
        return invalid_configuration(fmt::format("The IP address type '{}' is not supported by this server; 'ipv4' is", to_text(*request.ip_address_type)));
    ASSIGN_OR_RETURN(const Subnets subnets, find_subnets(txn, call, request.subnets, request.subnet_mappings));
    if (subnets.front()->vpc != found->vpc) return ApiError{"InvalidSubnetException", "All subnets must belong to the VPC of the load balancer"};
    model::LoadBalancer balancer = *found;
    RETURN_IF_ERROR(set_zones(txn, call, balancer, subnets));
    txn.put(std::move(balancer));
    return balancer_row(txn, txn.get<model::LoadBalancer>(found->id));
}

Result<BalancerPtr> set_security_groups(Txn& txn, const Call& call, const api::SetSecurityGroupsInput& request)
{
    ASSIGN_OR_RETURN(const BalancerPtr found, find_balancer(txn, call, request.load_balancer_arn));
    if (request.security_groups.empty()) return validation("At least one security group must be specified");
    model::LoadBalancer balancer = *found;
    ASSIGN_OR_RETURN(balancer.groups, find_groups(txn, call, request.security_groups, balancer.vpc));
    for (const auto& zone : balancer.zones) {
        model::Eni eni = *txn.get<model::Eni>(zone.eni);
        eni.groups = balancer.groups;
        txn.put(std::move(eni));
    }
    txn.put(std::move(balancer));
    return txn.get<model::LoadBalancer>(found->id);
}

Result<BalancerPtr> set_ip_address_type(Txn& txn, const Call& call, const api::SetIpAddressTypeInput& request)
{
    ASSIGN_OR_RETURN(BalancerPtr found, find_balancer(txn, call, request.load_balancer_arn));
    const auto type = shape::parse_enum<api::IpAddressType>(request.ip_address_type);
    if (!type) return validation(fmt::format("'{}' is not a valid IP address type", request.ip_address_type));
    if (*type != api::IpAddressType::ipv4)
        return invalid_configuration(fmt::format("The IP address type '{}' is not supported by this server; 'ipv4' is", request.ip_address_type));
    return found;
}

api::SetSubnetsOutput render_subnets(const BalancerRow& row)
{
    api::SetSubnetsOutput response;
    write_zones(row, response.availability_zones);
    response.ip_address_type = api::IpAddressType::ipv4;
    return response;
}

api::SetSecurityGroupsOutput render_groups(const BalancerPtr& balancer)
{
    api::SetSecurityGroupsOutput response;
    for (const auto& group : balancer->groups) response.security_group_ids.emplace_back(to_short_text("sg-", group));
    return response;
}

api::SetIpAddressTypeOutput render_ip_address_type(const BalancerPtr&)
{
    api::SetIpAddressTypeOutput response;
    response.ip_address_type = api::IpAddressType::ipv4;
    return response;
}

}  // namespace

void serve_load_balancer_network(Served& served)
{
    served.add<api::ops::SetSubnets>(set_subnets, render_subnets).refuses({"EnablePrefixForIpv6SourceNat"});
    served.add<api::ops::SetSecurityGroups>(set_security_groups, render_groups)
        .refuses({"EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic"});
    served.add<api::ops::SetIpAddressType>(set_ip_address_type, render_ip_address_type);
}

}  // namespace boxship::services::elbv2
