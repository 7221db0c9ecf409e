#include "runtime/net/instance.h"

#include <cerrno>

#include "runtime/net/nft.h"
#include "runtime/net/sandbox_for_tests.h"
#include "runtime/net/sweep.h"

namespace boxship::runtime::net {
namespace {

std::unique_ptr<InstanceNet> instance_of(const Router& router, const char* address, const std::vector<Ipv4Net>& avoid = {})
{
    auto net = InstanceNet::ensure(router, {std::string("eni-") + address, ip(address), Mac::of(ip(address))}, avoid);
    EXPECT_TRUE(net.ok()) << net.error().message;
    if (!net.ok()) _exit(4);
    return std::move(net).value();
}

BridgeEnd attach_to(InstanceNet& net, const char* netns)
{
    const auto end = net.attach(netns);
    EXPECT_TRUE(end.ok()) << end.error().message;
    return end.ok() ? *end : BridgeEnd{};
}

TEST(Instance, a_published_port_answers_from_everywhere)
{
    in_sandbox([] {
        const std::string outside = make_outside();
        play_docker();
        const auto router = router_of(platform_of("i1"));
        const auto net = instance_of(*router, "172.31.5.20");
        const BridgeEnd web = attach_to(*net, "web");
        const BridgeEnd client = attach_to(*net, "client");
        EXPECT_EQ(to_text(web.address), "172.17.0.2");
        const std::string task = attach(*router, eni_of("task", "172.31.5.9"));
        const Server server(web.namespace_path, "web", {}, 80);
        const Server host_mode(net->namespace_path(), "host", {}, 9000);
        const Server world(outside, "world", {}, 443);
        ASSERT_TRUE(net->publish("web", Protocol::tcp, 8080, 80).ok());
        ASSERT_TRUE(net->publish("web", Protocol::udp, 8080, 80).ok());

        EXPECT_EQ(ask("", "172.31.5.20", 8080), "web " + to_text(router->uplink().base));
        EXPECT_EQ(ask(task, "172.31.5.20", 8080), "web 172.31.5.9") << "the caller's address is kept";
        EXPECT_EQ(ask_udp(task, "172.31.5.20", 8080), "web 172.31.5.9");
        EXPECT_EQ(ask(net->namespace_path(), "172.31.5.20", 8080), "web 172.31.5.20");
        EXPECT_EQ(ask(net->namespace_path(), "127.0.0.1", 8080), "web 172.17.0.1");
        EXPECT_EQ(ask(client.namespace_path, "172.31.5.20", 8080), "web 172.17.0.1");
        EXPECT_EQ(ask(web.namespace_path, "172.31.5.20", 8080), "web 172.17.0.1") << "hairpin";
        EXPECT_EQ(ask(client.namespace_path, "172.17.0.2", 80), "web 172.17.0.3") << "on the bridge";

        EXPECT_EQ(ask("", "172.31.5.20", 9000), "host " + to_text(router->uplink().base));
        EXPECT_EQ(ask(client.namespace_path, "172.31.5.20", 9000), "host 172.17.0.3");
        EXPECT_EQ(ask(client.namespace_path, "198.51.100.2", 443), "world 198.51.100.1");
        EXPECT_EQ(ask(net->namespace_path(), "198.51.100.2", 443), "world 198.51.100.1");
        EXPECT_TRUE(unanswered(client.namespace_path, "172.31.5.9", 80)) << "no such server";
    });
}

TEST(Instance, its_containers_reach_the_agent)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("i1"));
        const auto net = instance_of(*router, "172.31.5.20");
        const BridgeEnd web = attach_to(*net, "web");
        const Server taken(net->namespace_path(), "host", {}, 80);  // a host-mode container's own port 80
        const Server agent(router->namespace_path(), "agent", router->agent_address(), 80);
        EXPECT_EQ(ask(web.namespace_path, "169.254.170.2", 80), "agent 172.31.5.20");
        EXPECT_EQ(ask(net->namespace_path(), "169.254.170.2", 80), "agent 172.31.5.20");
    });
}

TEST(Instance, loopback_is_closed_to_containers)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("i1"));
        const auto net = instance_of(*router, "172.31.5.20");
        const BridgeEnd web = attach_to(*net, "web");
        // What a container with raw sockets could do: a frame for 127.0.0.1 to the bridge.
        const auto netlink = open_netlink_in(net->namespace_path(), NETLINK_ROUTE);
        const Mac gateway = find_link(**netlink, "bx0").value()->mac;
        const auto attempt = [&] {
            return received_at(net->namespace_path(), 5353, [&] {
                send_as(web.namespace_path, web.address, ip("127.0.0.1"), 5353, gateway);
                send_as(web.namespace_path, web.address, ip("172.17.0.1"), 5353, gateway);
            });
        };
        EXPECT_EQ(attempt(), std::vector<std::string>{"172.17.0.2"});
        ASSERT_TRUE(run_in(net->namespace_path(), [] { return run_nft("flush chain inet boxship guard"); }).ok());
        EXPECT_EQ(attempt().size(), 2u) << "without the guard it would have come in, so it was the guard";
    });
}

TEST(Instance, two_of_them_have_the_same_ports)
{
    in_sandbox([] {
        const auto router_one = router_of(platform_of("i1"));
        const auto router_two = router_of(platform_of("i2"));
        const auto one = instance_of(*router_one, "172.31.5.20");
        const auto two = instance_of(*router_two, "172.31.5.21");
        const BridgeEnd web_one = attach_to(*one, "web");
        const BridgeEnd web_two = attach_to(*two, "web");
        const Server server_one(web_one.namespace_path, "one", {}, 80);
        const Server server_two(web_two.namespace_path, "two", {}, 80);
        ASSERT_TRUE(one->publish("web", Protocol::tcp, 8080, 80).ok());
        ASSERT_TRUE(two->publish("web", Protocol::tcp, 8080, 80).ok());
        const std::string host = to_text(router_one->uplink().base);
        EXPECT_EQ(ask("", "172.31.5.20", 8080), "one " + host);
        EXPECT_EQ(ask("", "172.31.5.21", 8080), "two " + host);
        EXPECT_EQ(ask(web_one.namespace_path, "172.31.5.21", 8080), "two 172.31.5.20");
    });
}

TEST(Instance, a_port_has_one_owner)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("i1"));
        const auto net = instance_of(*router, "172.31.5.20");
        attach_to(*net, "a");
        const BridgeEnd b = attach_to(*net, "b");
        ASSERT_TRUE(net->publish("a", Protocol::tcp, 8080, 80).ok());
        ASSERT_TRUE(net->publish("a", Protocol::tcp, 8080, 80).ok()) << "again is fine";
        EXPECT_EQ(net->publish("b", Protocol::tcp, 8080, 80).error().code, EADDRINUSE);
        EXPECT_EQ(net->publish("nobody", Protocol::tcp, 8081, 80).error().code, ENOENT);
        ASSERT_TRUE(net->unpublish(Protocol::tcp, 8080).ok());
        ASSERT_TRUE(net->unpublish(Protocol::tcp, 8080).ok());
        ASSERT_TRUE(net->publish("b", Protocol::tcp, 8080, 80).ok());
        const Server server(b.namespace_path, "b", {}, 80);
        EXPECT_NE(ask("", "172.31.5.20", 8080), "");
        ASSERT_TRUE(net->detach("b").ok());
        ASSERT_TRUE(net->detach("b").ok());
        EXPECT_TRUE(net->published().empty());
        EXPECT_TRUE(unanswered("", "172.31.5.20", 8080));
        EXPECT_NE(attach_to(*net, "b").address, b.address) << "addresses are given out in turn";
    });
}

TEST(Instance, a_busy_udp_sender_finds_a_port_s_next_owner)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("i1"));
        const auto net = instance_of(*router, "172.31.5.20");
        const std::string task = attach(*router, eni_of("task", "172.31.5.9"));
        const BridgeEnd old = attach_to(*net, "old");
        const BridgeEnd next = attach_to(*net, "next");
        // Always from the same port, as a program that keeps its socket.
        const auto send = [&] { send_as(task, ip("172.31.5.9"), ip("172.31.5.20"), 2000); };
        const std::vector<std::string> one{"172.31.5.9"};
        send();
        ASSERT_TRUE(net->publish("old", Protocol::udp, 2000, 2000).ok());
        EXPECT_EQ(received_at(old.namespace_path, 2000, send), one);
        ASSERT_TRUE(net->unpublish(Protocol::udp, 2000).ok());
        ASSERT_TRUE(net->publish("next", Protocol::udp, 2000, 2000).ok());
        EXPECT_EQ(received_at(next.namespace_path, 2000, send), one);
    });
}

TEST(Instance, is_taken_over_after_a_restart)
{
    in_sandbox([] {
        const std::vector<Ipv4Net> avoid{*Ipv4Net::parse("172.17.0.0/16")};
        const auto router = router_of(platform_of("i1"));
        BridgeEnd web;
        {
            const auto net = instance_of(*router, "172.31.5.20", avoid);
            EXPECT_EQ(to_text(net->bridge()), "172.18.0.0/16");
            web = attach_to(*net, "web");
            attach_to(*net, "gone");
            ASSERT_TRUE(net->publish("web", Protocol::tcp, 40000, 80).ok());
            ASSERT_TRUE(net->publish("gone", Protocol::udp, 40001, 53).ok());
        }
        const auto net = instance_of(*router, "172.31.5.20");
        EXPECT_EQ(to_text(net->bridge()), "172.18.0.0/16");
        EXPECT_EQ(net->attached().at("web"), web.address);
        EXPECT_EQ(net->published().size(), 2u);
        EXPECT_EQ(attach_to(*net, "web").address, web.address);
        EXPECT_EQ(net->publish("web", Protocol::tcp, 40001, 53).ok(), true);
        EXPECT_EQ(net->publish("web", Protocol::udp, 40001, 53).error().code, EADDRINUSE);
        ASSERT_TRUE(net->sweep({"web"}).ok());
        EXPECT_EQ(net->attached().size(), 1u);
        const std::vector<PublishedPort> left{{Protocol::tcp, 40000, web.address, 80}, {Protocol::tcp, 40001, web.address, 53}};
        EXPECT_EQ(net->published(), left);
        const Server server(web.namespace_path, "web", {}, 80);
        EXPECT_NE(ask("", "172.31.5.20", 40000), "");
    });
}

TEST(Instance, half_attached_containers_are_completed)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("i1"));
        const auto net = instance_of(*router, "172.31.5.20");
        const BridgeEnd web = attach_to(*net, "web");
        const auto inside = open_netlink_in(web.namespace_path, NETLINK_ROUTE);
        ASSERT_TRUE((*inside)->request(delete_link("eth0")).ok());
        EXPECT_EQ(attach_to(*net, "web").address, web.address);
        ASSERT_TRUE(remove_namespace(web.namespace_path).ok());
        const BridgeEnd again = attach_to(*net, "web");
        const Server server(again.namespace_path, "web", {}, 80);
        EXPECT_EQ(ask(net->namespace_path(), to_text(again.address).c_str(), 80), "web 172.17.0.1");
        const auto counters = net->read_counters("web");
        ASSERT_TRUE(counters.ok());
        EXPECT_GT(counters->rx_packets, 0u);
    });
}

TEST(Instance, released_it_leaves_nothing)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("i1"));
        const int links = link_count(*router);
        const auto before = leavings();
        {
            const auto net = instance_of(*router, "172.31.5.20");
            attach_to(*net, "web");
            ASSERT_TRUE(net->publish("web", Protocol::tcp, 8080, 80).ok());
            ASSERT_TRUE(net->release().ok());
            ASSERT_TRUE(net->release().ok());
        }
        EXPECT_TRUE(eventually([&] { return link_count(*router) == links; }));
        EXPECT_EQ(leavings(), before);
    });
}

}  // namespace
}  // namespace boxship::runtime::net
