#include "runtime/net/group_book.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/net/nft.h"
#include "runtime/net/sandbox_for_tests.h"
#include "runtime/net/sweep.h"

namespace boxship::runtime::net {
namespace {

constexpr const char* web = "sg-0000000000000000a";
constexpr const char* client = "sg-0000000000000000b";

Ipv4Net range(const char* text) { return *Ipv4Net::parse(text); }
GroupRule from(const char* cidr, const char* protocol = "-1", int first = -1, int last = -1) { return {false, protocol, first, last, range(cidr), ""}; }
GroupRule from_group(const char* group, const char* protocol = "-1", int first = -1, int last = -1) { return {false, protocol, first, last, {}, group}; }
GroupRule to(const char* cidr, const char* protocol = "-1", int first = -1, int last = -1) { return {true, protocol, first, last, range(cidr), ""}; }
GroupRule to_group(const char* group) { return {true, "-1", -1, -1, {}, group}; }

// A router with a task "a" in group web and a task "b" in group client, both allowed to send anything.
struct Ground {
    std::unique_ptr<Router> router = router_of(platform_of("fargate"));
    GroupBook book{{}};
    GroupNews::Change web_group{default_vpc, web, {to("0.0.0.0/0")}, std::set{ip("172.31.5.9")}};
    GroupNews::Change client_group{default_vpc, client, {to("0.0.0.0/0")}, std::set{ip("172.31.5.10")}};
    std::string a, b;

    Ground()
    {
        EXPECT_TRUE(book.enforce(*router).ok());
        tell_all();
        a = put("a", "172.31.5.9", web);
        b = put("b", "172.31.5.10", client);
    }
    std::string put(const char* name, const char* address, const std::string& group)
    {
        const auto admitted = book.admit(*router, ip(address), std::span(&group, 1));
        EXPECT_TRUE(admitted.ok()) << admitted.error().message;
        return attach(*router, eni_of(name, address));
    }
    void take(const GroupNews& news)
    {
        const auto taken = book.take(news);
        EXPECT_TRUE(taken.ok()) << taken.error().message;
    }
    void tell_all() { take({.all = true, .groups = {web_group, client_group}, .left = {}, .joined = {}, .gone = {}}); }
    void rules_of_web(std::vector<GroupRule> rules) { take({.groups = {{default_vpc, web, std::move(rules), {}}}, .left = {}, .joined = {}, .gone = {}}); }
    void rules_of_client(std::vector<GroupRule> rules) { take({.groups = {{default_vpc, client, std::move(rules), {}}}, .left = {}, .joined = {}, .gone = {}}); }
};

// One TCP connection and both of its ends.
struct Connection {
    env::UniqueFd listener, near, far;

    Connection(const std::string& client_at, const std::string& server_at, const char* address, std::uint16_t port)
    {
        auto listening = open_listener_in(server_at, ip(address), port);
        EXPECT_TRUE(listening.ok());
        listener = std::move(*listening);
        const auto connected = run_in(client_at, [&]() -> HostResult<> {
            near.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            const timeval patience{.tv_sec = 2, .tv_usec = 0};
            ::setsockopt(near.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
            sockaddr_in name{.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(ip(address).value)}, .sin_zero = {}};
            if (::connect(near.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return host_error("connect", errno);
            return {};
        });
        EXPECT_TRUE(connected.ok()) << connected.error().message;
        EXPECT_TRUE(eventually([&] { return far.reset(::accept(listener.get(), nullptr, nullptr)), bool(far); }));
    }
    bool carries()
    {
        const timeval patience{.tv_sec = 2, .tv_usec = 0};
        ::setsockopt(far.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        char byte = 'x';
        return ::send(near.get(), &byte, 1, MSG_NOSIGNAL) == 1 && ::recv(far.get(), &byte, 1, 0) == 1;
    }
};

TEST(Groups, nothing_comes_in_that_no_rule_allows)
{
    in_sandbox([] {
        Ground ground;
        const Server server(ground.a, "a", {}, 80), other(ground.a, "a", {}, 81);
        EXPECT_TRUE(unanswered(ground.b, "172.31.5.9", 80));
        EXPECT_TRUE(unanswered("", "172.31.5.9", 80)) << "the machine itself is no exception";
        ground.rules_of_web({from("172.31.5.10/32", "tcp", 80, 80)});
        EXPECT_EQ(ask(ground.b, "172.31.5.9", 80), "a 172.31.5.10");
        EXPECT_TRUE(unanswered(ground.b, "172.31.5.9", 81)) << "another port";
        EXPECT_TRUE(unanswered("", "172.31.5.9", 80)) << "another source";
        EXPECT_EQ(ask_udp(ground.b, "172.31.5.9", 80), "") << "another protocol";
        ground.rules_of_web({from("172.31.5.0/24", "udp", 80, 90)});
        EXPECT_EQ(ask_udp(ground.b, "172.31.5.9", 80), "a 172.31.5.10");
        EXPECT_TRUE(unanswered(ground.b, "172.31.5.9", 80));
        ground.rules_of_web({from("169.254.0.0/16")});
        EXPECT_EQ(ask("", "172.31.5.9", 81), "a " + to_text(ground.router->uplink().base));
        EXPECT_TRUE(unanswered(ground.b, "172.31.5.9", 80));
    });
}

TEST(Groups, a_rule_may_name_a_group)
{
    in_sandbox([] {
        Ground ground;
        const Server server(ground.a, "a", {}, 80);
        ground.rules_of_web({from_group(client, "tcp", 0, 65535)});
        EXPECT_EQ(ask(ground.b, "172.31.5.9", 80), "a 172.31.5.10");
        const std::string c = ground.put("c", "172.31.5.11", web);
        EXPECT_TRUE(unanswered(c, "172.31.5.9", 80));
        // It gets the other group besides, as when a group is given to an interface that is there.
        ground.take({.groups = {}, .left = {}, .joined = {{default_vpc, client, ip("172.31.5.11")}}, .gone = {}});
        EXPECT_EQ(ask(c, "172.31.5.9", 80), "a 172.31.5.11");
        ground.take({.groups = {}, .left = {{default_vpc, client, ip("172.31.5.11")}}, .joined = {}, .gone = {}});
        EXPECT_TRUE(unanswered(c, "172.31.5.9", 80));
    });
}

TEST(Groups, rules_out_are_asked_as_well)
{
    in_sandbox([] {
        const std::string outside = make_outside();
        Ground ground;
        ground.rules_of_web({from("0.0.0.0/0")});
        const Server server(ground.a, "a", {}, 80), world(outside, "world", {}, 443);
        EXPECT_EQ(ask(ground.b, "172.31.5.9", 80), "a 172.31.5.10");
        EXPECT_EQ(ask(ground.b, "198.51.100.2", 443), "world 198.51.100.1");
        EXPECT_TRUE(unanswered(ground.a, "198.51.100.2", 443)) << "web may answer, and not begin";
        ground.rules_of_client({to_group(web)});
        EXPECT_EQ(ask(ground.b, "172.31.5.9", 80), "a 172.31.5.10");
        EXPECT_TRUE(unanswered(ground.b, "198.51.100.2", 443));
        ground.rules_of_client({to("198.51.100.0/24", "tcp", 443, 443)});
        EXPECT_TRUE(unanswered(ground.b, "172.31.5.9", 80));
        EXPECT_EQ(ask(ground.b, "198.51.100.2", 443), "world 198.51.100.1");
    });
}

TEST(Groups, established_connections_survive_every_change)
{
    in_sandbox([] {
        Ground ground;
        ground.rules_of_web({from_group(client)});
        Connection connection(ground.b, ground.a, "172.31.5.9", 80);
        EXPECT_TRUE(connection.carries());
        ground.rules_of_web({});
        ground.rules_of_client({});
        EXPECT_TRUE(connection.carries());
        EXPECT_TRUE(unanswered(ground.b, "172.31.5.9", 80)) << "new ones do not pass";
        ground.tell_all();
        EXPECT_TRUE(connection.carries());
    });
}

TEST(Groups, icmp_and_numbers_of_protocols_are_rules_of_their_own)
{
    in_sandbox([] {
        Ground ground;
        const auto pings = [&] {
            bool answered = false;
            const auto ran = run_in(ground.b, [&]() -> HostResult<> {
                const env::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
                const timeval patience{.tv_sec = 0, .tv_usec = 200'000};
                ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
                sockaddr_in name{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(ip("172.31.5.9").value)}, .sin_zero = {}};
                const char echo[8] = {8, 0, 0, 0, 0, 0, 0, 1};
                char answer[64];
                ::sendto(fd.get(), echo, sizeof echo, 0, reinterpret_cast<sockaddr*>(&name), sizeof name);
                answered = ::recv(fd.get(), answer, sizeof answer, 0) > 0;
                return {};
            });
            EXPECT_TRUE(ran.ok());
            return answered;
        };
        EXPECT_FALSE(pings());
        ground.rules_of_web({from("0.0.0.0/0", "icmp", 8, -1)});
        EXPECT_TRUE(pings());
        ground.rules_of_web({from("0.0.0.0/0", "icmp", 13, 0), from("0.0.0.0/0", "47"), from("0.0.0.0/0", "icmpv6")});
        EXPECT_FALSE(pings());
        ground.rules_of_web({from("0.0.0.0/0", "1")});
        EXPECT_TRUE(pings());
    });
}

TEST(Groups, guard_an_address_of_the_router_itself)
{
    in_sandbox([] {
        Ground ground;
        // What a load balancer is: an address on the router's lo, of the platform's other process.
        const Router& router = *ground.router;
        ASSERT_TRUE(router.routes().request(add_address(1, ip("172.31.0.100"), 32)).ok());
        auto balancer_router = router_of(platform_of("balancer"));
        GroupBook balancer({});
        GroupNews::Change front{default_vpc, "sg-front", {from_group(client, "tcp", 80, 80), to_group(web)}, std::set{ip("172.31.0.100")}};
        const GroupNews all{.all = true, .groups = {ground.web_group, ground.client_group, front}, .left = {}, .joined = {}, .gone = {}};
        ASSERT_TRUE(balancer.take(all).ok());
        ASSERT_TRUE(balancer.admit(*balancer_router, ip("172.31.0.100"), {}).ok());
        ground.take(all);

        const Server listener(router.namespace_path(), "balancer", ip("172.31.0.100"), 80), target(ground.a, "a", {}, 80);
        EXPECT_EQ(ask(ground.b, "172.31.0.100", 80), "balancer 172.31.5.10");
        EXPECT_TRUE(unanswered(ground.a, "172.31.0.100", 80)) << "not in the group that it takes from";
        EXPECT_TRUE(unanswered("", "172.31.0.100", 80));

        const auto reaches = [&] {
            bool connected = false;
            const auto ran = run_in(router.namespace_path(), [&]() -> HostResult<> {
                const env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
                const timeval patience{.tv_sec = 0, .tv_usec = 100'000};
                ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
                sockaddr_in own{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(ip("172.31.0.100").value)}, .sin_zero = {}};
                sockaddr_in task{.sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {htonl(ip("172.31.5.9").value)}, .sin_zero = {}};
                EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&own), sizeof own), 0);
                connected = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&task), sizeof task) == 0;
                return {};
            });
            EXPECT_TRUE(ran.ok());
            return connected;
        };
        EXPECT_FALSE(reaches()) << "the target's group does not let it in";
        ground.rules_of_web({from_group("sg-front")});
        EXPECT_TRUE(reaches());
        front.rules = {from_group(client)};
        ASSERT_TRUE(balancer.take({.groups = {front}, .left = {}, .joined = {}, .gone = {}}).ok());
        EXPECT_FALSE(reaches()) << "its own group does not let it out";
    });
}

TEST(Groups, two_agents_of_a_machine_filter_their_own)
{
    in_sandbox([] {
        Ground ground;
        const auto router = router_of(platform_of("instance-1"));
        GroupBook book({});
        ASSERT_TRUE(book.take({.all = true, .groups = {ground.web_group, ground.client_group}, .left = {}, .joined = {}, .gone = {}}).ok());
        const std::string group = client;
        ASSERT_TRUE(book.admit(*router, ip("172.31.5.20"), std::span(&group, 1)).ok());
        const std::string c = attach(*router, eni_of("c", "172.31.5.20"));
        const Server server(ground.a, "a", {}, 80), mine(c, "c", {}, 80);
        ground.take({.groups = {{default_vpc, web, {from_group(client), to("0.0.0.0/0")}, {}}}, .left = {}, .joined = {{default_vpc, client, ip("172.31.5.20")}}, .gone = {}});
        EXPECT_EQ(ask(c, "172.31.5.9", 80), "a 172.31.5.20");
        EXPECT_TRUE(unanswered(ground.a, "172.31.5.20", 80)) << "the other agent's group lets nobody in";
        ASSERT_TRUE(book.remove(*router).ok());
        EXPECT_EQ(ask(ground.a, "172.31.5.20", 80), "c 172.31.5.9");
    });
}

TEST(Groups, stay_in_force_while_nobody_runs_and_are_taken_over)
{
    in_sandbox([] {
        Ground ground;
        const Server server(ground.a, "a", {}, 80), other(ground.b, "b", {}, 80);
        ground.rules_of_web({from_group(client), to("0.0.0.0/0")});

        GroupBook successor({});
        ASSERT_TRUE(successor.enforce(*ground.router).ok());
        EXPECT_EQ(ask(ground.b, "172.31.5.9", 80), "a 172.31.5.10") << "it has not been told anything yet";
        EXPECT_TRUE(unanswered(ground.a, "172.31.5.10", 80));
        const std::vector<std::string> given{client, "sg-toonew"};
        ASSERT_TRUE(successor.admit(*ground.router, ip("172.31.5.11"), given).ok());
        const std::string c = attach(*ground.router, eni_of("c", "172.31.5.11"));
        EXPECT_EQ(ask(c, "172.31.5.9", 80), "a 172.31.5.11");
        ASSERT_TRUE(successor.take({.all = true, .groups = {ground.web_group, ground.client_group}, .left = {}, .joined = {}, .gone = {}}).ok());
        EXPECT_TRUE(unanswered(ground.b, "172.31.5.9", 80));
        EXPECT_TRUE(unanswered(c, "172.31.5.9", 80));
    });
}

TEST(Groups, an_address_of_before_they_were_enforced_is_closed_too)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const std::string a = attach(*router, eni_of("a", "172.31.5.9")), b = attach(*router, eni_of("b", "172.31.5.10"));
        const Server server(a, "a", {}, 80);
        EXPECT_EQ(ask(b, "172.31.5.9", 80), "a 172.31.5.10");
        GroupBook book({});
        ASSERT_TRUE(book.enforce(*router).ok());
        EXPECT_TRUE(unanswered(b, "172.31.5.9", 80));
    });
}

TEST(Groups, what_came_and_went_leaves_nothing)
{
    in_sandbox([] {
        Ground ground;
        const auto shown = [&] {
            std::string text;
            EXPECT_TRUE(run_in(ground.router->namespace_path(), [&]() -> HostResult<> {
                ASSIGN_OR_RETURN(text, read_nft("list table inet groups-fargate"));
                return {};
            }).ok());
            return text;
        };
        const std::string before = shown();
        const std::string c = ground.put("c", "172.31.5.11", client);
        EXPECT_NE(shown(), before);
        ASSERT_TRUE(detach_eni(*ground.router, eni_of("c", "172.31.5.11")).ok());
        ASSERT_TRUE(ground.book.dismiss(*ground.router, ip("172.31.5.11")).ok());
        ground.take({.groups = {}, .left = {{default_vpc, client, ip("172.31.5.11")}}, .joined = {}, .gone = {}});
        EXPECT_EQ(shown(), before);
        // Admitted, and then the agent died.
        ASSERT_TRUE(ground.book.admit(*ground.router, ip("172.31.5.12"), {}).ok());
        ASSERT_TRUE(ground.book.sweep(*ground.router).ok());
        EXPECT_EQ(shown(), before);
        ground.take({.groups = {{default_vpc, "sg-third", {}, std::set<Ipv4>{}}}, .left = {}, .joined = {}, .gone = {}});
        EXPECT_NE(shown(), before);
        ground.take({.groups = {}, .left = {}, .joined = {}, .gone = {{default_vpc, "sg-third"}}});
        EXPECT_EQ(shown(), before);
    });
}

TEST(Groups, a_router_goes_when_its_vpc_is_gone_and_the_last_agent_has_left_it)
{
    in_sandbox([] {
        const auto before = leavings();
        const Platform platform = platform_of("fargate");
        const auto router = router_of(platform, "172.31.0.0/16", "vpc-far", false), same = router_of(platform_of("instance-1"), "172.31.0.0/16", "vpc-far", false);
        GroupBook book({}), other({});
        const GroupNews there{.all = true, .groups = {{"vpc-far", web, {}, std::set<Ipv4>{}}}, .left = {}, .joined = {}, .gone = {}};
        const GroupNews gone{.all = false, .groups = {}, .left = {}, .joined = {}, .gone = {{"vpc-far", web}}};
        ASSERT_TRUE(book.take({.all = true, .groups = {}, .left = {}, .joined = {}, .gone = {}}).ok());
        ASSERT_TRUE(book.enforce(*router).ok());
        EXPECT_TRUE(book.deserted().empty()) << "a VPC that it is yet to be told of";
        ASSERT_TRUE(book.take(there).ok());
        EXPECT_TRUE(book.deserted().empty());
        ASSERT_TRUE(book.take(gone).ok());
        EXPECT_EQ(book.deserted(), std::vector<std::string>{"vpc-far"});
        ASSERT_TRUE(other.enforce(*same, true).ok());
        ASSERT_TRUE(other.take({.all = true, .groups = {}, .left = {}, .joined = {}, .gone = {}}).ok());
        EXPECT_EQ(other.deserted(), std::vector<std::string>{"vpc-far"}) << "it went while this agent was away";

        ASSERT_TRUE(book.remove(*router).ok());
        ASSERT_TRUE(remove_unused_router(platform, "vpc-far").ok());
        EXPECT_TRUE(is_namespace(router->namespace_path())) << "another agent filters there";
        ASSERT_TRUE(other.remove(*same).ok());
        const std::string task = attach(*router, eni_of("task", "172.31.5.9"));
        ASSERT_TRUE(remove_unused_router(platform, "vpc-far").ok());
        EXPECT_TRUE(is_namespace(router->namespace_path())) << "an interface hangs on it";
        ASSERT_TRUE(detach_eni(*router, eni_of("task", "172.31.5.9")).ok());
        EXPECT_TRUE(eventually([&] { return remove_unused_router(platform, "vpc-far").ok() && !is_namespace(router->namespace_path()); }));
        ASSERT_TRUE(purge(platform).ok());
        EXPECT_EQ(leavings(), before);
    });
}

TEST(Groups, do_not_stand_before_the_agent_nor_the_resolver)
{
    in_sandbox([] {
        const std::string outside = make_outside();
        Ground ground;
        GroupBook book({ip("198.51.100.2")});
        ASSERT_TRUE(book.enforce(*ground.router).ok());
        ASSERT_TRUE(book.take({.all = true, .groups = {{default_vpc, client, {}, std::set{ip("172.31.5.10")}}}, .left = {}, .joined = {}, .gone = {}}).ok());
        const Server agent(ground.router->namespace_path(), "agent", ground.router->agent_address(), 80), dns(outside, "dns", {}, 53), web_server(outside, "web", {}, 80);
        EXPECT_EQ(ask(ground.b, "169.254.170.2", 80), "agent 172.31.5.10");
        EXPECT_EQ(ask_udp(ground.b, "198.51.100.2", 53), "dns 198.51.100.1");
        EXPECT_TRUE(unanswered(ground.b, "198.51.100.2", 80));
    });
}

}  // namespace
}  // namespace boxship::runtime::net
