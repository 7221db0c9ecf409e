// CreateNetworkInterface, DeleteNetworkInterface, ModifyNetworkInterfaceAttribute.
#include <algorithm>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "decide/addresses.h"
#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/interfaces.h"
#include "services/ec2/lookup.h"
#include "services/ec2/serve.h"
#include "services/ec2/tags.h"

namespace boxship::services::ec2 {
namespace {

using EniPtr = std::shared_ptr<const model::Eni>;

// Named groups, all of the VPC; without names the group "default".
Result<std::vector<SecurityGroupId>> read_groups(const Txn& txn, const Call& call, const VpcId& vpc, const shape::List<shape::Str>& names)
{
    std::vector<SecurityGroupId> groups;
    for (const auto& name : names) {
        const auto group = find_group(txn, call.scope, name);
        if (!group) return ApiError{"InvalidGroup.NotFound", fmt::format("The security group '{}' does not exist", name)};
        if (group->vpc != vpc) return ApiError{"InvalidParameter", "You have specified two resources that belong to different networks."};
        if (std::ranges::find(groups, group->id) == groups.end()) groups.push_back(group->id);
    }
    if (groups.size() > call.quota(model::Quota::groups_per_interface))
        return ApiError{"SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached."};
    if (groups.empty())
        for (const auto& group : txn.all<state::GroupsByVpc>(vpc))
            if (group->is_default()) groups.push_back(group->id);
    return groups;
}

Result<std::uint32_t> choose_address(Txn& txn, const Call& call, const model::Subnet& subnet, const shape::Str& wanted)
{
    if (wanted.empty()) {
        const auto free = decide::pick_address(txn, subnet, call.ids);
        if (!free) return ApiError{"InsufficientFreeAddressesInSubnet", fmt::format("The subnet '{}' has no free address.", to_short_text("subnet-", subnet.id))};
        return *free;
    }
    const auto address = parse_ipv4(wanted);
    const Ipv4Range range{subnet.network, subnet.prefix};
    if (!address || !range.contains(*address)) return invalid_value(fmt::format("Address {} does not fall within the subnet's address range", wanted));
    if (*address < range.network + decide::subnet_reserved_first || *address == range.last())
        return invalid_value(fmt::format("Address {} is in subnet's reserved address range", wanted));
    if (txn.any<state::EniByAddress>({subnet.vpc, *address})) return ApiError{"InvalidIPAddress.InUse", fmt::format("Address {} is in use.", wanted)};
    return *address;
}

Result<InterfaceRow> create_interface(Txn& txn, const Call& call, const api::CreateNetworkInterfaceRequest& request)
{
    const auto subnet = find_subnet(txn, call.scope, request.subnet_id);
    if (!subnet) return ApiError{"InvalidSubnetID.NotFound", fmt::format("The subnet ID '{}' does not exist", request.subnet_id)};
    if (txn.rows<model::Eni>().size() >= call.quota(model::Quota::interfaces))
        return ApiError{"NetworkInterfaceLimitExceeded", "The maximum number of network interfaces has been reached."};
    model::Eni eni;
    eni.id = call.ids.next<EniId>();
    eni.scope = call.scope;
    eni.vpc = subnet->vpc;
    eni.subnet = subnet->id;
    eni.status = model::EniStatus::available;
    eni.description = request.description.str();
    eni.created_at = call.now;
    eni.mac = decide::pick_mac(call.ids);
    ASSIGN_OR_RETURN(eni.groups, read_groups(txn, call, subnet->vpc, request.groups));
    ASSIGN_OR_RETURN(eni.tags, read_specifications(call, request.tag_specifications, api::ResourceType::network_interface));
    ASSIGN_OR_RETURN(eni.address, choose_address(txn, call, *subnet, request.private_ip_address));
    const EniId id = eni.id;
    txn.put(std::move(eni));
    return interface_row(txn, txn.get<model::Eni>(id));
}

api::CreateNetworkInterfaceResult render_created(const InterfaceRow& row)
{
    api::CreateNetworkInterfaceResult response;
    write_interface(row, *response.network_interface);
    return response;
}

Result<EniPtr> required_eni(const state::View& view, const Call& call, std::string_view name)
{
    auto eni = find_eni(view, call.scope, name);
    if (!eni) return ApiError{"InvalidNetworkInterfaceID.NotFound", fmt::format("The networkInterface ID '{}' does not exist", name)};
    return eni;
}

Result<Done> delete_interface(Txn& txn, const Call& call, const api::DeleteNetworkInterfaceRequest& request)
{
    ASSIGN_OR_RETURN(const auto eni, required_eni(txn, call, request.network_interface_id));
    if (eni->status == model::EniStatus::in_use)
        return ApiError{"InvalidNetworkInterface.InUse", fmt::format("Network interface {} is currently in use.", request.network_interface_id)};
    txn.erase<model::Eni>(eni->id);
    return Done{};
}

Result<Done> modify_interface(Txn& txn, const Call& call, const api::ModifyNetworkInterfaceAttributeRequest& request)
{
    ASSIGN_OR_RETURN(const auto eni, required_eni(txn, call, request.network_interface_id));
    model::Eni changed = *eni;
    if (request.description) changed.description = request.description->value.str();
    if (request.source_dest_check) {
        if (!request.source_dest_check->value.value_or(true))
            return ApiError{"OperationNotPermitted", "The source check of an interface cannot be switched off: tasks must not send with the addresses of others."};
    }
    if (!request.groups.empty()) {
        ASSIGN_OR_RETURN(changed.groups, read_groups(txn, call, eni->vpc, request.groups));
    }
    txn.put(std::move(changed));
    return Done{};
}

}  // namespace

void serve_own_interfaces(Served& served)
{
    served.add<api::ops::CreateNetworkInterface>(create_interface, render_created)
        .ignores({"ClientToken", "ConnectionTrackingSpecification"})
        .refuses({"Ipv4Prefixes", "Ipv4PrefixCount", "Ipv6Prefixes", "Ipv6PrefixCount", "InterfaceType", "EnablePrimaryIpv6", "Operator",
                  "PrivateIpAddresses", "SecondaryPrivateIpAddressCount", "Ipv6Addresses", "Ipv6AddressCount"});
    served.add<api::ops::DeleteNetworkInterface>(delete_interface, render_done<api::DeleteNetworkInterfaceResponse>);
    served.add<api::ops::ModifyNetworkInterfaceAttribute>(modify_interface, render_done<api::ModifyNetworkInterfaceAttributeResponse>)
        .ignores({"ConnectionTrackingSpecification", "AssociatePublicIpAddress"})
        .refuses({"EnaSrdSpecification", "EnablePrimaryIpv6", "AssociatedSubnetIds", "Attachment"});
}

}  // namespace boxship::services::ec2
