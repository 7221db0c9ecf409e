#include "runtime/net/range_claims.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "runtime/net/router.h"

namespace boxship::runtime::net {
namespace {

class RangeClaimsTest : public testing::Test {
protected:
    RangeClaimsTest()
    {
        std::string pattern = testing::TempDir() + "/boxship-ranges-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~RangeClaimsTest() override { std::filesystem::remove_all(directory_); }

    std::vector<Ipv4Net> held() { return *RangeClaims::open(directory_)->held(); }
    // As `up` does it: look, choose, claim.
    env::UniqueFd take(Ipv4Net& range)
    {
        auto claims = RangeClaims::open(directory_);
        range = *pick_vpc_cidr(*claims->held());
        return std::move(*claims->claim(range));
    }

    std::string directory_;
};

TEST_F(RangeClaimsTest, who_chooses_at_the_same_moment_gets_another_range)
{
    constexpr int platforms = 8;
    std::array<Ipv4Net, platforms> ranges;
    std::array<env::UniqueFd, platforms> claims;
    std::vector<std::thread> threads;
    for (int i = 0; i < platforms; ++i) threads.emplace_back([&, i] { claims[i] = take(ranges[i]); });
    for (auto& thread : threads) thread.join();
    std::ranges::sort(ranges);
    EXPECT_EQ(std::ranges::adjacent_find(ranges), ranges.end());
    EXPECT_EQ(held().size(), std::size_t(platforms));
    EXPECT_EQ(to_text(ranges.back()), "172.31.0.0/16");
}

TEST_F(RangeClaimsTest, what_overlaps_a_claim_is_refused)
{
    const env::UniqueFd held = std::move(*RangeClaims::open(directory_)->claim(*Ipv4Net::parse("172.31.0.0/16")));
    const auto second = RangeClaims::open(directory_)->claim(*Ipv4Net::parse("172.31.16.0/20"));
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().message, "the VPC range 172.31.16.0/20 overlaps 172.31.0.0/16, which another boxship on this machine uses");
}

TEST_F(RangeClaimsTest, a_claim_ends_with_the_last_process_that_has_it)
{
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const auto claim = RangeClaims::open(directory_)->claim(*Ipv4Net::parse("172.31.0.0/16"));
        ::kill(::getpid(), claim.ok() ? SIGKILL : SIGTERM);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WTERMSIG(status), SIGKILL);
    EXPECT_TRUE(held().empty());
    EXPECT_FALSE(std::filesystem::exists(directory_ + "/172.31.0.0-16"));
}

TEST_F(RangeClaimsTest, the_last_one_takes_the_directory_along)
{
    Ipv4Net one, other;
    const auto first = take(one), second = take(other);
    ASSERT_TRUE(RangeClaims::open(directory_)->release(one).ok());
    EXPECT_TRUE(std::filesystem::exists(directory_));
    ASSERT_TRUE(RangeClaims::open(directory_)->release(other).ok());
    EXPECT_FALSE(std::filesystem::exists(directory_));
    EXPECT_TRUE(held().empty());
}

TEST_F(RangeClaimsTest, who_waited_for_a_directory_that_went_takes_the_next)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&] {
            for (int round = 0; round < 50; ++round) {
                Ipv4Net range;
                const auto claim = take(range);
                EXPECT_TRUE(RangeClaims::open(directory_)->release(range).ok());
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_FALSE(std::filesystem::exists(directory_));
}

}  // namespace
}  // namespace boxship::runtime::net
