// AssociateAddress, DisassociateAddress. They are remembered and shown; no packet goes another way for it.
#include <fmt/format.h>

#include "base/ipv4.h"
#include "ec2/ops.h"
#include "services/ec2/addresses.h"
#include "services/ec2/filters.h"
#include "services/ec2/lookup.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

using EniPtr = std::shared_ptr<const model::Eni>;
using AssociationId = decltype(model::ElasticAddress::association);

// What belongs to a load balancer or a NAT gateway is theirs to change.
ApiError not_yours() { return {"AuthFailure", "You do not have permission to access the specified resource."}; }

Result<EniPtr> read_interface(const Txn& txn, const Call& call, const api::AssociateAddressRequest& request)
{
    if (!request.instance_id.empty()) {
        if (!txn.any<state::InstancesByEc2Id>(request.instance_id.str()))
            return ApiError{"InvalidInstanceID.NotFound", fmt::format("The instance ID '{}' does not exist", request.instance_id)};
        return ApiError{"OperationNotPermitted", fmt::format("The host '{}' has no network interface that EC2 knows; name one with networkInterfaceId.", request.instance_id)};
    }
    if (request.network_interface_id.empty()) return ApiError{"MissingParameter", "Either instance ID or network interface id must be specified"};
    auto eni = find_eni(txn, call.scope, request.network_interface_id);
    if (!eni) return ApiError{"InvalidNetworkInterfaceID.NotFound", fmt::format("The networkInterface ID '{}' does not exist", request.network_interface_id)};
    if (eni->load_balancer || eni->nat) return not_yours();
    if (!request.private_ip_address.empty() && request.private_ip_address != ipv4_text(eni->address))
        return invalid_value(fmt::format("The private IP address {} is not assigned to the network interface {}.", request.private_ip_address, request.network_interface_id));
    if (!txn.any<state::GatewaysByVpc>(eni->vpc))
        return ApiError{"Gateway.NotAttached", fmt::format("Network {} is not attached to any internet gateway", to_short_text("vpc-", eni->vpc))};
    return eni;
}

Result<AddressPtr> associate_address(Txn& txn, const Call& call, const api::AssociateAddressRequest& request)
{
    if (!request.public_ip.empty())
        return ApiError{"InvalidParameterCombination", "You must specify an allocation id when mapping an address to a VPC instance"};
    if (request.allocation_id.empty()) return ApiError{"MissingParameter", "Either public IP or allocation id must be specified"};
    ASSIGN_OR_RETURN(const auto address, required_address(txn, call, request.allocation_id));
    ASSIGN_OR_RETURN(const auto eni, read_interface(txn, call, request));
    if (const auto standing = address_row(txn, address).eni) {
        if (standing->id == eni->id) return address;
        if (!request.allow_reassociation.value_or(true)) return already_associated(*address);
        if (address->nat) return not_yours();
    }
    if (const auto other = address_of(txn, *eni)) free_address(txn, *other);
    model::ElasticAddress taken = *address;
    taken.eni = eni->id;
    taken.association = call.ids.next<AssociationId>();
    txn.put(std::move(taken));
    return txn.get<model::ElasticAddress>(address->id);
}

api::AssociateAddressResult render_associated(const AddressPtr& address)
{
    api::AssociateAddressResult response;
    response.association_id = association_text(*address);
    return response;
}

Result<Done> disassociate_address(Txn& txn, const Call& call, const api::DisassociateAddressRequest& request)
{
    if (!request.public_ip.empty()) return invalid_value("You must specify an association id when unmapping an address from a VPC instance");
    if (request.association_id.empty()) return ApiError{"MissingParameter", "Either public IP or association id must be specified"};
    for (const auto& [id, address] : txn.rows<model::ElasticAddress>()) {
        if (address->scope != call.scope || association_text(*address) != request.association_id.view() || !address_row(txn, address).eni) continue;
        if (address->nat) return not_yours();
        free_address(txn, *address);
        return Done{};
    }
    return ApiError{"InvalidAssociationID.NotFound", fmt::format("The association ID '{}' does not exist", request.association_id)};
}

}  // namespace

AddressRow address_row(const state::View& view, AddressPtr address)
{
    const auto nat = view.get<model::NatGateway>(address->nat);
    auto eni = view.get<model::Eni>(nat ? nat->eni : address->eni);
    return {std::move(address), std::move(eni)};
}

AddressPtr address_of(const state::View& view, const model::Eni& eni)
{
    if (const auto nat = view.get<model::NatGateway>(eni.nat)) return view.get<model::ElasticAddress>(nat->address);
    return view.first<state::AddressesByEni>(eni.id);
}

Result<AddressPtr> required_address(const state::View& view, const Call& call, std::string_view allocation)
{
    if (auto address = find_address(view, call.scope, allocation)) return address;
    return ApiError{"InvalidAllocationID.NotFound", fmt::format("The allocation ID '{}' does not exist", allocation)};
}

ApiError already_associated(const model::ElasticAddress& address)
{
    return {"Resource.AlreadyAssociated",
            fmt::format("resource {} is already associated with associate-id {}", allocation_text(address.id), association_text(address))};
}

void free_address(Txn& txn, const model::ElasticAddress& address)
{
    model::ElasticAddress freed = address;
    freed.nat = {};
    freed.eni = {};
    freed.association = {};
    txn.put(std::move(freed));
}

std::string allocation_text(const ElasticAddressId& id) { return to_short_text("eipalloc-", id); }

std::string association_text(const model::ElasticAddress& address)
{
    return address.association ? to_short_text("eipassoc-", address.association) : to_short_text("eipassoc-", address.id);
}

void serve_address_associations(Served& served)
{
    served.add<api::ops::AssociateAddress>(associate_address, render_associated);
    served.add<api::ops::DisassociateAddress>(disassociate_address, render_done<api::ops::DisassociateAddress::Response>);
}

}  // namespace boxship::services::ec2
