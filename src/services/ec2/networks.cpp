// DescribeVpcs, DescribeSubnets.
#include "base/arn.h"
#include "base/ipv4.h"
#include "decide/addresses.h"
#include "ec2/ops.h"
#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

const char* text_of(bool value) { return value ? "true" : "false"; }

// VPCs

Properties vpc_properties(const state::View&, const model::Vpc& vpc)
{
    Properties properties = {{"vpc-id", {to_short_text("vpc-", vpc.id)}}, {"cidr", {range_of(vpc.network, vpc.prefix)}},
                             {"cidr-block-association.cidr-block", {range_of(vpc.network, vpc.prefix)}},
                             {"is-default", {text_of(vpc.is_default)}}, {"isDefault", {text_of(vpc.is_default)}},
                             {"state", {"available"}}, {"owner-id", {vpc.scope.account}}, {"dhcp-options-id", {to_short_text("dopt-", vpc.id)}},
                             {"cidr-block-association.association-id", {to_short_text("vpc-cidr-assoc-", vpc.id)}},
                             {"cidr-block-association.state", {"associated"}}};
    add_tag_properties(vpc.tags, properties);
    return properties;
}

Result<Described<model::Vpc>> describe_vpcs(Txn& txn, const Call& call, const api::DescribeVpcsRequest& request)
{
    static const KindOfRow<model::Vpc> kind{"vpc-", "InvalidVpcID.NotFound", "The vpc ID", find_vpc,
        {"vpc-id", "cidr", "cidr-block-association.cidr-block", "is-default", "isDefault", "state", "owner-id", "dhcp-options-id",
         "cidr-block-association.association-id", "cidr-block-association.state", "ipv6-cidr-block-association.association-id",
         "ipv6-cidr-block-association.ipv6-cidr-block", "ipv6-cidr-block-association.ipv6-pool", "ipv6-cidr-block-association.state"}, vpc_properties};
    return describe(txn, call, request, request.vpc_ids, kind);
}

api::DescribeVpcsResult render_vpcs(const Described<model::Vpc>& found)
{
    api::DescribeVpcsResult response;
    response.vpcs.emplace();
    for (const auto& vpc : found.rows) write_vpc(*vpc, response.vpcs.emplace_back());
    if (!found.next_token.empty()) response.next_token = found.next_token;
    return response;
}

// Subnets

struct SubnetRows {
    Described<model::Subnet> found;
    std::vector<std::uint32_t> available;   // addresses, in the same order
};

Properties subnet_properties(const state::View& view, const model::Subnet& subnet)
{
    const std::string range = range_of(subnet.network, subnet.prefix), id = to_short_text("subnet-", subnet.id);
    Properties properties = {{"subnet-id", {id}}, {"vpc-id", {to_short_text("vpc-", subnet.vpc)}}, {"cidr", {range}}, {"cidr-block", {range}},
                             {"cidrBlock", {range}}, {"availability-zone", {subnet.zone}}, {"availabilityZone", {subnet.zone}},
                             {"availability-zone-id", {subnet.zone_id}}, {"default-for-az", {text_of(subnet.default_for_zone)}},
                             {"defaultForAz", {text_of(subnet.default_for_zone)}}, {"state", {"available"}}, {"owner-id", {subnet.scope.account}},
                             {"subnet-arn", {ec2_arn(subnet.scope, "subnet/" + id)}}, {"map-public-ip-on-launch", {text_of(subnet.maps_public_ip())}},
                             {"ipv6-native", {"false"}}, {"enable-dns64", {"false"}}, {"map-customer-owned-ip-on-launch", {"false"}},
                             {"assign-ipv6-address-on-creation", {"false"}}, {"private-dns-name-options-on-launch.hostname-type", {"ip-name"}},
                             {"private-dns-name-options-on-launch.enable-resource-name-dns-a-record", {"false"}},
                             {"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record", {"false"}},
                             {"available-ip-address-count", {std::to_string(decide::subnet_available(view, subnet))}}};
    add_tag_properties(subnet.tags, properties);
    return properties;
}

Result<SubnetRows> describe_subnets(Txn& txn, const Call& call, const api::DescribeSubnetsRequest& request)
{
    static const KindOfRow<model::Subnet> kind{"subnet-", "InvalidSubnetID.NotFound", "The subnet ID", find_subnet,
        {"subnet-id", "vpc-id", "cidr", "cidr-block", "cidrBlock", "availability-zone", "availabilityZone", "availability-zone-id", "default-for-az",
         "defaultForAz", "state", "owner-id", "subnet-arn", "map-public-ip-on-launch", "available-ip-address-count", "ipv6-native",
         "enable-dns64", "map-customer-owned-ip-on-launch", "assign-ipv6-address-on-creation", "customer-owned-ipv4-pool", "outpost-arn",
         "enable-lni-at-device-index", "private-dns-name-options-on-launch.hostname-type",
         "private-dns-name-options-on-launch.enable-resource-name-dns-a-record",
         "private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record",
         "ipv6-cidr-block-association.association-id", "ipv6-cidr-block-association.ipv6-cidr-block", "ipv6-cidr-block-association.state"}, subnet_properties};
    SubnetRows rows;
    ASSIGN_OR_RETURN(rows.found, describe(txn, call, request, request.subnet_ids, kind));
    for (const auto& subnet : rows.found.rows) rows.available.push_back(decide::subnet_available(txn, *subnet));
    return rows;
}

api::DescribeSubnetsResult render_subnets(const SubnetRows& rows)
{
    api::DescribeSubnetsResult response;
    response.subnets.emplace();
    for (std::size_t i = 0; i < rows.found.rows.size(); ++i) write_subnet(*rows.found.rows[i], rows.available[i], response.subnets.emplace_back());
    if (!rows.found.next_token.empty()) response.next_token = rows.found.next_token;
    return response;
}

}  // namespace

std::string ec2_arn(const model::Scope& scope, const std::string& resource) { return to_text(Arn{"ec2", scope.region, scope.account, resource}); }
std::string range_of(std::uint32_t network, std::int32_t prefix) { return to_text(Ipv4Range{network, prefix}); }

void write_vpc(const model::Vpc& vpc, api::Vpc& out)
{
    out.vpc_id = to_short_text("vpc-", vpc.id);
    out.owner_id = vpc.scope.account;
    out.cidr_block = range_of(vpc.network, vpc.prefix);
    out.is_default = vpc.is_default;
    out.state = api::VpcState::available;
    out.instance_tenancy = api::Tenancy::default_;
    out.dhcp_options_id = to_short_text("dopt-", vpc.id);
    auto& association = out.cidr_block_association_set.emplace_back();
    association.association_id = to_short_text("vpc-cidr-assoc-", vpc.id);
    association.cidr_block = out.cidr_block;
    association.cidr_block_state->state = api::VpcCidrBlockStateCode::associated;
    write_tags(vpc.tags, out.tags);
}

void write_subnet(const model::Subnet& subnet, std::uint32_t available, api::Subnet& out)
{
    out.subnet_id = to_short_text("subnet-", subnet.id);
    out.subnet_arn = ec2_arn(subnet.scope, "subnet/" + out.subnet_id.str());
    out.vpc_id = to_short_text("vpc-", subnet.vpc);
    out.owner_id = subnet.scope.account;
    out.cidr_block = range_of(subnet.network, subnet.prefix);
    out.availability_zone = subnet.zone;
    out.availability_zone_id = subnet.zone_id;
    out.available_ip_address_count = static_cast<std::int32_t>(available);
    out.default_for_az = subnet.default_for_zone;
    out.map_public_ip_on_launch = subnet.maps_public_ip();
    out.map_customer_owned_ip_on_launch = false;
    out.assign_ipv6_address_on_creation = false;
    out.ipv6_native = false;
    out.enable_dns64 = false;
    auto& names = out.private_dns_name_options_on_launch.emplace();
    names.hostname_type = api::HostnameType::ip_name;
    names.enable_resource_name_dns_a_record = false;
    names.enable_resource_name_dns_aaaa_record = false;
    out.state = api::SubnetState::available;
    out.ipv6_cidr_block_association_set.emplace();
    write_tags(subnet.tags, out.tags);
}

void serve_networks(Served& served)
{
    served.add<api::ops::DescribeVpcs>(describe_vpcs, render_vpcs);
    served.add<api::ops::DescribeSubnets>(describe_subnets, render_subnets);
}

}  // namespace boxship::services::ec2
