// AllocateAddress, ReleaseAddress, DescribeAddresses, DescribeAddressesAttribute: Elastic IP addresses. They are of a range that is
// never routed; clients want them for NAT gateways. What leaves through those has the machine's address.
#include <algorithm>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "ec2/ops.h"
#include "services/ec2/addresses.h"
#include "services/ec2/lookup.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"
#include "services/ec2/tags.h"

namespace boxship::services::ec2 {
namespace {

constexpr Ipv4Range elastic_range{0xC6336400, 24};   // 198.51.100.0/24

Result<AddressPtr> allocate_address(Txn& txn, const Call& call, const api::AllocateAddressRequest& request)
{
    const ApiError exceeded{"AddressLimitExceeded", "The maximum number of addresses has been reached."};
    if (request.domain && *request.domain != api::DomainType::vpc) return invalid_value("Addresses are for VPCs: the domain is 'vpc'.");
    if (txn.count_in<model::ElasticAddress>(call.scope) >= call.quota(model::Quota::addresses)) return exceeded;
    ASSIGN_OR_RETURN(auto tags, read_specifications(call, request.tag_specifications, api::ResourceType::elastic_ip));
    std::uint32_t number = elastic_range.network + 1;
    while (number < elastic_range.last() && txn.any<state::AddressByNumber>(number)) ++number;
    if (number == elastic_range.last()) return exceeded;
    const auto id = call.ids.next<ElasticAddressId>();
    txn.put(model::ElasticAddress{.id = id, .scope = call.scope, .address = number, .nat = {}, .tags = std::move(tags), .eni = {}, .association = {}});
    return txn.get<model::ElasticAddress>(id);
}

api::AllocateAddressResult render_allocated(const AddressPtr& address)
{
    api::AllocateAddressResult response;
    response.allocation_id = allocation_text(address->id);
    response.public_ip = ipv4_text(address->address);
    response.domain = api::DomainType::vpc;
    response.network_border_group = address->scope.region;
    response.public_ipv4_pool = "amazon";
    return response;
}

Result<Done> release_address(Txn& txn, const Call& call, const api::ReleaseAddressRequest& request)
{
    if (!request.public_ip.empty()) return invalid_value("You must specify an allocation id when releasing a VPC elastic IP address");
    if (request.allocation_id.empty()) return ApiError{"MissingParameter", "Either public IP or allocation id must be specified"};
    ASSIGN_OR_RETURN(const auto address, required_address(txn, call, request.allocation_id));
    if (address_row(txn, address).eni) return ApiError{"InvalidIPAddress.InUse", fmt::format("Address {} is in use.", ipv4_text(address->address))};
    txn.erase<model::ElasticAddress>(address->id);
    return Done{};
}

Properties address_properties(const AddressRow& row)
{
    Properties properties = {{"allocation-id", {allocation_text(row.address->id)}}, {"public-ip", {ipv4_text(row.address->address)}}, {"domain", {"vpc"}},
                             {"network-border-group", {row.address->scope.region}}};
    if (row.eni) {
        properties["association-id"] = {association_text(*row.address)};
        properties["network-interface-id"] = {to_short_text("eni-", row.eni->id)};
        properties["network-interface-owner-id"] = {row.address->scope.account};
        properties["private-ip-address"] = {ipv4_text(row.eni->address)};
    }
    add_tag_properties(row.address->tags, properties);
    return properties;
}

Result<std::vector<AddressRow>> describe_addresses(Txn& txn, const Call& call, const api::DescribeAddressesRequest& request)
{
    RETURN_IF_ERROR(check_filters(request.filters, {"allocation-id", "public-ip", "domain", "network-border-group", "association-id", "network-interface-id",
                                                    "network-interface-owner-id", "private-ip-address", "instance-id"}));
    for (const auto& name : request.allocation_ids) RETURN_IF_ERROR(required_address(txn, call, name));
    for (const auto& text : request.public_ips) {
        const auto number = parse_ipv4(text);
        if (!number || !txn.any<state::AddressByNumber>(*number)) return ApiError{"InvalidAddress.NotFound", fmt::format("Address '{}' not found.", text)};
    }
    const auto named = [](const shape::List<shape::Str>& names, const std::string& text) {
        return names.empty() || std::ranges::any_of(names, [&](const auto& name) { return name == text; });
    };
    std::vector<AddressRow> rows;
    for (const auto& [id, address] : txn.rows<model::ElasticAddress>()) {
        if (address->scope != call.scope || !named(request.allocation_ids, allocation_text(id)) || !named(request.public_ips, ipv4_text(address->address))) continue;
        AddressRow row = address_row(txn, address);
        if (passes(request.filters, address_properties(row))) rows.push_back(std::move(row));
    }
    return rows;
}

api::DescribeAddressesResult render_addresses(const std::vector<AddressRow>& rows)
{
    api::DescribeAddressesResult response;
    response.addresses.emplace();
    for (const auto& row : rows) {
        auto& out = response.addresses.emplace_back();
        out.allocation_id = allocation_text(row.address->id);
        out.public_ip = ipv4_text(row.address->address);
        out.domain = api::DomainType::vpc;
        out.network_border_group = row.address->scope.region;
        out.public_ipv4_pool = "amazon";
        if (row.eni) {
            out.association_id = association_text(*row.address);
            out.network_interface_id = to_short_text("eni-", row.eni->id);
            out.network_interface_owner_id = row.address->scope.account;
            out.private_ip_address = ipv4_text(row.eni->address);
        }
        write_tags(row.address->tags, out.tags);
    }
    return response;
}

// Their names in the DNS: none has one.
Result<std::vector<AddressPtr>> describe_addresses_attribute(Txn& txn, const Call& call, const api::DescribeAddressesAttributeRequest& request)
{
    std::vector<AddressPtr> rows;
    for (const auto& name : request.allocation_ids) {
        ASSIGN_OR_RETURN(auto address, required_address(txn, call, name));
        rows.push_back(std::move(address));
    }
    return rows;
}

api::DescribeAddressesAttributeResult render_attributes(const std::vector<AddressPtr>& rows)
{
    api::DescribeAddressesAttributeResult response;
    response.addresses.emplace();
    for (const auto& row : rows) {
        auto& out = response.addresses.emplace_back();
        out.allocation_id = allocation_text(row->id);
        out.public_ip = ipv4_text(row->address);
    }
    return response;
}

}  // namespace

void serve_addresses(Served& served)
{
    served.add<api::ops::AllocateAddress>(allocate_address, render_allocated)
        .refuses({"Address", "PublicIpv4Pool", "NetworkBorderGroup", "CustomerOwnedIpv4Pool", "IpamPoolId"});
    served.add<api::ops::ReleaseAddress>(release_address, render_done<api::ops::ReleaseAddress::Response>).ignores({"NetworkBorderGroup"});
    served.add<api::ops::DescribeAddresses>(describe_addresses, render_addresses);
    served.add<api::ops::DescribeAddressesAttribute>(describe_addresses_attribute, render_attributes)
        .ignores({"Attribute", "NextToken", "MaxResults"});
}

}  // namespace boxship::services::ec2
