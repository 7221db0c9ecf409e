#include "decide/targets.h"

#include <gtest/gtest.h>

#include "base/ids_for_tests.h"
#include "base/ipv4.h"
#include "state/tables.h"
#include "state/txn.h"

namespace boxship::decide {
namespace {

using namespace model;

bool is_healthy(const state::View& view, const TargetKey& key) { return health_of(view, *view.get<Target>(key)).state == TargetState::healthy; }

class TargetsTest : public testing::Test {
protected:
    TargetsTest()
    {
        txn.put(Vpc{.id = id<VpcId>(1)});
        for (int n = 0; n < 2; ++n)
            txn.put(Subnet{.id = id<SubnetId>(n + 1), .vpc = id<VpcId>(1), .network = *parse_ipv4("172.31.0.0") + (std::uint32_t(n) << 12), .prefix = 20,
                           .zone = std::string("us-east-1") + static_cast<char>('a' + n)});
        txn.put(LoadBalancer{.id = id<LoadBalancerId>(1), .name = "front", .vpc = id<VpcId>(1), .zones = {{id<SubnetId>(1), {}}}});
        group = TargetGroup{.id = id<TargetGroupId>(1), .name = "web", .type = TargetType::ip, .port = 80, .vpc = id<VpcId>(1)};
        txn.put(group);
    }
    void attach()
    {
        RuleAction action{.targets = {{group.id, 1}}};
        txn.put(Listener{.id = id<ListenerId>(1), .load_balancer = id<LoadBalancerId>(1), .port = 80, .actions = {action}});
    }
    TargetKey add(const std::string& address, const std::string& zone = "")
    {
        auto target = register_target(txn, group, address, 0, zone, Time{1000});
        const TargetKey key = target->name;
        txn.put(std::move(*target));
        return key;
    }
    void set_healthy(const TargetKey& key)
    {
        Target target = *txn.get<Target>(key);
        target.state = TargetState::healthy;
        target.reason = TargetReason::none;
        txn.put(std::move(target));
    }

    state::Tables tables;
    state::Group writes;
    state::Txn txn{tables, writes};
    TargetGroup group;
};

TEST_F(TargetsTest, a_target_takes_the_port_of_its_group_and_is_registered_once)
{
    const TargetKey key = add("172.31.0.9");
    EXPECT_EQ(key.port, 80);
    EXPECT_FALSE(register_target(txn, group, "172.31.0.9", 80, "", Time{2000}));
    EXPECT_TRUE(register_target(txn, group, "172.31.0.9", 81, "", Time{2000}));
}

TEST_F(TargetsTest, nobody_uses_a_target_until_something_forwards_to_its_group)
{
    const TargetKey key = add("172.31.0.9");
    EXPECT_EQ(health_of(txn, *txn.get<Target>(key)).reason, TargetReason::not_in_use);
    EXPECT_FALSE(is_attached(txn, group.id));
    attach();
    EXPECT_TRUE(is_attached(txn, group.id));
    EXPECT_EQ(load_balancers_of(txn, group.id), std::vector{id<LoadBalancerId>(1)});
    EXPECT_EQ(health_of(txn, *txn.get<Target>(key)).state, TargetState::initial);
    EXPECT_FALSE(is_healthy(txn, key));
    set_healthy(key);
    EXPECT_TRUE(is_healthy(txn, key));
}

TEST_F(TargetsTest, a_target_in_a_zone_without_the_load_balancer_is_not_used)
{
    attach();
    const TargetKey key = add("172.31.16.9");
    set_healthy(key);
    EXPECT_EQ(health_of(txn, *txn.get<Target>(key)).state, TargetState::unused);
    EXPECT_EQ(zone_of(txn, group, *txn.get<Target>(key)), "us-east-1b");
    const TargetKey outside = add("10.0.0.1", "all");
    set_healthy(outside);
    EXPECT_TRUE(is_healthy(txn, outside));
}

TEST_F(TargetsTest, a_deregistered_target_drains_for_the_delay_of_its_group_and_is_gone)
{
    attach();
    const TargetKey key = add("172.31.0.9");
    set_healthy(key);
    auto draining = deregister_target(txn, key, Time{5000});
    ASSERT_TRUE(draining);
    EXPECT_EQ(draining->draining_until, Time{5000 + 300'000});
    txn.put(std::move(*draining));
    EXPECT_FALSE(deregister_target(txn, key, Time{6000}));
    EXPECT_EQ(health_of(txn, *txn.get<Target>(key)).reason, TargetReason::deregistration_in_progress);
    EXPECT_FALSE(is_drained(txn, key));
    auto plan = plan_drained_targets(txn, Time{5000});
    EXPECT_TRUE(plan.gone.empty());
    EXPECT_EQ(plan.wake_at, Time{305'000});
    plan = plan_drained_targets(txn, Time{305'000});
    EXPECT_EQ(plan.gone, std::vector{key});
    txn.erase<Target>(key);
    EXPECT_TRUE(is_drained(txn, key));
}

TEST_F(TargetsTest, a_clock_that_was_set_back_does_not_keep_a_target)
{
    attach();
    const TargetKey key = add("172.31.0.9");
    constexpr Time then{100'000'000};
    txn.put(*deregister_target(txn, key, then));
    EXPECT_TRUE(plan_drained_targets(txn, then + std::chrono::seconds(299)).gone.empty());
    const auto a_little = plan_drained_targets(txn, then - std::chrono::minutes(50));
    EXPECT_TRUE(a_little.gone.empty());
    EXPECT_EQ(a_little.wake_at, then + std::chrono::seconds(300));
    const auto a_lot = plan_drained_targets(txn, then - std::chrono::minutes(60));
    EXPECT_EQ(a_lot.gone, std::vector{key});
    EXPECT_FALSE(a_lot.wake_at);
}

TEST_F(TargetsTest, a_draining_target_may_come_back)
{
    attach();
    const TargetKey key = add("172.31.0.9");
    txn.put(*deregister_target(txn, key, Time{5000}));
    auto again = register_target(txn, group, "172.31.0.9", 80, "", Time{6000});
    ASSERT_TRUE(again);
    EXPECT_EQ(again->state, TargetState::initial);
    EXPECT_FALSE(again->draining_until);
}

TEST_F(TargetsTest, a_target_of_an_unused_group_goes_at_once)
{
    const TargetKey key = add("172.31.0.9");
    const auto leaving = deregister_target(txn, key, Time{5000});
    EXPECT_EQ(leaving->draining_until, Time{5000});
    EXPECT_TRUE(leaving->drained);
}

}  // namespace
}  // namespace boxship::decide
