#include "runtime/net/sweep.h"

#include "runtime/net/instance.h"
#include "runtime/net/nft.h"
#include "runtime/net/sandbox_for_tests.h"

namespace boxship::runtime::net {
namespace {

TEST(Sweep, takes_what_this_agent_does_not_know)
{
    in_sandbox([] {
        const auto mine = router_of(platform_of("fargate"));
        const auto other = router_of(platform_of("i1"));
        const std::string kept = attach(*mine, eni_of("kept", "172.31.5.9"));
        const std::string lost = attach(*mine, eni_of("lost", "172.31.5.10"));
        const std::string theirs = attach(*other, eni_of("theirs", "172.31.5.11"));
        // Somebody still sits in the namespace, so that only the sweep can take its link away.
        const Server squatter(lost, "lost", {}, 80);
        ASSERT_TRUE(sweep(*mine, {"kept"}).ok());
        ASSERT_TRUE(sweep(*mine, {"kept"}).ok());
        EXPECT_TRUE(is_namespace(kept));
        EXPECT_FALSE(is_namespace(lost));
        EXPECT_TRUE(is_namespace(theirs));
        EXPECT_EQ(link_count(*mine), 4);  // lo, uplink, kept, theirs
        EXPECT_EQ(list_elements(mine->filter(), router_table, sources_set)->size(), 2u);
        const Server server(theirs, "theirs", {}, 80);
        EXPECT_EQ(ask(kept, "172.31.5.11", 80), "theirs 172.31.5.9");
    });
}

TEST(Sweep, drops_elements_whose_link_vanished)
{
    in_sandbox([] {
        const auto router = router_of(platform_of("fargate"));
        const EniSpec spec = eni_of("a", "172.31.5.9");
        attach(*router, spec);
        ASSERT_TRUE(router->routes().request(delete_link(eni_link_name(spec.eni))).ok());
        EXPECT_EQ(list_elements(router->filter(), router_table, sources_set)->size(), 1u);
        ASSERT_TRUE(sweep(*router, {"a"}).ok());
        EXPECT_EQ(list_elements(router->filter(), router_table, sources_set)->size(), 0u);
        EXPECT_EQ(list_elements(router->filter(), router_table, agents_map)->size(), 0u);
    });
}

TEST(Purge, leaves_nothing_of_the_platform_and_all_of_another)
{
    in_sandbox([] {
        make_outside();
        play_docker();
        Platform neighbour{"bx77", sandbox_dir() + "/bx77", "fargate"};
        const auto theirs = router_of(neighbour, "172.30.0.0/16");
        const std::string their_task = attach(*theirs, eni_of("task", "172.30.5.9"));
        const auto before = leavings();
        {
            const auto router = router_of(platform_of("i1"));
            router_of(platform_of("fargate"), "172.29.0.0/16", "vpc-two", false);
            attach(*router, eni_of("task", "172.31.5.9"));
            auto net = InstanceNet::ensure(*router, {"eni-i", ip("172.31.5.20"), Mac::of(ip("172.31.5.20"))}, {});
            ASSERT_TRUE(net.ok());
            ASSERT_TRUE((*net)->attach("web").ok());
            EXPECT_NE(leavings(), before);
        }
        ASSERT_TRUE(purge(platform_of("fargate")).ok());
        EXPECT_EQ(leavings(), before);
        ASSERT_TRUE(purge(platform_of("fargate")).ok());
        EXPECT_EQ(leavings(), before);
        const Server server(their_task, "theirs", {}, 80);
        EXPECT_NE(ask("", "172.30.5.9", 80), "");
    });
}

}  // namespace
}  // namespace boxship::runtime::net
