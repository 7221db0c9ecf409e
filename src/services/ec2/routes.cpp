// CreateRoute, ReplaceRoute, DeleteRoute, and the internet gateways that routes lead to.
#include "services/ec2/routes.h"

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

using GatewayPtr = std::shared_ptr<const model::InternetGateway>;

Result<GatewayPtr> required_gateway(const state::View& view, const Call& call, std::string_view name)
{
    auto gateway = find_gateway(view, call.scope, name);
    if (!gateway) return ApiError{"InvalidInternetGatewayID.NotFound", fmt::format("The internetGateway ID '{}' does not exist", name)};
    return gateway;
}

template <class Request>
Result<model::VpcRoute> read_destination(const Request& request)
{
    model::VpcRoute route;
    if (!request.destination_ipv6_cidr_block.empty()) {
        route.ipv6 = request.destination_ipv6_cidr_block.str();
        return route;
    }
    if (request.destination_cidr_block.empty()) return ApiError{"MissingParameter", "The request must contain the parameter destinationCidrBlock"};
    const auto range = Ipv4Range::parse(request.destination_cidr_block);
    if (!range)
        return invalid_value(fmt::format("Value ({}) for parameter destinationCidrBlock is invalid. This is not a valid CIDR block.", request.destination_cidr_block));
    route.network = range->network;
    route.prefix = range->prefix;
    return route;
}

template <class Request>
Result<model::VpcRoute> read_route(const Txn& txn, const Call& call, const model::RouteTable& table, const Request& request)
{
    ASSIGN_OR_RETURN(auto route, read_destination(request));
    if (request.gateway_id.empty() == request.nat_gateway_id.empty())
        return ApiError{"InvalidParameterValue", "A route leads to one internet gateway (gatewayId) or NAT gateway (natGatewayId); other targets are not supported."};
    if (!request.gateway_id.empty()) {
        ASSIGN_OR_RETURN(const auto gateway, required_gateway(txn, call, request.gateway_id));
        if (gateway->vpc != table.vpc)
            return ApiError{"InvalidParameterValue", fmt::format("route table {} and network gateway {} belong to different networks", request.route_table_id, request.gateway_id)};
        route.gateway = gateway->id;
    } else {
        const auto nat = find_nat(txn, call.scope, request.nat_gateway_id);
        if (!nat || nat->deleted()) return ApiError{"InvalidNatGatewayID.NotFound", fmt::format("The natGateway ID '{}' does not exist", request.nat_gateway_id)};
        if (nat->vpc != table.vpc)
            return ApiError{"InvalidParameterValue", fmt::format("route table {} and NAT gateway {} belong to different networks", request.route_table_id, request.nat_gateway_id)};
        route.nat = nat->id;
    }
    const auto vpc = txn.get<model::Vpc>(table.vpc);
    if (route.ipv6.empty() && route.prefix >= vpc->prefix && Ipv4Range{vpc->network, vpc->prefix}.contains(route.network))
        return ApiError{"InvalidParameterValue", fmt::format("The destination CIDR block {} is equal to or more specific than one of this VPC's CIDR blocks.",
                                                              request.destination_cidr_block)};
    return route;
}

auto same_destination(const model::VpcRoute& route)
{
    return [&route](const model::VpcRoute& other) { return other.network == route.network && other.prefix == route.prefix && other.ipv6 == route.ipv6; };
}

template <class Request>
ApiError no_route(const Request& request)
{
    return {"InvalidRoute.NotFound", fmt::format("no route with destination-cidr-block {}{} in route table {}", request.destination_cidr_block,
                                                 request.destination_ipv6_cidr_block, request.route_table_id)};
}

Result<Done> create_route(Txn& txn, const Call& call, const api::CreateRouteRequest& request)
{
    ASSIGN_OR_RETURN(const auto table, required_table(txn, call, request.route_table_id));
    ASSIGN_OR_RETURN(const auto route, read_route(txn, call, *table, request));
    model::RouteTable changed = *table;
    const auto standing = std::ranges::find_if(changed.routes, same_destination(route));
    if (standing != changed.routes.end()) {
        if (standing->gateway == route.gateway && standing->nat == route.nat) return Done{};
        return ApiError{"RouteAlreadyExists", fmt::format("The route identified by {} already exists.", request.destination_cidr_block)};
    }
    // The local route counts as well.
    if (changed.routes.size() + 1 >= call.quota(model::Quota::routes_per_table))
        return ApiError{"RouteLimitExceeded", "The maximum number of routes has been reached."};
    changed.routes.push_back(route);
    txn.put(std::move(changed));
    return Done{};
}

Result<Done> replace_route(Txn& txn, const Call& call, const api::ReplaceRouteRequest& request)
{
    ASSIGN_OR_RETURN(const auto table, required_table(txn, call, request.route_table_id));
    ASSIGN_OR_RETURN(const auto route, read_route(txn, call, *table, request));
    model::RouteTable changed = *table;
    const auto standing = std::ranges::find_if(changed.routes, same_destination(route));
    if (standing == changed.routes.end()) return no_route(request);
    *standing = route;
    txn.put(std::move(changed));
    return Done{};
}

Result<Done> delete_route(Txn& txn, const Call& call, const api::DeleteRouteRequest& request)
{
    ASSIGN_OR_RETURN(const auto table, required_table(txn, call, request.route_table_id));
    ASSIGN_OR_RETURN(const auto route, read_destination(request));
    model::RouteTable changed = *table;
    if (std::erase_if(changed.routes, same_destination(route)) == 0) return no_route(request);
    txn.put(std::move(changed));
    return Done{};
}

// Internet gateways

void write_gateway(const model::InternetGateway& gateway, api::InternetGateway& out)
{
    out.internet_gateway_id = to_short_text("igw-", gateway.id);
    out.owner_id = gateway.scope.account;
    out.attachments.emplace();
    if (gateway.vpc) {
        auto& attachment = out.attachments.emplace_back();
        attachment.vpc_id = to_short_text("vpc-", gateway.vpc);
        attachment.state = "available";
    }
    write_tags(gateway.tags, out.tags);
}

Result<GatewayPtr> create_gateway(Txn& txn, const Call& call, const api::CreateInternetGatewayRequest& request)
{
    ASSIGN_OR_RETURN(auto tags, read_specifications(call, request.tag_specifications, api::ResourceType::internet_gateway));
    if (txn.count_in<model::InternetGateway>(call.scope) >= call.quota(model::Quota::internet_gateways))
        return ApiError{"InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached."};
    const auto id = call.ids.next<InternetGatewayId>();
    txn.put(model::InternetGateway{.id = id, .scope = call.scope, .vpc = {}, .tags = std::move(tags)});
    return txn.get<model::InternetGateway>(id);
}

api::CreateInternetGatewayResult render_created(const GatewayPtr& gateway)
{
    api::CreateInternetGatewayResult response;
    write_gateway(*gateway, *response.internet_gateway);
    return response;
}

Result<Done> attach_gateway(Txn& txn, const Call& call, const api::AttachInternetGatewayRequest& request)
{
    ASSIGN_OR_RETURN(const auto gateway, required_gateway(txn, call, request.internet_gateway_id));
    const auto vpc = find_vpc(txn, call.scope, request.vpc_id);
    if (!vpc) return ApiError{"InvalidVpcID.NotFound", fmt::format("The vpc ID '{}' does not exist", request.vpc_id)};
    if (gateway->vpc)
        return ApiError{"Resource.AlreadyAssociated",
                        fmt::format("resource {} is already attached to network {}", request.internet_gateway_id, to_short_text("vpc-", gateway->vpc))};
    if (txn.any<state::GatewaysByVpc>(vpc->id))
        return ApiError{"InvalidParameterValue", fmt::format("Network {} already has an internet gateway attached", request.vpc_id)};
    model::InternetGateway changed = *gateway;
    changed.vpc = vpc->id;
    txn.put(std::move(changed));
    return Done{};
}

Result<Done> detach_gateway(Txn& txn, const Call& call, const api::DetachInternetGatewayRequest& request)
{
    ASSIGN_OR_RETURN(const auto gateway, required_gateway(txn, call, request.internet_gateway_id));
    const auto vpc = find_vpc(txn, call.scope, request.vpc_id);
    if (!vpc || gateway->vpc != vpc->id)
        return ApiError{"Gateway.NotAttached", fmt::format("resource {} is not attached to network {}", request.internet_gateway_id, request.vpc_id)};
    for (const auto& [id, address] : txn.rows<model::ElasticAddress>())
        if (const auto eni = address_row(txn, address).eni; eni && eni->vpc == vpc->id)
            return ApiError{"DependencyViolation", fmt::format("Network {} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.", request.vpc_id)};
    // Routes that lead to it stay and lead nowhere, as on AWS.
    model::InternetGateway changed = *gateway;
    changed.vpc = {};
    txn.put(std::move(changed));
    return Done{};
}

Result<Done> delete_gateway(Txn& txn, const Call& call, const api::DeleteInternetGatewayRequest& request)
{
    ASSIGN_OR_RETURN(const auto gateway, required_gateway(txn, call, request.internet_gateway_id));
    if (gateway->vpc)
        return ApiError{"DependencyViolation", fmt::format("The internetGateway '{}' has dependencies and cannot be deleted.", request.internet_gateway_id)};
    txn.erase<model::InternetGateway>(gateway->id);
    return Done{};
}

Properties gateway_properties(const state::View&, const model::InternetGateway& gateway)
{
    Properties properties = {{"internet-gateway-id", {to_short_text("igw-", gateway.id)}}, {"owner-id", {gateway.scope.account}}};
    if (gateway.vpc) {
        properties["attachment.vpc-id"] = {to_short_text("vpc-", gateway.vpc)};
        properties["attachment.state"] = {"available"};
    }
    add_tag_properties(gateway.tags, properties);
    return properties;
}

Result<Described<model::InternetGateway>> describe_gateways(Txn& txn, const Call& call, const api::DescribeInternetGatewaysRequest& request)
{
    static const KindOfRow<model::InternetGateway> kind{"igw-", "InvalidInternetGatewayID.NotFound", "The internetGateway ID", find_gateway,
        {"internet-gateway-id", "owner-id", "attachment.vpc-id", "attachment.state"}, gateway_properties};
    return describe(txn, call, request, request.internet_gateway_ids, kind);
}

api::DescribeInternetGatewaysResult render_gateways(const Described<model::InternetGateway>& found)
{
    api::DescribeInternetGatewaysResult response;
    response.internet_gateways.emplace();
    for (const auto& gateway : found.rows) write_gateway(*gateway, response.internet_gateways.emplace_back());
    if (!found.next_token.empty()) response.next_token = found.next_token;
    return response;
}

}  // namespace

void serve_routes(Served& served)
{
    const std::vector<std::string> other_targets = {"DestinationPrefixListId", "VpcEndpointId", "TransitGatewayId", "LocalGatewayId", "CarrierGatewayId",
        "CoreNetworkArn", "OdbNetworkArn", "EgressOnlyInternetGatewayId", "InstanceId", "NetworkInterfaceId", "VpcPeeringConnectionId"};
    std::vector<std::string> replacing = other_targets;
    replacing.emplace_back("LocalTarget");
    served.add<api::ops::CreateRoute>(create_route, render_done<api::CreateRouteResult>).refuses(other_targets);
    served.add<api::ops::ReplaceRoute>(replace_route, render_done<api::ReplaceRouteResponse>).refuses(replacing);
    served.add<api::ops::DeleteRoute>(delete_route, render_done<api::DeleteRouteResponse>).refuses({"DestinationPrefixListId"});
    served.add<api::ops::CreateInternetGateway>(create_gateway, render_created);
    served.add<api::ops::AttachInternetGateway>(attach_gateway, render_done<api::AttachInternetGatewayResponse>);
    served.add<api::ops::DetachInternetGateway>(detach_gateway, render_done<api::DetachInternetGatewayResponse>);
    served.add<api::ops::DeleteInternetGateway>(delete_gateway, render_done<api::DeleteInternetGatewayResponse>);
    served.add<api::ops::DescribeInternetGateways>(describe_gateways, render_gateways);
}

}  // namespace boxship::services::ec2
