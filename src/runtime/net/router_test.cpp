#include "runtime/net/router.h"

#include "env/real/process.h"
#include "runtime/net/nft.h"
#include "runtime/net/sandbox_for_tests.h"
#include "runtime/net/sweep.h"

namespace boxship::runtime::net {
namespace {

TEST(Addresses, are_read_and_written)
{
    EXPECT_EQ(to_text(ip("172.31.5.9")), "172.31.5.9");
    EXPECT_FALSE(Ipv4::parse("172.31.5").has_value());
    EXPECT_EQ(to_text(*Mac::parse("0a:ff:00:11:22:33")), "0a:ff:00:11:22:33");
    EXPECT_FALSE(Mac::parse("0a:ff:00:11:22").has_value());
    EXPECT_FALSE(Mac::parse("0a:ff:00:11:22:3g").has_value());
    EXPECT_EQ(to_text(gateway_address), "169.254.1.1");
    EXPECT_EQ(to_text(metadata_address), "169.254.170.2");
    EXPECT_EQ(to_text(agent_addresses), "169.254.171.0/24");
}

TEST(Addresses, overlapping_ranges_are_found)
{
    const Ipv4Net vpc = *Ipv4Net::parse("172.31.0.0/16");
    EXPECT_TRUE(vpc.overlaps(*Ipv4Net::parse("172.31.5.0/24")));
    EXPECT_TRUE(Ipv4Net::parse("172.16.0.0/12")->overlaps(vpc));
    EXPECT_FALSE(vpc.overlaps(*Ipv4Net::parse("172.30.0.0/16")));
}

TEST(PickVpcCidr, takes_the_first_free_range)
{
    EXPECT_EQ(to_text(*pick_vpc_cidr({})), "172.31.0.0/16");
    const std::vector<Ipv4Net> two{*Ipv4Net::parse("172.31.9.0/24"), *Ipv4Net::parse("172.30.0.0/16")};
    EXPECT_EQ(to_text(*pick_vpc_cidr(two)), "172.29.0.0/16");
    const std::vector<Ipv4Net> all{*Ipv4Net::parse("172.0.0.0/8")};
    EXPECT_FALSE(pick_vpc_cidr(all).ok());
}

TEST(Names, fit_into_links_and_paths)
{
    const Platform platform{"bx3f5", "/run/boxship/bx3f5", "fargate"};
    EXPECT_EQ(platform.uplink_name(default_vpc).size(), 15u);
    EXPECT_LE(eni_link_name("eni-0123456789abcdef0").size(), 15u);
    EXPECT_NE(eni_link_name("eni-0123456789abcdef0"), eni_link_name("eni-0123456789abcdef1"));
    EXPECT_FALSE(check_name("namespace", "../x").ok());
    EXPECT_FALSE(check_name("namespace", "").ok());
    EXPECT_TRUE(check_name("namespace", "a-task_1.x").ok());
    EXPECT_FALSE(check(Platform{"toolong", "/run/x", "a"}).ok());
}

TEST(Router, is_the_same_when_made_again)
{
    in_sandbox([] {
        const auto before = leavings();
        const auto first = router_of(platform_of("fargate"));
        const auto once = leavings();
        const auto again = router_of(platform_of("fargate"));
        EXPECT_EQ(leavings(), once);
        EXPECT_EQ(again->agent_address(), first->agent_address());
        EXPECT_EQ(again->uplink(), first->uplink());
        EXPECT_EQ(link_count(*again), 2);  // lo, uplink
        EXPECT_NE(once, before);
    });
}

TEST(Router, is_completed_after_a_crash_in_the_middle)
{
    in_sandbox([] {
        const Platform platform = platform_of("fargate");
        router_of(platform);
        const auto host = Netlink::open(NETLINK_ROUTE);
        ASSERT_TRUE((*host)->request(delete_link(platform.uplink_name(default_vpc))).ok());
        ASSERT_TRUE(run_nft("delete table inet " + platform.host_table()).ok());
        const auto router = router_of(platform);
        const std::string task = attach(*router, eni_of("task", "172.31.5.9"));
        const Server server(task, "task", {}, 80);
        EXPECT_EQ(ask("", "172.31.5.9", 80), "task " + to_text(router->uplink().base));
    });
}

TEST(Router, refuses_another_range_for_the_same_vpc)
{
    in_sandbox([] {
        router_of(platform_of("fargate"));
        const auto other = Router::ensure(platform_of("fargate"), {default_vpc, *Ipv4Net::parse("172.30.0.0/16")});
        ASSERT_FALSE(other.ok());
        EXPECT_NE(other.error().message.find("172.31.0.0/16"), std::string::npos);
    });
}

TEST(Router, leads_to_the_world_behind_a_docker_that_drops_forwarding)
{
    in_sandbox([] {
        const std::string outside = make_outside();
        const bool docker = play_docker();
        const auto router = router_of(platform_of("fargate"));
        const std::string task = attach(*router, eni_of("task", "172.31.5.9"));
        const Server world(outside, "world", {}, 443);
        const Server server(task, "task", {}, 80);
        EXPECT_EQ(ask(task, "198.51.100.2", 443), "world 198.51.100.1");
        EXPECT_EQ(ask_udp(task, "198.51.100.2", 443), "world 198.51.100.1");
        EXPECT_TRUE(unanswered(outside, "172.31.5.9", 80)) << "nobody gets in from outside";
        EXPECT_EQ(router->mtu(), 1400u);

        ASSERT_TRUE(purge(platform_of("fargate")).ok());
        if (docker) {
            const auto rules = env::run_process({"iptables", "-S", "DOCKER-USER"});
            EXPECT_EQ(rules->out, "-N DOCKER-USER\n-A DOCKER-USER -j RETURN\n");
        }
    });
}

TEST(Router, repairs_what_others_undo_on_the_host)
{
    in_sandbox([] {
        const std::string outside = make_outside();
        const auto router = router_of(platform_of("fargate"));
        const std::string task = attach(*router, eni_of("task", "172.31.5.9"));
        const Server world(outside, "world", {}, 443);
        const auto before = leavings();
        ASSERT_TRUE(run_nft("flush ruleset").ok());
        EXPECT_NE(leavings(), before);
        ASSERT_TRUE(router->repair_host().ok());
        EXPECT_EQ(leavings(), before);
        play_docker();  // it starts only now
        ASSERT_TRUE(router->repair_host().ok());
        EXPECT_EQ(ask(task, "198.51.100.2", 443), "world 198.51.100.1");
    });
}

TEST(Router, keeps_vpcs_with_equal_ranges_apart)
{
    in_sandbox([] {
        const std::string outside = make_outside();
        const auto near = router_of(platform_of("fargate"));
        const auto far = router_of(platform_of("fargate"), "172.31.0.0/16", "vpc-far", false);
        const std::string a = attach(*near, eni_of("a", "172.31.5.9"));
        const std::string b = attach(*far, eni_of("b", "172.31.5.9"));
        const std::string c = attach(*far, eni_of("c", "172.31.5.10"));
        const Server world(outside, "world", {}, 443);
        const Server server_a(a, "a", {}, 80);
        const Server server_b(b, "b", {}, 80);
        EXPECT_EQ(ask("", "172.31.5.9", 80), "a " + to_text(near->uplink().base));
        EXPECT_EQ(ask(c, "172.31.5.9", 80), "b 172.31.5.10");
        EXPECT_TRUE(unanswered(a, "172.31.5.10", 80));
        EXPECT_EQ(ask(a, "198.51.100.2", 443), "world 198.51.100.1");
        EXPECT_EQ(ask(b, "198.51.100.2", 443), "world 198.51.100.1");
    });
}

TEST(Router, does_not_lead_from_one_vpc_into_another)
{
    in_sandbox([] {
        const auto one = router_of(platform_of("fargate"));
        const auto two = router_of(platform_of("fargate"), "172.30.0.0/16", "vpc-two");
        const std::string a = attach(*one, eni_of("a", "172.31.5.9"));
        const std::string b = attach(*two, eni_of("b", "172.30.5.9"));
        const Server server(b, "b", {}, 80);
        EXPECT_NE(ask("", "172.30.5.9", 80), "");
        EXPECT_TRUE(unanswered(a, "172.30.5.9", 80));
    });
}

TEST(Router, hides_a_cloud_s_own_metadata)
{
    in_sandbox([] {
        const std::string outside = make_outside();
        const auto netlink = open_netlink_in(outside, NETLINK_ROUTE);
        ASSERT_TRUE((*netlink)->request(add_address(1, ip("169.254.169.254"), 32)).ok());
        const Server cloud(outside, "cloud", {}, 80);
        const auto router = router_of(platform_of("fargate"));
        const std::string task = attach(*router, eni_of("task", "172.31.5.9"));
        EXPECT_EQ(ask("", "169.254.169.254", 80), "cloud 198.51.100.1");
        EXPECT_TRUE(unanswered(task, "169.254.169.254", 80));
    });
}

TEST(HostPrefixes, leave_out_our_own)
{
    in_sandbox([] {
        make_outside();
        router_of(platform_of("fargate"));
        const auto prefixes = host_prefixes(platform_of("fargate"));
        ASSERT_TRUE(prefixes.ok());
        const std::vector<Ipv4Net> theirs{*Ipv4Net::parse("198.51.100.0/24")};
        EXPECT_EQ(*prefixes, theirs);
        const auto host = Netlink::open(NETLINK_ROUTE);
        ASSERT_TRUE((*host)->request(delete_link(platform_of("fargate").uplink_name(default_vpc))).ok());
        EXPECT_EQ(*host_prefixes(platform_of("fargate")), theirs) << "the unreachable route alone";
    });
}

}  // namespace
}  // namespace boxship::runtime::net
