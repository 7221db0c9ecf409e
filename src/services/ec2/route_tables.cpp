// CreateRouteTable, DeleteRouteTable, DescribeRouteTables, and which subnets use them.
#include <algorithm>

#include <fmt/format.h>

#include "decide/ways_out.h"
#include "ec2/ops.h"
#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"
#include "services/ec2/pages.h"
#include "services/ec2/routes.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

struct TableRow {
    TablePtr table;
    std::shared_ptr<const model::Vpc> vpc;
    std::vector<bool> alive;          // the routes that are no black holes
};
struct TableRows {
    std::vector<TableRow> rows;
    std::string next_token;
};

TableRow table_row(const state::View& view, TablePtr table)
{
    TableRow row{.table = std::move(table), .vpc = {}, .alive = {}};
    row.vpc = view.get<model::Vpc>(row.table->vpc);
    for (const auto& route : row.table->routes) row.alive.push_back(decide::leads_somewhere(view, *row.table, route));
    return row;
}

std::string target_text(const model::VpcRoute& route) { return route.nat ? to_short_text("nat-", route.nat) : to_short_text("igw-", route.gateway); }

std::string association_text(const RouteAssociationId& id) { return to_short_text("rtbassoc-", id); }

void write_table(const TableRow& row, api::RouteTable& out)
{
    out.route_table_id = to_short_text("rtb-", row.table->id);
    out.vpc_id = to_short_text("vpc-", row.table->vpc);
    out.owner_id = row.table->scope.account;
    out.propagating_vgws.emplace();
    out.associations.emplace();
    for (const auto& association : row.table->associations) {
        auto& entry = out.associations.emplace_back();
        entry.main = !association.subnet;
        entry.route_table_association_id = association_text(association.id);
        entry.route_table_id = out.route_table_id;
        if (association.subnet) entry.subnet_id = to_short_text("subnet-", association.subnet);
        entry.association_state->state = api::RouteTableAssociationStateCode::associated;
    }
    auto& local = out.routes.emplace_back();
    local.destination_cidr_block = range_of(row.vpc->network, row.vpc->prefix);
    local.gateway_id = "local";
    local.origin = api::RouteOrigin::create_route_table;
    local.state = api::RouteState::active;
    for (std::size_t i = 0; i < row.table->routes.size(); ++i) {
        const auto& route = row.table->routes[i];
        auto& entry = out.routes.emplace_back();
        if (route.ipv6.empty()) entry.destination_cidr_block = range_of(route.network, route.prefix);
        else entry.destination_ipv6_cidr_block = route.ipv6;
        if (route.nat) entry.nat_gateway_id = target_text(route);
        else entry.gateway_id = target_text(route);
        entry.origin = api::RouteOrigin::create_route;
        entry.state = row.alive[i] ? api::RouteState::active : api::RouteState::blackhole;
    }
    write_tags(row.table->tags, out.tags);
}

Result<TableRow> create_route_table(Txn& txn, const Call& call, const api::CreateRouteTableRequest& request)
{
    const auto vpc = find_vpc(txn, call.scope, request.vpc_id);
    if (!vpc) return ApiError{"InvalidVpcID.NotFound", fmt::format("The vpc ID '{}' does not exist", request.vpc_id)};
    ASSIGN_OR_RETURN(auto tags, read_specifications(call, request.tag_specifications, api::ResourceType::route_table));
    if (txn.count<state::RouteTablesByVpc>(vpc->id) >= call.quota(model::Quota::route_tables_per_vpc))
        return ApiError{"RouteTableLimitExceeded", "The maximum number of route tables has been reached."};
    const RouteTableId id = call.ids.next<RouteTableId>();
    txn.put(model::RouteTable{.id = id, .scope = call.scope, .vpc = vpc->id, .associations = {}, .routes = {}, .tags = std::move(tags)});
    return table_row(txn, txn.get<model::RouteTable>(id));
}

api::CreateRouteTableResult render_created(const TableRow& row)
{
    api::CreateRouteTableResult response;
    write_table(row, *response.route_table);
    return response;
}

Result<Done> delete_route_table(Txn& txn, const Call& call, const api::DeleteRouteTableRequest& request)
{
    ASSIGN_OR_RETURN(const auto table, required_table(txn, call, request.route_table_id));
    if (!table->associations.empty())
        return ApiError{"DependencyViolation", fmt::format("The routeTable '{}' has dependencies and cannot be deleted.", request.route_table_id)};
    txn.erase<model::RouteTable>(table->id);
    return Done{};
}

Properties table_properties(const state::View& view, const model::RouteTable& table)
{
    Properties properties = {{"route-table-id", {to_short_text("rtb-", table.id)}}, {"vpc-id", {to_short_text("vpc-", table.vpc)}},
                             {"owner-id", {table.scope.account}}, {"association.main", {table.is_main() ? "true" : "false"}}};
    for (const auto& association : table.associations) {
        properties["association.route-table-association-id"].push_back(association_text(association.id));
        properties["association.route-table-id"].push_back(to_short_text("rtb-", table.id));
        if (association.subnet) properties["association.subnet-id"].push_back(to_short_text("subnet-", association.subnet));
    }
    for (const auto& route : table.routes) {
        if (route.ipv6.empty()) properties["route.destination-cidr-block"].push_back(range_of(route.network, route.prefix));
        properties[route.nat ? "route.nat-gateway-id" : "route.gateway-id"].push_back(target_text(route));
        properties["route.state"].push_back(decide::leads_somewhere(view, table, route) ? "active" : "blackhole");
        properties["route.origin"].push_back("CreateRoute");
        if (!route.ipv6.empty()) properties["route.destination-ipv6-cidr-block"].push_back(route.ipv6);
    }
    const auto vpc = view.get<model::Vpc>(table.vpc);
    properties["route.gateway-id"].push_back("local");
    properties["route.state"].push_back("active");
    properties["route.origin"].push_back("CreateRouteTable");
    properties["route.destination-cidr-block"].push_back(range_of(vpc->network, vpc->prefix));
    add_tag_properties(table.tags, properties);
    return properties;
}

Result<TableRows> describe_route_tables(Txn& txn, const Call& call, const api::DescribeRouteTablesRequest& request)
{
    static const KindOfRow<model::RouteTable> kind{"rtb-", "InvalidRouteTableID.NotFound", "The routeTable ID", find_route_table,
        {"route-table-id", "vpc-id", "owner-id", "association.main", "association.route-table-association-id", "association.route-table-id",
         "association.subnet-id", "route.destination-cidr-block", "route.destination-ipv6-cidr-block", "route.gateway-id", "route.nat-gateway-id",
         "route.state", "route.origin", "association.gateway-id", "route.destination-prefix-list-id", "route.egress-only-internet-gateway-id",
         "route.instance-id", "route.transit-gateway-id", "route.vpc-peering-connection-id"}, table_properties};
    ASSIGN_OR_RETURN(auto found, describe(txn, call, request, request.route_table_ids, kind));
    TableRows rows{.rows = {}, .next_token = found.next_token};
    for (auto& table : found.rows) rows.rows.push_back(table_row(txn, std::move(table)));
    return rows;
}

api::DescribeRouteTablesResult render_tables(const TableRows& found)
{
    api::DescribeRouteTablesResult response;
    response.route_tables.emplace();
    for (const auto& row : found.rows) write_table(row, response.route_tables.emplace_back());
    if (!found.next_token.empty()) response.next_token = found.next_token;
    return response;
}

// Associations

struct Found {
    TablePtr table;
    model::RouteAssociation association;
};

Result<Found> required_association(const state::View& view, const Call& call, std::string_view name)
{
    for (const auto& [id, table] : view.rows<model::RouteTable>())
        if (table->scope == call.scope)
            for (const auto& association : table->associations)
                if (association_text(association.id) == name) return Found{table, association};
    return ApiError{"InvalidAssociationID.NotFound", fmt::format("The association ID '{}' does not exist", name)};
}

void remove_association(Txn& txn, const Found& found)
{
    model::RouteTable changed = *txn.get<model::RouteTable>(found.table->id);
    std::erase_if(changed.associations, [&](const auto& one) { return one.id == found.association.id; });
    txn.put(std::move(changed));
}

RouteAssociationId add_association(Txn& txn, const Call& call, const RouteTableId& id, const SubnetId& subnet)
{
    model::RouteTable changed = *txn.get<model::RouteTable>(id);
    const auto association = call.ids.next<RouteAssociationId>();
    changed.associations.push_back({association, subnet});
    txn.put(std::move(changed));
    return association;
}

Result<RouteAssociationId> associate_route_table(Txn& txn, const Call& call, const api::AssociateRouteTableRequest& request)
{
    ASSIGN_OR_RETURN(const auto table, required_table(txn, call, request.route_table_id));
    const auto subnet = find_subnet(txn, call.scope, request.subnet_id);
    if (!subnet) return ApiError{"InvalidSubnetID.NotFound", fmt::format("The subnet ID '{}' does not exist", request.subnet_id)};
    if (subnet->vpc != table->vpc)
        return ApiError{"InvalidParameterValue", fmt::format("Route table {} and subnet {} belong to different networks", request.route_table_id, request.subnet_id)};
    for (const auto& other : txn.all<state::RouteTablesByVpc>(table->vpc))
        for (const auto& association : other->associations) {
            if (association.subnet != subnet->id) continue;
            if (other->id == table->id) return association.id;
            return ApiError{"Resource.AlreadyAssociated",
                            fmt::format("the specified association for route table {} conflicts with an existing association", request.route_table_id)};
        }
    return add_association(txn, call, table->id, subnet->id);
}

api::AssociateRouteTableResult render_associated(const RouteAssociationId& id)
{
    api::AssociateRouteTableResult response;
    response.association_id = association_text(id);
    response.association_state->state = api::RouteTableAssociationStateCode::associated;
    return response;
}

Result<Done> disassociate_route_table(Txn& txn, const Call& call, const api::DisassociateRouteTableRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, required_association(txn, call, request.association_id));
    if (!found.association.subnet)
        return ApiError{"InvalidParameterValue", fmt::format("cannot disassociate the main route table association {}", request.association_id)};
    remove_association(txn, found);
    return Done{};
}

Result<RouteAssociationId> replace_association(Txn& txn, const Call& call, const api::ReplaceRouteTableAssociationRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, required_association(txn, call, request.association_id));
    ASSIGN_OR_RETURN(const auto table, required_table(txn, call, request.route_table_id));
    if (table->vpc != found.table->vpc)
        return ApiError{"InvalidParameterValue", fmt::format("Route table {} belongs to another network", request.route_table_id)};
    remove_association(txn, found);
    return add_association(txn, call, table->id, found.association.subnet);
}

api::ReplaceRouteTableAssociationResult render_replaced(const RouteAssociationId& id)
{
    api::ReplaceRouteTableAssociationResult response;
    response.new_association_id = association_text(id);
    response.association_state->state = api::RouteTableAssociationStateCode::associated;
    return response;
}

}  // namespace

Result<TablePtr> required_table(const state::View& view, const Call& call, std::string_view name)
{
    auto table = find_route_table(view, call.scope, name);
    if (!table) return ApiError{"InvalidRouteTableID.NotFound", fmt::format("The routeTable ID '{}' does not exist", name)};
    return table;
}

void serve_route_tables(Served& served)
{
    served.add<api::ops::CreateRouteTable>(create_route_table, render_created).ignores({"ClientToken"});
    served.add<api::ops::DeleteRouteTable>(delete_route_table, render_done<api::DeleteRouteTableResponse>);
    served.add<api::ops::DescribeRouteTables>(describe_route_tables, render_tables);
    served.add<api::ops::AssociateRouteTable>(associate_route_table, render_associated).refuses({"GatewayId", "PublicIpv4Pool"});
    served.add<api::ops::DisassociateRouteTable>(disassociate_route_table, render_done<api::DisassociateRouteTableResponse>);
    served.add<api::ops::ReplaceRouteTableAssociation>(replace_association, render_replaced);
}

}  // namespace boxship::services::ec2
