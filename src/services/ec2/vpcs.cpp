// CreateVpc, DeleteVpc, ModifyVpcAttribute, DescribeVpcAttribute.
#include <fmt/format.h>

#include "base/ipv4.h"
#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

using VpcPtr = std::shared_ptr<const model::Vpc>;
constexpr int vpc_prefix_min = 16, vpc_prefix_max = 28;

Result<VpcPtr> required_vpc(const state::View& view, const Call& call, std::string_view name)
{
    auto vpc = find_vpc(view, call.scope, name);
    if (!vpc) return ApiError{"InvalidVpcID.NotFound", fmt::format("The vpc ID '{}' does not exist", name)};
    return vpc;
}

Result<VpcPtr> create_vpc(Txn& txn, const Call& call, const api::CreateVpcRequest& request)
{
    if (request.cidr_block.empty()) return ApiError{"MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."};
    const auto range = Ipv4Range::parse(request.cidr_block);
    if (!range) return invalid_value(fmt::format("Value ({}) for parameter cidrBlock is invalid. This is not a valid CIDR block.", request.cidr_block));
    if (range->prefix < vpc_prefix_min || range->prefix > vpc_prefix_max)
        return ApiError{"InvalidVpc.Range", fmt::format("The CIDR '{}' is invalid: a VPC is from a /16 to a /28.", request.cidr_block)};
    if (request.instance_tenancy && *request.instance_tenancy != api::Tenancy::default_)
        return invalid_value("The only instance tenancy here is 'default'.");
    ASSIGN_OR_RETURN(auto tags, read_specifications(call, request.tag_specifications, api::ResourceType::vpc));
    if (txn.count_in<model::Vpc>(call.scope) >= call.quota(model::Quota::vpcs))
        return ApiError{"VpcLimitExceeded", "The maximum number of VPCs has been reached."};
    model::Vpc vpc{.id = call.ids.next<VpcId>(), .scope = call.scope, .network = range->network, .prefix = range->prefix, .tags = std::move(tags)};
    txn.put(vpc);
    make_vpc_parts(txn, vpc, call.ids);
    return txn.get<model::Vpc>(vpc.id);
}

api::CreateVpcResult render_created(const VpcPtr& vpc)
{
    api::CreateVpcResult response;
    write_vpc(*vpc, *response.vpc);
    return response;
}

// The group "default" and the main route table go with their VPC; everything else must be gone before.
Result<Done> delete_vpc(Txn& txn, const Call& call, const api::DeleteVpcRequest& request)
{
    ASSIGN_OR_RETURN(const auto vpc, required_vpc(txn, call, request.vpc_id));
    if (vpc->is_default) return ApiError{"OperationNotPermitted", "The default VPC is where this machine's hosts live; it cannot be deleted."};
    const auto groups = txn.all<state::GroupsByVpc>(vpc->id);
    const auto tables = txn.all<state::RouteTablesByVpc>(vpc->id);
    if (txn.any<state::SubnetsByVpc>(vpc->id) || txn.any<state::GatewaysByVpc>(vpc->id) || txn.any<state::NatGatewaysByVpc>(vpc->id) || groups.size() > 1 || tables.size() > 1)
        return ApiError{"DependencyViolation", fmt::format("The vpc '{}' has dependencies and cannot be deleted.", request.vpc_id)};
    for (const auto& group : groups) txn.erase<model::SecurityGroup>(group->id);
    for (const auto& table : tables) txn.erase<model::RouteTable>(table->id);
    txn.erase<model::Vpc>(vpc->id);
    return Done{};
}

Result<Done> modify_vpc_attribute(Txn& txn, const Call& call, const api::ModifyVpcAttributeRequest& request)
{
    ASSIGN_OR_RETURN(const auto vpc, required_vpc(txn, call, request.vpc_id));
    model::Vpc changed = *vpc;
    if (request.enable_dns_support) changed.dns_support = request.enable_dns_support->value.value_or(false);
    if (request.enable_dns_hostnames) changed.dns_hostnames = request.enable_dns_hostnames->value.value_or(false);
    if (request.enable_network_address_usage_metrics) changed.usage_metrics = request.enable_network_address_usage_metrics->value.value_or(false);
    txn.put(std::move(changed));
    return Done{};
}

struct AttributeRow {
    VpcPtr vpc;
    api::VpcAttributeName name;
};

Result<AttributeRow> describe_vpc_attribute(Txn& txn, const Call& call, const api::DescribeVpcAttributeRequest& request)
{
    ASSIGN_OR_RETURN(auto vpc, required_vpc(txn, call, request.vpc_id));
    if (!request.attribute) return ApiError{"MissingParameter", "The request must contain the parameter attribute"};
    return AttributeRow{std::move(vpc), *request.attribute};
}

api::DescribeVpcAttributeResult render_attribute(const AttributeRow& row)
{
    api::DescribeVpcAttributeResult response;
    response.vpc_id = to_short_text("vpc-", row.vpc->id);
    switch (row.name) {
    case api::VpcAttributeName::enable_dns_support: response.enable_dns_support->value = row.vpc->dns_support; break;
    case api::VpcAttributeName::enable_dns_hostnames: response.enable_dns_hostnames->value = row.vpc->shows_hostnames(); break;
    default: response.enable_network_address_usage_metrics->value = row.vpc->usage_metrics; break;
    }
    return response;
}

}  // namespace

void serve_vpcs(Served& served)
{
    served.add<api::ops::CreateVpc>(create_vpc, render_created)
        .refuses({"Ipv6Pool", "Ipv6CidrBlock", "Ipv4IpamPoolId", "Ipv4NetmaskLength", "Ipv6IpamPoolId", "Ipv6NetmaskLength",
                  "Ipv6CidrBlockNetworkBorderGroup", "VpcEncryptionControl", "AmazonProvidedIpv6CidrBlock"});
    served.add<api::ops::DeleteVpc>(delete_vpc, render_done<api::DeleteVpcResponse>);
    served.add<api::ops::ModifyVpcAttribute>(modify_vpc_attribute, render_done<api::ModifyVpcAttributeResponse>)
        .ignores({"EnableDnsHostnames", "EnableDnsSupport", "EnableNetworkAddressUsageMetrics"});
    served.add<api::ops::DescribeVpcAttribute>(describe_vpc_attribute, render_attribute);
}

}  // namespace boxship::services::ec2
