#include "runtime/net/eni.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cerrno>

#include "env/real/files.h"
#include "runtime/net/nft.h"
#include "runtime/net/sandbox_for_tests.h"
#include "runtime/net/sweep.h"

namespace boxship::runtime::net {
namespace {

void write_in(const std::string& where, const char* path, const char* value)
{
    EXPECT_TRUE(run_in(where, [&] { return env::write_file(path, value); }).ok());
}

TEST(Eni, tasks_with_one_port_each_reach_each_other)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const std::string a = attach(*router, eni_of("a", "172.31.5.9"));
        const std::string b = attach(*router, eni_of("b", "172.31.5.10"));
        const Server server_a(a, "a", {}, 80);
        const Server server_b(b, "b", {}, 80);
        EXPECT_EQ(ask(a, "172.31.5.10", 80), "b 172.31.5.9");
        EXPECT_EQ(ask(b, "172.31.5.9", 80), "a 172.31.5.10");
        EXPECT_EQ(ask_udp(a, "172.31.5.10", 80), "b 172.31.5.9");
        EXPECT_EQ(ask(a, "127.0.0.1", 80), "a 127.0.0.1");
        EXPECT_EQ(ask("", "172.31.5.9", 80), "a " + to_text(router->uplink().base));
        EXPECT_TRUE(unanswered(a, "172.31.77.77", 80));

        const auto counters = read_counters(*router, "eni-a");
        ASSERT_TRUE(counters.ok());
        EXPECT_GT(counters->rx_packets, 4u);
        EXPECT_GT(counters->tx_bytes, 100u);
        EXPECT_EQ(read_counters(*router, "eni-none").error().code, ENODEV);
    });
}

TEST(Eni, a_task_reaches_its_own_agent_at_169_254_170_2)
{
    in_sandbox([] {
        const auto one = router_of(platform_of("fargate"));
        const auto two = router_of(platform_of("i1"));
        EXPECT_NE(one->agent_address(), two->agent_address());
        const std::string a = attach(*one, eni_of("a", "172.31.5.9"));
        const std::string b = attach(*two, eni_of("b", "172.31.5.10"));
        const Server web(a, "a", {}, 80);  // the task's own port 80 is its own
        const Server agent_one(one->namespace_path(), "one", one->agent_address(), 80);
        const Server agent_two(two->namespace_path(), "two", two->agent_address(), 80);
        EXPECT_EQ(ask(a, "169.254.170.2", 80), "one 172.31.5.9");
        EXPECT_EQ(ask(b, "169.254.170.2", 80), "two 172.31.5.10");
        EXPECT_TRUE(unanswered(b, to_text(one->agent_address()).c_str(), 80)) << "nobody else's agent";
        EXPECT_TRUE(unanswered(b, to_text(two->agent_address()).c_str(), 80)) << "only by the name all know";
        EXPECT_TRUE(unanswered(b, "169.254.170.2", 81));
    });
}

TEST(Eni, a_listener_is_opened_inside_a_namespace)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const std::string a = attach(*router, eni_of("a", "172.31.5.9"));
        const auto listener = open_listener_in(router->namespace_path(), router->agent_address(), 4566);
        ASSERT_TRUE(listener.ok()) << listener.error().message;
        std::thread client([&] { unanswered(a, "169.254.170.2", 4566); });
        int accepted = -1;
        EXPECT_TRUE(eventually([&] { return (accepted = accept(listener->get(), nullptr, nullptr)) >= 0; }));
        const env::UniqueFd connection(accepted);
        client.join();
        EXPECT_EQ(open_listener_in(router->namespace_path(), ip("192.0.2.1"), 80).error().code, EADDRNOTAVAIL);
        EXPECT_EQ(open_listener_in("/run/no-such", ip("192.0.2.1"), 80).error().code, ENOENT);
    });
}

TEST(Eni, a_made_up_source_is_dropped)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const std::string a = attach(*router, eni_of("a", "172.31.5.9"));
        const std::string b = attach(*router, eni_of("b", "172.31.5.10"));
        const std::string c = attach(*router, eni_of("c", "172.31.5.11"));
        const auto attempt = [&] {
            return received_at(b, 5353, [&] {
                send_as(a, ip("172.31.5.11"), ip("172.31.5.10"), 5353);   // a neighbour's
                send_as(a, ip("169.254.171.1"), ip("172.31.5.10"), 5353); // the agent's
                send_as(a, ip("172.31.5.9"), ip("172.31.5.10"), 5353);    // its own
            });
        };
        const std::vector<std::string> own{"172.31.5.9"};
        EXPECT_EQ(attempt(), own);
        // Each of the two guards suffices without the other.
        const std::string filter = std::string("/proc/sys/net/ipv4/conf/") + eni_link_name("eni-a") + "/rp_filter";
        write_in(router->namespace_path(), filter.c_str(), "0");
        write_in(router->namespace_path(), "/proc/sys/net/ipv4/conf/all/rp_filter", "0");
        EXPECT_EQ(attempt(), own);
        write_in(router->namespace_path(), "/proc/sys/net/ipv4/conf/all/rp_filter", "1");
        ASSERT_TRUE(run_in(router->namespace_path(), [] { return run_nft("flush chain inet boxship source_check"); }).ok());
        EXPECT_EQ(attempt(), own);
    });
}

TEST(Eni, a_neighbour_s_mac_is_never_told)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const EniSpec b_spec = eni_of("b", "172.31.5.10");
        const std::string a = attach(*router, eni_of("a", "172.31.5.9"));
        const std::string b = attach(*router, b_spec);
        write_in(router->namespace_path(), ("/proc/sys/net/ipv4/neigh/" + eni_link_name("eni-a") + "/proxy_delay").c_str(), "0");
        std::vector<Mac> answers;
        bool reached_b = false;
        env::UniqueFd at_a, at_b;
        const auto open_at = [](env::UniqueFd& fd) {
            return [&fd]() -> HostResult<> {
                fd.reset(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ARP)));
                return {};
            };
        };
        ASSERT_TRUE(run_in(a, open_at(at_a)).ok());
        ASSERT_TRUE(run_in(b, open_at(at_b)).ok());
        ASSERT_TRUE(run_in(a, [&]() -> HostResult<> {
            ASSIGN_OR_RETURN(const auto netlink, Netlink::open(NETLINK_ROUTE));
            ASSIGN_OR_RETURN(const auto link, find_link(*netlink, "eth0"));
            std::string request("\0\1\x8\0\6\4\0\1", 8);  // who has 172.31.5.10? tell 172.31.5.9
            request.append(reinterpret_cast<const char*>(link->mac.bytes.data()), 6);
            request += part_of(ip("172.31.5.9")) + std::string(6, '\0') + part_of(ip("172.31.5.10"));
            sockaddr_ll to{};
            to.sll_family = AF_PACKET;
            to.sll_protocol = htons(ETH_P_ARP);
            to.sll_ifindex = link->index;
            to.sll_halen = 6;
            std::fill_n(to.sll_addr, 6, 0xff);
            if (sendto(at_a.get(), request.data(), request.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0)
                return host_error("ask for a MAC", errno);
            return {};
        }).ok());
        // The router answers for what it routes.
        EXPECT_TRUE(eventually([&] {
            std::uint8_t packet[64];
            while (recv(at_b.get(), packet, sizeof packet, 0) > 0) reached_b = true;
            while (recv(at_a.get(), packet, sizeof packet, 0) >= 28) {
                if (packet[7] != 2) continue;
                Mac mac;
                std::copy_n(packet + 8, 6, mac.bytes.begin());
                answers.push_back(mac);
            }
            return !answers.empty();
        }));
        EXPECT_FALSE(reached_b);
        for (const Mac& mac : answers) EXPECT_NE(mac, b_spec.mac);
    });
}

TEST(Eni, the_namespace_is_as_a_container_expects_it)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const EniSpec spec = eni_of("a", "172.31.5.9");
        const std::string a = attach(*router, spec);
        const auto netlink = open_netlink_in(a, NETLINK_ROUTE);
        const auto links = list_links(**netlink);
        ASSERT_EQ(links->size(), 2u);
        EXPECT_EQ((*links)[1].name, "eth0");
        EXPECT_EQ((*links)[1].mac, spec.mac);
        EXPECT_TRUE(run_in(a, []() -> HostResult<> {
            EXPECT_EQ(env::read_file("/proc/sys/net/ipv6/conf/eth0/disable_ipv6").value(), "1\n");
            EXPECT_EQ(env::read_file("/proc/sys/net/ipv4/ip_unprivileged_port_start").value(), "0\n");
            EXPECT_EQ(env::read_file("/proc/thread-self/net/if_inet6").value(), "");
            return {};
        }).ok());
    });
}

TEST(Eni, attaching_again_changes_nothing)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const EniSpec spec = eni_of("a", "172.31.5.9");
        const std::string a = attach(*router, spec);
        const Server server(a, "a", {}, 80);
        const auto before = find_link(router->routes(), eni_link_name(spec.eni));
        EXPECT_EQ(attach(*router, spec), a);
        EXPECT_EQ(find_link(router->routes(), eni_link_name(spec.eni)).value()->index, before.value()->index);
        EXPECT_NE(ask("", "172.31.5.9", 80), "");
    });
}

TEST(Eni, half_attached_ones_are_completed)
{
    in_sandbox([] {
        const Platform platform = platform_of("fargate");
        const auto router = router_of(platform);
        const EniSpec spec = eni_of("a", "172.31.5.9");
        const std::string path = platform.netns_path("a");
        const auto works = [&] {
            const std::string a = attach(*router, spec);
            const Server server(a, "a", {}, 80);
            return ask("", "172.31.5.9", 80) != "";
        };
        // A file that no namespace is mounted on yet.
        ASSERT_TRUE(env::make_directories(platform.netns_dir()).ok());
        ASSERT_TRUE(env::write_file(path, "").ok());
        EXPECT_TRUE(works());
        // A veth whose other end is gone with an earlier namespace; the mount is gone too.
        ASSERT_TRUE(remove_namespace(path).ok());
        EXPECT_TRUE(works());
        // No routes and no elements.
        ASSERT_TRUE(disconnect_link(*router, eni_link_name(spec.eni), spec.address).ok());
        EXPECT_TRUE(works());
        // Another interface of that name in the namespace.
        const auto inside = open_netlink_in(path, NETLINK_ROUTE);
        ASSERT_TRUE(router->routes().request(delete_link(eni_link_name(spec.eni))).ok());
        auto stray = make_veth({.name = "eth0", .mac = {}}, {.name = "x", .mac = {}}, 1500);
        ASSERT_TRUE((*inside)->request(stray).ok());
        EXPECT_TRUE(works());
    });
}

TEST(Eni, detached_ones_leave_nothing_and_free_the_address_at_once)
{
    in_sandbox([] {
        const Platform platform = platform_of("fargate");
        const auto router = router_of(platform);
        const int links = link_count(*router);
        const auto before = leavings();
        const EniSpec old = eni_of("old", "172.31.5.9");
        attach(*router, old);
        ASSERT_TRUE(detach_eni(*router, old).ok());
        const EniSpec next = eni_of("next", "172.31.5.9");
        const std::string path = attach(*router, next);
        ASSERT_TRUE(detach_eni(*router, old).ok()) << "once more, late";
        {
            const Server server(path, "next", {}, 80);
            const Server agent(router->namespace_path(), "agent", router->agent_address(), 80);
            EXPECT_NE(ask("", "172.31.5.9", 80), "");
            EXPECT_EQ(ask(path, "169.254.170.2", 80), "agent 172.31.5.9");
        }
        ASSERT_TRUE(detach_eni(*router, next).ok());
        EXPECT_TRUE(eventually([&] { return link_count(*router) == links; }));
        EXPECT_EQ(list_elements(router->filter(), router_table, sources_set)->size(), 0u);
        EXPECT_EQ(list_elements(router->filter(), router_table, agents_map)->size(), 0u);
        EXPECT_EQ(leavings(), before);
    });
}

TEST(Eni, wrong_specs_are_refused)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        EXPECT_EQ(attach_eni(*router, eni_of("a", "10.0.0.1")).error().code, EINVAL);
        EniSpec spec = eni_of("a", "172.31.5.9");
        spec.netns = "../a";
        EXPECT_EQ(attach_eni(*router, spec).error().code, EINVAL);
        spec = eni_of("a", "172.31.5.9");
        spec.mac = {};
        EXPECT_EQ(attach_eni(*router, spec).error().code, EINVAL);
    });
}

TEST(Eni, many_threads_attach_and_detach)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const int links = link_count(*router);
        std::vector<std::thread> threads;
        std::atomic<int> failures = 0;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 10; ++i) {
                    const Ipv4 address{ip("172.31.5.0").value + std::uint32_t(t * 10 + i) + 4};
                    const EniSpec spec{fmt::format("t{}-{}", t, i), fmt::format("eni-{}-{}", t, i), address, Mac::of(address)};
                    if (!attach_eni(*router, spec).ok() || (i % 2 == 0 && !detach_eni(*router, spec).ok())) ++failures;
                }
            });
        }
        for (std::thread& thread : threads) thread.join();
        EXPECT_EQ(failures, 0);
        EXPECT_EQ(list_elements(router->filter(), router_table, sources_set)->size(), 20u);
        EXPECT_TRUE(eventually([&] { return link_count(*router) == links + 20; }));
    });
}

}  // namespace
}  // namespace boxship::runtime::net
