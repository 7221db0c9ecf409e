#include "env/real/files.h"
#include "runtime/net/doctor.h"

#include "runtime/net/nft.h"
#include "runtime/net/sandbox_for_tests.h"
#include "runtime/net/sweep.h"

namespace boxship::runtime::net {
namespace {

constexpr const char* firewall = R"(table inet boxship-bx3f {
	chain forward {
		type filter hook forward priority filter; policy accept;
		oifname "bx3f-u*" drop
	}
}
table inet filter {
	set blocked {
		type ipv4_addr
		elements = { 192.0.2.1 }
	}

	chain input {
		type filter hook input priority filter; policy drop;
	}

	chain forward {
		type filter hook forward priority filter; policy drop;
		oifname "virbr0" drop
		iifname "bx3f-u*" jump strict
		iifname "lan0" jump unrelated
		ct state invalid drop
	}

	chain strict {
		tcp dport 25 reject with icmp port-unreachable
		oifname "wan0" udp dport 53 drop
	}

	chain unrelated {
		drop
	}
}
)";

TEST(FindDrops, names_rules_that_may_meet_our_packets)
{
    const std::vector<ForeignDrop> expected{
        {"nft table inet filter, chain strict", "tcp dport 25 reject with icmp port-unreachable"},
        {"nft table inet filter, chain strict", "oifname \"wan0\" udp dport 53 drop"},
        {"nft table inet filter, chain forward", "ct state invalid drop"},
        {"nft table inet filter, chain forward", "policy drop"},
    };
    EXPECT_EQ(find_drops(firewall, "bx3f-u", "wan0"), expected);
}

TEST(FindDrops, finds_none_where_none_are)
{
    EXPECT_TRUE(find_drops("", "bx3f-u", "wan0").empty());
    EXPECT_TRUE(find_drops("table ip nat {\n\tchain x {\n\t\ttype nat hook output priority -100; policy accept;\n\t}\n}\n", "b", "w").empty());
}

TEST(InspectHost, reports_a_firewall_and_docker)
{
    in_sandbox([] {
        make_outside();
        const Platform platform = platform_of("fargate");
        // A new namespace begins with what the host has.
        ASSERT_TRUE(env::write_file("/proc/sys/net/ipv4/ip_forward", "0").ok());
        const auto fresh = inspect_host(platform);
        ASSERT_TRUE(fresh.ok()) << fresh.error().message;
        EXPECT_FALSE(fresh->forwarding);
        EXPECT_TRUE(fresh->drops.empty());
        for (const MissingPart& part : fresh->missing) ADD_FAILURE() << part.part << ": " << part.error;

        if (play_docker()) {
            const auto before = inspect_host(platform);
            EXPECT_TRUE(before->docker_user);
            EXPECT_FALSE(before->docker_accepts_us);
            const std::vector<ForeignDrop> policy{{"nft table ip filter, chain FORWARD", "policy drop"}};
            EXPECT_EQ(before->drops, policy);
        }
        const bool docker = inspect_host(platform)->docker_user;
        router_of(platform);
        const auto after = inspect_host(platform);
        EXPECT_TRUE(after->forwarding);
        EXPECT_EQ(after->docker_accepts_us, docker);
        EXPECT_TRUE(after->drops.empty());

        ASSERT_TRUE(run_nft("add table ip mine; add chain ip mine f { type filter hook forward priority 5; policy drop; }").ok());
        const std::vector<ForeignDrop> mine{{"nft table ip mine, chain f", "policy drop"}};
        EXPECT_EQ(inspect_host(platform)->drops, mine);
    });
}

}  // namespace
}  // namespace boxship::runtime::net
