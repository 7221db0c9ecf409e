#include <gtest/gtest.h>

#include "base/ids_for_tests.h"
#include "decide/placement/placement.h"
#include "state/tables.h"

namespace boxship::decide {
namespace {

using model::Instance;
using model::LaunchType;

class PlacementTest : public ::testing::Test {
protected:
    InstanceId add(std::int32_t cpu, std::int32_t memory, const std::string& zone = "us-east-1a", const std::function<void(Instance&)>& edit = {})
    {
        Instance instance{.id = next_id(), .cluster = cluster_, .agent_connected = true, .cpu = cpu, .memory = memory, .zone = zone};
        instance.ports = {22};
        instance.attributes = {{"ecs.capability.task-eni", ""}, {"ecs.cpu-architecture", "x86_64"}, {"rack", zone.back() == 'a' ? "one" : "two"}};
        if (edit) edit(instance);
        tables_.set<Instance>(instance.id, std::make_shared<const Instance>(instance));
        return instance.id;
    }
    void run_on(const InstanceId& instance, std::int32_t cpu, std::int32_t memory, std::int32_t port = 0, const std::string& group = "g")
    {
        model::Task task{.id = ids_.next<TaskId>(), .cluster = cluster_, .instance = instance};
        task.cpu = cpu;
        task.memory = memory;
        task.group = group;
        if (port) task.reserved_ports = {{port, port}};
        tables_.set<model::Task>(task.id, std::make_shared<const model::Task>(task));
    }
    Placement place_on(Need need, std::vector<Strategy> strategies = {}, bool distinct = false)
    {
        return place(state::View(tables_), {.cluster = cluster_, .need = std::move(need), .group = "g", .distinct_instance = distinct, .strategies = std::move(strategies)}, ids_);
    }
    std::string reason_for(Need need)
    {
        const auto placement = place_on(std::move(need));
        return placement.refusals.size() == 1 ? std::string(placement.refusals[0].reason) : "placed";
    }

    state::Tables tables_;
    SameIds ids_{3};
    ClusterId cluster_ = ids_.next<ClusterId>();

private:
    InstanceId next_id()  // ascending, so that ties are foreseeable
    {
        InstanceId::Raw raw{};
        raw[0] = static_cast<std::byte>(++instances_);
        return InstanceId(raw);
    }
    int instances_ = 0;
};

TEST_F(PlacementTest, says_what_is_missing)
{
    const auto id = add(1024, 2048);
    run_on(id, 512, 1024, 8080);
    EXPECT_EQ(reason_for({.cpu = 512, .memory = 1024}), "placed");
    EXPECT_EQ(reason_for({.cpu = 513, .memory = 1024}), "RESOURCE:CPU");
    EXPECT_EQ(reason_for({.cpu = 512, .memory = 1025}), "RESOURCE:MEMORY");
    EXPECT_EQ(reason_for({.ports = {{80, 8080}}}), "RESOURCE:PORTS");
    EXPECT_EQ(reason_for({.ports = {{80, 22}}}), "RESOURCE:PORTS");
    EXPECT_EQ(reason_for({.ports = {{80, 8080, model::Protocol::udp}}}), "placed");
    EXPECT_EQ(reason_for({.attributes = {"ecs.capability.task-eni"}}), "placed");
    EXPECT_EQ(reason_for({.attributes = {"ecs.capability.gpu"}}), "ATTRIBUTE");
    EXPECT_EQ(reason_for({.attributes = {"ecs.cpu-architecture=arm64"}}), "ATTRIBUTE");
    EXPECT_EQ(reason_for({.attributes = {"ecs.cpu-architecture=x86_64"}}), "placed");
    EXPECT_EQ(reason_for({.zones = {"us-east-1b"}}), "LOCATION");
    EXPECT_EQ(reason_for({.zones = {"us-east-1b", "us-east-1a"}}), "placed");
    EXPECT_EQ(reason_for({.cpu = 1024, .cpu_overcommit = 2}), "placed");
}

TEST_F(PlacementTest, interfaces_count_where_the_host_names_a_limit)
{
    const auto id = add(4096, 4096, "us-east-1a", [](Instance& instance) { instance.attributes.push_back({"boxship.eni-max", "1"}); });
    EXPECT_EQ(reason_for({.interface = true}), "placed");
    model::Task task{.id = ids_.next<TaskId>(), .cluster = cluster_, .instance = id};
    task.eni = ids_.next<EniId>();
    tables_.set<model::Task>(task.id, std::make_shared<const model::Task>(task));
    EXPECT_EQ(reason_for({.interface = true}), "RESOURCE:ENI");
    EXPECT_EQ(reason_for({}), "placed");
}

TEST_F(PlacementTest, only_connected_active_hosts_of_the_kind_take_tasks)
{
    add(1024, 1024, "us-east-1a", [](Instance& instance) { instance.agent_connected = false; });
    EXPECT_EQ(reason_for({}), "AGENT");
    add(1024, 1024, "us-east-1a", [](Instance& instance) { instance.status = model::InstanceStatus::draining; });
    add(1024, 1024, "us-east-1a", [](Instance& instance) { instance.status = model::InstanceStatus::inactive; });
    add(1024, 1024, "us-east-1a", [](Instance& instance) { instance.fargate = true; });
    const auto placement = place_on({});
    ASSERT_EQ(placement.refusals.size(), 2u);  // the one that is gone and the Fargate host do not count
    EXPECT_EQ(placement.refusals[1].reason, "INACTIVE");
}

TEST_F(PlacementTest, outside_hosts_take_only_tasks_that_ask_for_them)
{
    add(1024, 1024, "us-east-1a", [](Instance& instance) { instance.external = true; });
    EXPECT_FALSE(place_on({}).instance);
    EXPECT_TRUE(place(state::View(tables_), {.cluster = cluster_, .launch_type = LaunchType::external}, ids_).instance);
}

TEST_F(PlacementTest, spreads_over_zones_and_then_to_the_least_loaded)
{
    const auto a1 = add(1024, 1024), a2 = add(1024, 1024), b1 = add(1024, 1024, "us-east-1b");
    EXPECT_EQ(place_on({}).instance->id, a1);
    run_on(a1, 128, 128);
    EXPECT_EQ(place_on({}).instance->id, b1);
    run_on(b1, 128, 128);
    EXPECT_EQ(place_on({}).instance->id, a2);
    // Other groups' tasks weigh as load, and do not count for the spread.
    run_on(a2, 512, 512, 0, "other");
    EXPECT_EQ(place_on({}).instance->id, a1);
}

TEST_F(PlacementTest, follows_the_strategies_in_their_order)
{
    const auto a1 = add(1024, 4096), a2 = add(512, 4096), b1 = add(2048, 1024, "us-east-1b");
    EXPECT_EQ(place_on({}, {{StrategyType::binpack, "cpu"}}).instance->id, a2);
    EXPECT_EQ(place_on({}, {{StrategyType::binpack, "memory"}}).instance->id, b1);
    run_on(a1, 0, 0);
    EXPECT_EQ(place_on({}, {{StrategyType::spread, "attribute:rack"}, {StrategyType::binpack, "cpu"}}).instance->id, b1);
    run_on(b1, 0, 0);
    EXPECT_EQ(place_on({}, {{StrategyType::spread, "attribute:ecs.availability-zone"}, {StrategyType::spread, "instanceId"}}).instance->id, a2);
    EXPECT_TRUE(place_on({}, {{StrategyType::random, ""}}).instance);
}

TEST_F(PlacementTest, takes_the_next_best_when_the_best_lacks_an_attribute)
{
    const auto plain = add(4096, 4096), able = add(4096, 4096, "us-east-1a", [](Instance& instance) { instance.attributes.push_back({"able", ""}); });
    run_on(able, 1024, 1024);
    EXPECT_EQ(place_on({}).instance->id, plain);
    EXPECT_EQ(place_on({.attributes = {"able"}}).instance->id, able);
    const auto refused = place_on({.cpu = 4096, .attributes = {"able"}});
    ASSERT_EQ(refused.refusals.size(), 2u);
    EXPECT_EQ(refused.refusals[0].reason, "ATTRIBUTE");
    EXPECT_EQ(refused.refusals[1].reason, "RESOURCE:CPU");
}

TEST_F(PlacementTest, distinct_instances_take_one_task_of_the_group)
{
    const auto a1 = add(1024, 1024), a2 = add(1024, 1024);
    run_on(a1, 0, 0);
    EXPECT_EQ(place_on({}, {}, true).instance->id, a2);
    run_on(a2, 0, 0);
    EXPECT_FALSE(place_on({}, {}, true).instance);
}

}  // namespace
}  // namespace boxship::decide
