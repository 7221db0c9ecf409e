// CreateSubnet, DeleteSubnet, ModifySubnetAttribute.
#include <algorithm>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "decide/addresses.h"
#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

constexpr int subnet_prefix_min = 16, subnet_prefix_max = 28;

struct SubnetRow {
    std::shared_ptr<const model::Subnet> subnet;
    std::uint32_t available = 0;
};

Result<std::shared_ptr<const model::Subnet>> required_subnet(const state::View& view, const Call& call, std::string_view name)
{
    auto subnet = find_subnet(view, call.scope, name);
    if (!subnet) return ApiError{"InvalidSubnetID.NotFound", fmt::format("The subnet ID '{}' does not exist", name)};
    return subnet;
}

// The zone that was named, by name or id; without one the zone with the fewest of the VPC's subnets. Zones are those that
// have a default subnet.
Result<> choose_zone(const state::View& view, const Call& call, const api::CreateSubnetRequest& request, model::Subnet& subnet)
{
    std::shared_ptr<const model::Subnet> best;
    std::size_t best_load = 0;
    for (const auto& [id, one] : view.rows<model::Subnet>()) {
        if (one->scope != call.scope || !one->default_for_zone) continue;
        if (!request.availability_zone.empty() && request.availability_zone != one->zone) continue;
        if (!request.availability_zone_id.empty() && request.availability_zone_id != one->zone_id) continue;
        const auto neighbours = view.all<state::SubnetsByVpc>(subnet.vpc);
        const auto load = static_cast<std::size_t>(std::ranges::count(neighbours, one->zone, [](const auto& row) { return row->zone; }));
        if (best && (load > best_load || (load == best_load && best->zone < one->zone))) continue;
        best = one;
        best_load = load;
    }
    if (!best)
        return invalid_value(fmt::format("Value ({}{}) for parameter availabilityZone is invalid. 'aws ec2 describe-availability-zones' lists those that are here.",
                                         request.availability_zone, request.availability_zone_id));
    subnet.zone = best->zone;
    subnet.zone_id = best->zone_id;
    return {};
}

Result<SubnetRow> create_subnet(Txn& txn, const Call& call, const api::CreateSubnetRequest& request)
{
    const auto vpc = find_vpc(txn, call.scope, request.vpc_id);
    if (!vpc) return ApiError{"InvalidVpcID.NotFound", fmt::format("The vpc ID '{}' does not exist", request.vpc_id)};
    if (request.cidr_block.empty()) return ApiError{"MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."};
    const auto range = Ipv4Range::parse(request.cidr_block);
    if (!range) return invalid_value(fmt::format("Value ({}) for parameter cidrBlock is invalid. This is not a valid CIDR block.", request.cidr_block));
    const Ipv4Range whole{vpc->network, vpc->prefix};
    if (range->prefix < subnet_prefix_min || range->prefix > subnet_prefix_max || range->prefix < whole.prefix || !whole.contains(range->network))
        return ApiError{"InvalidSubnet.Range", fmt::format("The CIDR '{}' is invalid.", request.cidr_block)};
    for (const auto& other : txn.all<state::SubnetsByVpc>(vpc->id)) {
        const Ipv4Range taken{other->network, other->prefix};
        if (taken.contains(range->network) || range->contains(taken.network))
            return ApiError{"InvalidSubnet.Conflict", fmt::format("The CIDR '{}' conflicts with another subnet", request.cidr_block)};
    }
    if (txn.count<state::SubnetsByVpc>(vpc->id) >= call.quota(model::Quota::subnets_per_vpc))
        return ApiError{"SubnetLimitExceeded", "The maximum number of subnets has been reached."};
    model::Subnet subnet{.id = call.ids.next<SubnetId>(), .scope = call.scope, .vpc = vpc->id, .network = range->network, .prefix = range->prefix};
    RETURN_IF_ERROR(choose_zone(txn, call, request, subnet));
    ASSIGN_OR_RETURN(subnet.tags, read_specifications(call, request.tag_specifications, api::ResourceType::subnet));
    const SubnetId id = subnet.id;
    txn.put(std::move(subnet));
    auto row = txn.get<model::Subnet>(id);
    const auto available = decide::subnet_available(txn, *row);
    return SubnetRow{std::move(row), available};
}

api::CreateSubnetResult render_created(const SubnetRow& row)
{
    api::CreateSubnetResult response;
    write_subnet(*row.subnet, row.available, *response.subnet);
    return response;
}

Result<Done> delete_subnet(Txn& txn, const Call& call, const api::DeleteSubnetRequest& request)
{
    ASSIGN_OR_RETURN(const auto subnet, required_subnet(txn, call, request.subnet_id));
    if (txn.any<state::EnisBySubnet>(subnet->id))
        return ApiError{"DependencyViolation", fmt::format("The subnet '{}' has dependencies and cannot be deleted.", request.subnet_id)};
    if (subnet->default_for_zone)
        return ApiError{"OperationNotPermitted", "The default subnets say which zones there are; they cannot be deleted."};
    for (const auto& table : txn.all<state::RouteTablesByVpc>(subnet->vpc)) {
        model::RouteTable changed = *table;
        if (std::erase_if(changed.associations, [&](const auto& association) { return association.subnet == subnet->id; }) > 0) txn.put(std::move(changed));
    }
    txn.erase<model::Subnet>(subnet->id);
    return Done{};
}

Result<Done> modify_subnet_attribute(Txn& txn, const Call& call, const api::ModifySubnetAttributeRequest& request)
{
    ASSIGN_OR_RETURN(const auto subnet, required_subnet(txn, call, request.subnet_id));
    if (request.private_dns_hostname_type_on_launch && *request.private_dns_hostname_type_on_launch != api::HostnameType::ip_name)
        return invalid_value("The only type of hostname here is 'ip-name'.");
    if (request.map_public_ip_on_launch) {
        model::Subnet changed = *subnet;
        changed.map_public_ip = request.map_public_ip_on_launch->value.value_or(false);
        txn.put(std::move(changed));
    }
    return Done{};
}

}  // namespace

void serve_subnets(Served& served)
{
    served.add<api::ops::CreateSubnet>(create_subnet, render_created)
        .refuses({"Ipv6CidrBlock", "OutpostArn", "Ipv6Native", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId", "Ipv6NetmaskLength"});
    served.add<api::ops::DeleteSubnet>(delete_subnet, render_done<api::DeleteSubnetResponse>);
    served.add<api::ops::ModifySubnetAttribute>(modify_subnet_attribute, render_done<api::ModifySubnetAttributeResponse>)
        .ignores({"MapPublicIpOnLaunch"})
        .refuses({"AssignIpv6AddressOnCreation", "MapCustomerOwnedIpOnLaunch", "CustomerOwnedIpv4Pool", "EnableDns64",
                  "EnableResourceNameDnsARecordOnLaunch", "EnableResourceNameDnsAAAARecordOnLaunch", "EnableLniAtDeviceIndex", "DisableLniAtDeviceIndex"});
}

}  // namespace boxship::services::ec2
