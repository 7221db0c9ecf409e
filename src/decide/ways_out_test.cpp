#include "decide/ways_out.h"

#include <gtest/gtest.h>

#include "base/ids_for_tests.h"
#include "base/ipv4.h"
#include "state/tables.h"
#include "state/txn.h"

namespace boxship::decide {
namespace {

using namespace model;

class WaysOutTest : public testing::Test {
protected:
    WaysOutTest()
    {
        txn.put(Vpc{.id = id<VpcId>(1), .network = *parse_ipv4("10.0.0.0"), .prefix = 16});
        for (int n = 1; n <= 2; ++n)
            txn.put(Subnet{.id = id<SubnetId>(n), .vpc = id<VpcId>(1), .network = *parse_ipv4("10.0.0.0") + (std::uint32_t(n) << 8), .prefix = 24});
        txn.put(InternetGateway{.id = id<InternetGatewayId>(1), .vpc = id<VpcId>(1)});
        routes(1, {}, {{id<RouteAssociationId>(1), {}}});   // the main table
    }
    void routes(int table, std::vector<VpcRoute> list, std::vector<RouteAssociation> associations)
    {
        txn.put(RouteTable{.id = id<RouteTableId>(table), .scope = {}, .vpc = id<VpcId>(1), .associations = std::move(associations), .routes = std::move(list), .tags = {}});
    }
    static VpcRoute route(const char* range, InternetGatewayId gateway, NatGatewayId nat = {})
    {
        const auto parsed = *Ipv4Range::parse(range);
        return {parsed.network, parsed.prefix, "", gateway, nat};
    }
    std::string ways(int subnet)
    {
        std::string text;
        for (const auto& span : ways_out(txn, *txn.get<Subnet>(id<SubnetId>(subnet)))) text += ipv4_text(span.first) + "-" + ipv4_text(span.last) + " ";
        return text;
    }

    const InternetGatewayId gateway = id<InternetGatewayId>(1), nowhere = id<InternetGatewayId>(9);
    const std::vector<RouteAssociation> main = {{id<RouteAssociationId>(1), {}}};
    state::Tables tables;
    state::Group writes;
    state::Txn txn{tables, writes};
};

constexpr const char* everything = "0.0.0.0-255.255.255.255 ";

TEST_F(WaysOutTest, a_subnet_without_routes_has_none) { EXPECT_EQ(ways(1), ""); }

TEST_F(WaysOutTest, a_table_of_its_own_counts_before_the_main_one)
{
    routes(1, {route("0.0.0.0/0", gateway)}, main);
    EXPECT_EQ(ways(1), everything);
    routes(2, {}, {{id<RouteAssociationId>(2), id<SubnetId>(2)}});
    EXPECT_EQ(ways(1), everything);
    EXPECT_EQ(ways(2), "");
}

TEST_F(WaysOutTest, the_most_specific_route_decides)
{
    routes(1, {route("203.0.113.0/24", nowhere), route("0.0.0.0/0", gateway), route("203.0.113.7/32", gateway)}, main);
    EXPECT_EQ(ways(1), "0.0.0.0-203.0.112.255 203.0.113.7-203.0.113.7 203.0.114.0-255.255.255.255 ");
    routes(1, {route("203.0.113.0/24", gateway), route("128.0.0.0/1", nowhere), route("203.0.114.0/24", gateway)}, main);
    EXPECT_EQ(ways(1), "203.0.113.0-203.0.114.255 ");
    routes(1, {route("255.255.255.255/32", gateway), route("0.0.0.0/32", gateway)}, main);
    EXPECT_EQ(ways(1), "0.0.0.0-0.0.0.0 255.255.255.255-255.255.255.255 ");
}

TEST_F(WaysOutTest, a_gateway_that_is_detached_is_a_black_hole)
{
    routes(1, {route("0.0.0.0/0", gateway)}, main);
    txn.put(InternetGateway{.id = gateway});
    EXPECT_EQ(ways(1), "");
    EXPECT_FALSE(leads_somewhere(txn, *txn.get<RouteTable>(id<RouteTableId>(1)), route("0.0.0.0/0", gateway)));
    txn.erase<InternetGateway>(gateway);
    EXPECT_EQ(ways(1), "");
}

TEST_F(WaysOutTest, a_nat_gateway_reaches_what_its_subnet_reaches)
{
    const auto nat = id<NatGatewayId>(1);
    NatGateway row{.id = nat, .vpc = id<VpcId>(1), .subnet = id<SubnetId>(1), .eni = id<EniId>(1)};
    txn.put(row);
    routes(2, {route("0.0.0.0/0", {}, nat)}, {{id<RouteAssociationId>(2), id<SubnetId>(2)}});
    EXPECT_EQ(ways(2), "") << "its own subnet has no way out";
    routes(1, {route("0.0.0.0/0", gateway), route("203.0.113.0/24", nowhere)}, main);
    EXPECT_EQ(ways(2), "0.0.0.0-203.0.112.255 203.0.114.0-255.255.255.255 ");
    routes(2, {route("203.0.0.0/16", {}, nat)}, {{id<RouteAssociationId>(2), id<SubnetId>(2)}});
    EXPECT_EQ(ways(2), "203.0.0.0-203.0.112.255 203.0.114.0-203.0.255.255 ");
    row.is_public = false;
    txn.put(row);
    EXPECT_EQ(ways(2), "");
    row.is_public = true;
    row.deleted_at = Time{1};
    txn.put(row);
    EXPECT_EQ(ways(2), "");
    // A NAT gateway behind itself leads nowhere, and to no endless loop.
    row.deleted_at = {};
    txn.put(row);
    routes(1, {route("0.0.0.0/0", {}, nat)}, main);
    EXPECT_EQ(ways(1), "");
}

}  // namespace
}  // namespace boxship::decide
