#include "runtime/net/group_book.h"
#include "runtime/net/sandbox_for_tests.h"

namespace boxship::runtime::net {
namespace {

constexpr const char* group = "sg-0000000000000000a";

WaysOut way(const char* subnet, std::vector<std::pair<const char*, const char*>> spans)
{
    WaysOut out{*Ipv4Net::parse(subnet), {}};
    for (const auto& [first, last] : spans) out.spans.emplace_back(ip(first), ip(last));
    return out;
}

// Two tasks in two subnets whose group lets everything pass, and the world beyond the host.
struct Ground {
    std::string outside = make_outside();
    std::unique_ptr<Router> router = router_of(platform_of("fargate"));
    GroupBook book{{ip("198.51.100.2")}};
    std::string a, b;

    Ground()
    {
        EXPECT_TRUE(book.enforce(*router).ok());
        const GroupRule in{false, "-1", -1, -1, {}, ""}, out{true, "-1", -1, -1, {}, ""};
        const GroupNews::Change change{default_vpc, group, {in, out}, std::set{ip("172.31.5.9"), ip("172.31.6.9")}};
        take({.all = true, .groups = {change}, .left = {}, .joined = {}, .gone = {}});
        a = put("a", "172.31.5.9");
        b = put("b", "172.31.6.9");
    }
    std::string put(const char* name, const char* address)
    {
        EXPECT_TRUE(book.admit(*router, ip(address), {}).ok());
        return attach(*router, eni_of(name, address));
    }
    void take(const GroupNews& news)
    {
        const auto taken = book.take(news);
        EXPECT_TRUE(taken.ok()) << taken.error().message;
    }
    void routes(std::vector<WaysOut> ways) { take({.groups = {}, .left = {}, .joined = {}, .gone = {}, .ways = {{default_vpc, std::move(ways)}}}); }
};

TEST(WaysOut, a_subnet_reaches_what_its_routes_say_and_its_vpc_always)
{
    in_sandbox([] {
        Ground ground;
        const Server world(ground.outside, "world", {}, 443), dns(ground.outside, "dns", {}, 53), task(ground.b, "b", {}, 80);
        EXPECT_EQ(ask(ground.a, "198.51.100.2", 443), "world 198.51.100.1") << "routes are not known yet";
        ground.routes({way("172.31.5.0/24", {{"0.0.0.0", "255.255.255.255"}}), way("172.31.6.0/24", {})});
        EXPECT_EQ(ask(ground.a, "198.51.100.2", 443), "world 198.51.100.1");
        EXPECT_TRUE(unanswered(ground.b, "198.51.100.2", 443)) << "no route out";
        EXPECT_EQ(ask(ground.a, "172.31.6.9", 80), "b 172.31.5.9");
        EXPECT_EQ(ask_udp(ground.b, "198.51.100.2", 53), "dns 198.51.100.1") << "names are asked for by whoever has no way out as well";
        // The most specific route was a black hole.
        ground.routes({way("172.31.5.0/24", {{"0.0.0.0", "198.51.99.255"}, {"198.51.101.0", "255.255.255.255"}}), way("172.31.6.0/24", {{"198.51.100.2", "198.51.100.2"}})});
        EXPECT_TRUE(unanswered(ground.a, "198.51.100.2", 443));
        EXPECT_EQ(ask(ground.b, "198.51.100.2", 443), "world 198.51.100.1") << "its own table has a route to this one address";
        // A subnet that nobody speaks of has no way out.
        ground.routes({way("172.31.6.0/24", {{"0.0.0.0", "255.255.255.255"}})});
        EXPECT_TRUE(unanswered(ground.a, "198.51.100.2", 443));
    });
}

TEST(WaysOut, the_machine_reaches_a_task_without_a_way_out)
{
    in_sandbox([] {
        Ground ground;
        const Server task(ground.a, "a", {}, 80), agent(ground.router->namespace_path(), "agent", ground.router->agent_address(), 80);
        ground.routes({way("172.31.5.0/24", {})});
        EXPECT_EQ(ask("", "172.31.5.9", 80), "a " + to_text(ground.router->uplink().base));
        EXPECT_EQ(ask(ground.a, "169.254.170.2", 80), "agent 172.31.5.9");
    });
}

}  // namespace
}  // namespace boxship::runtime::net
