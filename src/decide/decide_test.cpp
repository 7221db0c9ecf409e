#include <gtest/gtest.h>

#include "base/ids_for_tests.h"
#include "base/ipv4.h"
#include "decide/addresses.h"
#include "decide/fargate_sizes.h"
#include "decide/lost.h"
#include "decide/retention.h"
#include "state/tables.h"

namespace boxship::decide {
namespace {

template <class Row>
void put(state::Tables& tables, Row row)
{
    const auto key = row.key();
    tables.set<Row>(key, std::make_shared<const Row>(std::move(row)));
}

TEST(FargateSizes, are_those_of_the_table)
{
    std::size_t pairs = 0;
    for (const auto& size : fargate_sizes()) pairs += size.memory.size();
    EXPECT_EQ(pairs, 3u + 4 + 7 + 13 + 23 + 12 + 12);
    EXPECT_TRUE(fargate_size_exists(256, 512));
    EXPECT_FALSE(fargate_size_exists(256, 3072));
    EXPECT_TRUE(fargate_size_exists(4096, 30720));
    EXPECT_TRUE(fargate_size_exists(8192, 61440));
    EXPECT_FALSE(fargate_size_exists(8192, 17 * 1024));
    EXPECT_TRUE(fargate_size_exists(16384, 122880));
    EXPECT_FALSE(fargate_size_exists(128, 512));
}

TEST(FargateSizes, are_read_as_numbers_and_with_units)
{
    EXPECT_EQ(parse_cpu("256"), 256);
    EXPECT_EQ(parse_cpu(".25 vCPU"), 256);
    EXPECT_EQ(parse_cpu("0.5vcpu"), 512);
    EXPECT_EQ(parse_cpu("16 vCPU"), 16384);
    EXPECT_EQ(parse_memory("2048"), 2048);
    EXPECT_EQ(parse_memory("0.5GB"), 512);
    EXPECT_EQ(parse_memory("3 gb"), 3072);
    for (const char* text : {"", " ", "x", "1.2.3", "-1", "1 GB", "0.3", "1e3", "99999999999999"}) EXPECT_FALSE(parse_cpu(text)) << text;
    for (const char* text : {"", "1 vCPU", ".", "0.0001GB"}) EXPECT_FALSE(parse_memory(text)) << text;
}

TEST(Addresses, keep_to_the_subnet_and_its_reserved_ones)
{
    state::Tables tables;
    const state::View view(tables);
    SameIds ids(7);
    const auto range = Ipv4Range::parse("10.0.0.16/28");
    const model::Subnet subnet{.id = ids.next<SubnetId>(), .vpc = ids.next<VpcId>(), .network = range->network, .prefix = 28};
    ASSERT_EQ(subnet_usable(subnet), 11u);
    std::set<std::uint32_t> given;
    for (std::uint32_t n = 0; n < 11; ++n) {
        const auto address = pick_address(view, subnet, ids);
        ASSERT_TRUE(address);
        EXPECT_GE(*address, range->network + 4);
        EXPECT_LT(*address, range->last());
        EXPECT_TRUE(given.insert(*address).second);
        EXPECT_EQ(subnet_available(view, subnet), 11 - n);
        put(tables, model::Eni{.id = ids.next<EniId>(), .vpc = subnet.vpc, .subnet = subnet.id, .address = *address});
    }
    EXPECT_FALSE(pick_address(view, subnet, ids));
    EXPECT_EQ(subnet_available(view, subnet), 0u);
}

TEST(Addresses, have_their_names)
{
    SameIds ids(7);
    EXPECT_EQ(private_dns_name(*parse_ipv4("172.31.5.9"), "us-east-1"), "ip-172-31-5-9.ec2.internal");
    EXPECT_EQ(private_dns_name(*parse_ipv4("172.31.5.9"), "eu-west-1"), "ip-172-31-5-9.eu-west-1.compute.internal");
    const std::string mac = pick_mac(ids);
    EXPECT_EQ(mac.size(), 17u);
    EXPECT_TRUE(mac.starts_with("0a:"));
    EXPECT_NE(mac, pick_mac(ids));
}

TEST(Retention, takes_what_is_old_and_says_when_the_next_is_due)
{
    state::Tables tables;
    const state::View view(tables);
    SameIds ids(7);
    const Time now{1'000'000'000};
    const auto hour = std::chrono::hours(1);
    const auto definition = ids.next<TaskDefinitionId>();
    const auto stopped = [&](Time since) {
        model::Task task{.id = ids.next<TaskId>(), .definition = definition};
        task.status = model::TaskStatus::stopped;
        task.stopped_at = since;
        put(tables, task);
        return task.id;
    };
    const TaskId old = stopped(now - hour);
    stopped(now - std::chrono::minutes(50));
    put(tables, model::Task{.id = ids.next<TaskId>(), .definition = definition});
    put(tables, model::ClientToken{.name = {{}, "RunTask", "t"}, .created_at = now - std::chrono::hours(24)});
    put(tables, model::TaskDefinition{.id = definition, .status = model::DefinitionStatus::delete_in_progress});
    const auto unused = ids.next<TaskDefinitionId>();
    put(tables, model::TaskDefinition{.id = unused, .status = model::DefinitionStatus::delete_in_progress});
    const Expired expired = plan_retention(view, now);
    EXPECT_EQ(expired.tasks, std::vector{old});
    EXPECT_EQ(expired.tokens.size(), 1u);
    EXPECT_EQ(expired.definitions, std::vector{unused});
    EXPECT_TRUE(expired.instances.empty());
    EXPECT_EQ(expired.wake_at, now);     // the definition waits for the tasks that leave now
    for (const TaskId& id : expired.tasks) tables.set<model::Task>(id, nullptr);
    EXPECT_EQ(plan_retention(view, now).wake_at, now + std::chrono::minutes(10));
}

// The task's end was noted by a clock that was ahead.
TEST(Retention, keeps_an_instance_as_long_as_a_task_names_it)
{
    state::Tables tables;
    const state::View view(tables);
    SameIds ids(7);
    const Time now{1'000'000'000};
    model::Instance instance{.id = ids.next<InstanceId>(), .status = model::InstanceStatus::inactive};
    instance.deregistered_at = now - inactive_instance_kept;
    put(tables, instance);
    model::Task task{.id = ids.next<TaskId>(), .instance = instance.id};
    task.status = model::TaskStatus::stopped;
    task.stopped_at = now + std::chrono::hours(1);
    put(tables, task);
    EXPECT_TRUE(plan_retention(view, now).instances.empty());
    const Expired later = plan_retention(view, task.stopped_at + stopped_task_kept);
    EXPECT_EQ(later.tasks, std::vector{task.id});
    EXPECT_EQ(later.wake_at, task.stopped_at + stopped_task_kept);
    tables.set<model::Task>(task.id, nullptr);
    EXPECT_EQ(plan_retention(view, *later.wake_at).instances, std::vector{instance.id});
}

TEST(Retention, takes_a_bounded_share_per_turn)
{
    state::Tables tables;
    const state::View view(tables);
    SameIds ids(7);
    const Time now{1'000'000'000};
    for (int n = 0; n < 100; ++n) {
        model::Task task{.id = ids.next<TaskId>()};
        task.status = model::TaskStatus::stopped;
        task.stopped_at = Time{n + 1};
        put(tables, task);
    }
    const Expired expired = plan_retention(view, now);
    EXPECT_EQ(expired.tasks.size(), 64u);
    EXPECT_EQ(expired.wake_at, now);
}

TEST(LostHosts, tasks_are_given_up_when_the_agent_was_away_for_long)
{
    state::Tables tables;
    const state::View view(tables);
    SameIds ids(7);
    model::Instance instance;
    instance.id = ids.next<InstanceId>();
    instance.disconnected_at = {1'000};
    put(tables, instance);
    for (int i = 0; i < 70; ++i) {
        model::Task task;
        task.id = ids.next<TaskId>();
        task.instance = instance.id;
        task.status = model::TaskStatus::running;
        put(tables, task);
    }
    const Milliseconds after(600'000);
    const Lost early = plan_lost(view, instance.id, after, {600'999});
    EXPECT_TRUE(early.tasks.empty());
    EXPECT_EQ(early.wake_at, Time{601'000});

    const Lost due = plan_lost(view, instance.id, after, {601'000});
    ASSERT_EQ(due.tasks.size(), 64u);
    EXPECT_EQ(due.wake_at, Time{601'000}) << "the rest at once";
    EXPECT_EQ(due.tasks[0].status, model::TaskStatus::stopped);
    EXPECT_EQ(due.tasks[0].stop_code, model::StopCode::termination_notice);
    EXPECT_EQ(due.tasks[0].stopped_reason, "The agent of the host has been disconnected for 10 minutes; the task counts as lost.");
    EXPECT_EQ(due.tasks[0].stopped_at, Time{601'000});

    for (const auto& task : due.tasks) put(tables, task);
    EXPECT_EQ(plan_lost(view, instance.id, after, {601'000}).tasks.size(), 6u);
    EXPECT_TRUE(plan_lost(view, instance.id, Milliseconds(0), {9'000'000}).tasks.empty()) << "never";
    instance.agent_connected = true;
    put(tables, instance);
    const Lost back = plan_lost(view, instance.id, after, {9'000'000});
    EXPECT_TRUE(back.tasks.empty());
    EXPECT_FALSE(back.wake_at);
}

TEST(LostHosts, an_absence_counts_anew_when_the_clock_was_set_back)
{
    state::Tables tables;
    const state::View view(tables);
    SameIds ids(7);
    model::Instance instance;
    instance.id = ids.next<InstanceId>();
    instance.disconnected_at = {9'000'000};
    put(tables, instance);
    model::Task task;
    task.id = ids.next<TaskId>();
    task.instance = instance.id;
    task.status = model::TaskStatus::running;
    put(tables, task);
    const Milliseconds after(600'000);
    const Lost back = plan_lost(view, instance.id, after, {1'000'000});
    EXPECT_TRUE(back.tasks.empty());
    EXPECT_EQ(back.wake_at, Time{1'600'000}) << "not in three hours";
    ASSERT_TRUE(back.since_now);
    put(tables, *back.since_now);
    EXPECT_EQ(plan_lost(view, instance.id, after, {1'600'000}).tasks.size(), 1u);
}

}  // namespace
}  // namespace boxship::decide
