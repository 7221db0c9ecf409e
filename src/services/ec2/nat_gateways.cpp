// CreateNatGateway, DeleteNatGateway, DescribeNatGateways. A subnet whose route leads to one reaches what the machine reaches; the
// translating is done where all of it is done, in the router and on the host.
#include <fmt/format.h>

#include "base/ipv4.h"
#include "decide/addresses.h"
#include "ec2/ops.h"
#include "services/ec2/addresses.h"
#include "services/ec2/lookup.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"
#include "services/ec2/tags.h"

namespace boxship::services::ec2 {
namespace {

using NatPtr = std::shared_ptr<const model::NatGateway>;
constexpr Milliseconds shown_after_deletion = std::chrono::hours(1);

struct NatRow {
    NatPtr nat;
    std::shared_ptr<const model::ElasticAddress> address;
    bool just_made = false;
};

std::string nat_text(const NatGatewayId& id) { return to_short_text("nat-", id); }

Result<NatPtr> required_nat(const state::View& view, const Call& call, std::string_view name)
{
    auto nat = find_nat(view, call.scope, name);
    if (!nat) return ApiError{"NatGatewayNotFound", fmt::format("The Nat Gateway {} was not found", name)};
    return nat;
}

void forget_deleted(Txn& txn, Time now)
{
    constexpr std::size_t at_once = 32;
    std::vector<NatGatewayId> old;
    for (const auto& [deleted_at, id] : txn.entries<state::DeletedNatGatewaysByTime>()) {
        if (deleted_at + shown_after_deletion > now || old.size() == at_once) break;
        old.push_back(id);
    }
    for (const auto& id : old) txn.erase<model::NatGateway>(id);
}

Result<NatRow> create_nat_gateway(Txn& txn, const Call& call, const api::CreateNatGatewayRequest& request)
{
    if (request.availability_mode && *request.availability_mode != api::AvailabilityMode::zonal)
        return invalid_value("NAT gateways here are zonal.");
    if (request.subnet_id.empty()) return ApiError{"MissingParameter", "The request must contain the parameter subnetId"};
    const auto subnet = find_subnet(txn, call.scope, request.subnet_id);
    if (!subnet) return ApiError{"InvalidSubnetID.NotFound", fmt::format("The subnet ID '{}' does not exist", request.subnet_id)};
    forget_deleted(txn, call.now);
    if (const auto most = call.quota(model::Quota::nat_gateways_per_zone); txn.count<state::NatGatewaysByZone>({call.scope, subnet->zone}) >= most)
        return ApiError{"NatGatewayLimitExceeded", fmt::format("Performing this operation would exceed the limit of {} NAT gateways", most)};
    model::NatGateway nat{.id = call.ids.next<NatGatewayId>(), .scope = call.scope, .vpc = subnet->vpc, .subnet = subnet->id, .zone = subnet->zone};
    nat.is_public = request.connectivity_type.value_or(api::ConnectivityType::public_) == api::ConnectivityType::public_;
    nat.created_at = call.now;
    ASSIGN_OR_RETURN(nat.tags, read_specifications(call, request.tag_specifications, api::ResourceType::natgateway));
    if (nat.is_public) {
        if (request.allocation_id.empty()) return ApiError{"MissingParameter", "The request must contain the parameter allocationId"};
        ASSIGN_OR_RETURN(const auto address, required_address(txn, call, request.allocation_id));
        if (address_row(txn, address).eni) return already_associated(*address);
        if (!txn.any<state::GatewaysByVpc>(subnet->vpc))
            return ApiError{"Gateway.NotAttached", fmt::format("Network {} has no Internet gateway attached", to_short_text("vpc-", subnet->vpc))};
        model::ElasticAddress taken = *address;
        taken.nat = nat.id;
        taken.eni = {};
        taken.association = call.ids.next<decltype(taken.association)>();
        nat.address = address->id;
        txn.put(std::move(taken));
    } else if (!request.allocation_id.empty()) {
        return invalid_value("A private NAT gateway has no allocation ID.");
    }
    const auto address = decide::pick_address(txn, *subnet, call.ids);
    if (!address) return ApiError{"InsufficientFreeAddressesInSubnet", fmt::format("The subnet '{}' has no free address.", request.subnet_id)};
    model::Eni eni{.id = call.ids.next<EniId>(), .scope = call.scope, .vpc = subnet->vpc, .subnet = subnet->id, .address = *address};
    eni.mac = decide::pick_mac(call.ids);
    eni.description = "Interface for NAT Gateway " + nat_text(nat.id);
    eni.created_at = call.now;
    eni.nat = nat.id;
    nat.eni = eni.id;
    nat.private_address = *address;
    const NatGatewayId id = nat.id;
    txn.put(std::move(eni));
    txn.put(std::move(nat));
    auto row = txn.get<model::NatGateway>(id);
    auto elastic = txn.get<model::ElasticAddress>(row->address);
    return NatRow{std::move(row), std::move(elastic), true};
}

// Routes that lead to it stay and lead nowhere, as on AWS.
Result<NatPtr> delete_nat_gateway(Txn& txn, const Call& call, const api::DeleteNatGatewayRequest& request)
{
    ASSIGN_OR_RETURN(const auto nat, required_nat(txn, call, request.nat_gateway_id));
    forget_deleted(txn, call.now);
    if (nat->deleted()) return nat;
    if (const auto address = txn.get<model::ElasticAddress>(nat->address)) free_address(txn, *address);
    txn.erase<model::Eni>(nat->eni);
    model::NatGateway gone = *nat;
    gone.eni = {};
    gone.deleted_at = call.now;
    txn.put(std::move(gone));
    return nat;
}

const char* state_text(const model::NatGateway& nat) { return nat.deleted() ? "deleted" : "available"; }

Properties nat_properties(const state::View&, const model::NatGateway& nat)
{
    Properties properties = {{"nat-gateway-id", {nat_text(nat.id)}}, {"state", {state_text(nat)}}, {"subnet-id", {to_short_text("subnet-", nat.subnet)}},
                             {"vpc-id", {to_short_text("vpc-", nat.vpc)}}};
    add_tag_properties(nat.tags, properties);
    return properties;
}

struct NatRows {
    std::vector<NatRow> rows;
    std::string next_token;
};

Result<NatRows> describe_nat_gateways(Txn& txn, const Call& call, const api::DescribeNatGatewaysRequest& request)
{
    static const KindOfRow<model::NatGateway> kind{"nat-", "NatGatewayNotFound", "The Nat Gateway", find_nat,
        {"nat-gateway-id", "state", "subnet-id", "vpc-id"}, nat_properties};
    struct Asked {
        const shape::List<api::Filter>& filters;
        const shape::Str& next_token;
        shape::Opt<std::int32_t> max_results;
    };
    for (const auto& name : request.nat_gateway_ids) RETURN_IF_ERROR(required_nat(txn, call, name));
    ASSIGN_OR_RETURN(auto found, describe(txn, call, Asked{request.filter, request.next_token, request.max_results}, request.nat_gateway_ids, kind));
    NatRows rows{.rows = {}, .next_token = found.next_token};
    for (auto& nat : found.rows) {
        if (nat->deleted() && nat->deleted_at + shown_after_deletion <= call.now) continue;
        auto address = txn.get<model::ElasticAddress>(nat->address);
        rows.rows.push_back({std::move(nat), std::move(address), false});
    }
    return rows;
}

void write_nat(const NatRow& row, api::NatGateway& out)
{
    const auto& nat = *row.nat;
    out.nat_gateway_id = nat_text(nat.id);
    out.vpc_id = to_short_text("vpc-", nat.vpc);
    out.subnet_id = to_short_text("subnet-", nat.subnet);
    out.create_time = nat.created_at;
    if (nat.deleted()) out.delete_time = nat.deleted_at;
    out.state = nat.deleted() ? api::NatGatewayState::deleted : row.just_made ? api::NatGatewayState::pending : api::NatGatewayState::available;
    out.connectivity_type = nat.is_public ? api::ConnectivityType::public_ : api::ConnectivityType::private_;
    out.availability_mode = api::AvailabilityMode::zonal;
    auto& address = out.nat_gateway_addresses.emplace_back();
    address.private_ip = ipv4_text(nat.private_address);
    address.is_primary = true;
    address.status = api::NatGatewayAddressStatus::succeeded;
    if (nat.eni) address.network_interface_id = to_short_text("eni-", nat.eni);
    if (nat.is_public) address.allocation_id = to_short_text("eipalloc-", nat.address);
    if (row.address) {
        address.public_ip = ipv4_text(row.address->address);
        if (!nat.deleted()) address.association_id = association_text(*row.address);
    }
    write_tags(nat.tags, out.tags);
}

api::CreateNatGatewayResult render_created(const NatRow& row)
{
    api::CreateNatGatewayResult response;
    write_nat(row, *response.nat_gateway);
    return response;
}

api::DeleteNatGatewayResult render_deleted(const NatPtr& nat)
{
    api::DeleteNatGatewayResult response;
    response.nat_gateway_id = nat_text(nat->id);
    return response;
}

api::DescribeNatGatewaysResult render_nats(const NatRows& rows)
{
    api::DescribeNatGatewaysResult response;
    response.nat_gateways.emplace();
    for (const auto& row : rows.rows) write_nat(row, response.nat_gateways.emplace_back());
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

void serve_nat_gateways(Served& served)
{
    served.add<api::ops::CreateNatGateway>(create_nat_gateway, render_created)
        .ignores({"ClientToken"})
        .refuses({"VpcId", "AvailabilityZoneAddresses", "PrivateIpAddress", "SecondaryAllocationIds", "SecondaryPrivateIpAddresses",
                  "SecondaryPrivateIpAddressCount"});
    served.add<api::ops::DeleteNatGateway>(delete_nat_gateway, render_deleted);
    served.add<api::ops::DescribeNatGateways>(describe_nat_gateways, render_nats);
}

}  // namespace boxship::services::ec2
