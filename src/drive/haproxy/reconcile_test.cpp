#include "drive/haproxy/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace boxship::drive::haproxy {
namespace {

using namespace model;
using testing::Contains;
using testing::IsEmpty;

const TargetGroupId group_id = [] {
    TargetGroupId::Raw raw{};
    raw[0] = std::byte{1};
    return TargetGroupId(raw);
}();

class Reconcile : public testing::Test {
protected:
    Reconcile()
    {
        GroupPlan group;
        group.row = std::make_shared<TargetGroup>(TargetGroup{.id = group_id, .name = "web"});
        plan.groups[group_id] = group;
        plan.balancers.emplace_back();
        for (int i = 1; i <= 3; ++i) seen.servers[servers].push_back({.name = "s" + std::to_string(i), .address = "0.0.0.0:0", .maintenance = true});
        for (int i = 1; i <= 3; ++i) seen.servers[open].push_back({.name = "s" + std::to_string(i), .address = "0.0.0.0:0", .maintenance = true});
        for (int i = 1; i <= 2; ++i) seen.servers[probes].push_back({.name = "s" + std::to_string(i), .address = "0.0.0.0:0", .maintenance = true});
    }
    TargetPlan& add(std::uint32_t last, TargetState state)
    {
        auto& targets = plan.groups[group_id].targets;
        targets.push_back({.key = {group_id, "10.0.0." + std::to_string(last), 80}, .address = {0x0A000000 + last, 80}, .state = state, .registered_at = Time{1000}});
        return targets.back();
    }
    Reconciled run(const std::vector<Seen>& older = {})
    {
        std::vector<const Seen*> others;
        for (const Seen& one : older) others.push_back(&one);
        return reconcile(plan, seen, others, Time{2000});
    }
    ServerSeen& server(int number) { return seen.servers[servers][static_cast<std::size_t>(number - 1)]; }
    ServerSeen& probe(int number) { return seen.servers[probes][static_cast<std::size_t>(number - 1)]; }

    const std::string servers = group_name(group_id), probes = probe_name(group_id), open = open_name(group_id);
    Plan plan;
    Seen seen;
};

TEST_F(Reconcile, a_new_target_gets_a_place_and_is_looked_at)
{
    add(1, TargetState::initial);
    const auto out = run();
    EXPECT_THAT(out.commands, Contains("set server " + servers + "/s1 addr 10.0.0.1 port 80"));
    EXPECT_THAT(out.commands, Contains("set server " + probes + "/s1 addr 10.0.0.1 port 80"));
    EXPECT_THAT(out.commands, Contains("set server " + probes + "/s1 health down"));
    EXPECT_THAT(out.commands, testing::Not(Contains("set server " + servers + "/s1 state ready")));
    EXPECT_TRUE(out.busy);
}

TEST_F(Reconcile, it_takes_requests_as_soon_as_a_check_is_passed)
{
    add(1, TargetState::initial);
    server(1).address = probe(1).address = "10.0.0.1:80";
    probe(1).maintenance = false;
    EXPECT_THAT(run().commands, IsEmpty());
    probe(1).up = true;
    const auto out = run();
    EXPECT_THAT(out.commands, Contains("set server " + servers + "/s1 state ready"));
    ASSERT_EQ(out.reports.size(), 1u);
    EXPECT_EQ(out.reports[0].state, TargetState::healthy);
}

TEST_F(Reconcile, one_that_does_not_pass_for_long_is_unhealthy_and_stays_so_until_it_passes)
{
    TargetPlan& target = add(1, TargetState::initial);
    target.registered_at = Time{2000 - 61'000};
    server(1).address = probe(1).address = "10.0.0.1:80";
    probe(1).maintenance = false;
    probe(1).check_status = "L7STS";
    probe(1).check_code = 404;
    auto out = run();
    ASSERT_EQ(out.reports.size(), 1u);
    EXPECT_EQ(out.reports[0].state, TargetState::unhealthy);
    EXPECT_EQ(out.reports[0].reason, TargetReason::response_code_mismatch);
    EXPECT_EQ(out.reports[0].description, "Health checks failed with these codes: [404]");
    target.state = TargetState::unhealthy;
    out = run();
    EXPECT_THAT(out.commands, Contains("set server " + servers + "/s1 health down"));
    EXPECT_THAT(out.commands, Contains("set server " + probes + "/s1 state maint"));
    server(1).maintenance = false;
    probe(1).maintenance = true;
    seen.servers[open][0] = {.name = "s1", .address = "10.0.0.1:80", .up = true};   // nobody else is there to be asked
    EXPECT_THAT(run().commands, IsEmpty());
    server(1).up = true;
    out = run();
    ASSERT_EQ(out.reports.size(), 1u);
    EXPECT_EQ(out.reports[0].state, TargetState::healthy);
}

TEST_F(Reconcile, a_target_that_fails_its_checks_is_told_with_the_reason)
{
    add(1, TargetState::healthy);
    server(1) = {.name = "s1", .address = "10.0.0.1:80", .check_status = "L7TOUT"};
    const auto out = run();
    ASSERT_EQ(out.reports.size(), 1u);
    EXPECT_EQ(out.reports[0].state, TargetState::unhealthy);
    EXPECT_EQ(out.reports[0].reason, TargetReason::timeout);
}

TEST_F(Reconcile, a_healthy_target_that_haproxy_does_not_know_is_made_ready)
{
    add(1, TargetState::healthy);
    const auto out = run();
    EXPECT_THAT(out.commands, testing::ElementsAre("set server " + servers + "/s1 addr 10.0.0.1 port 80", "set server " + servers + "/s1 state ready"));
}

TEST_F(Reconcile, draining_takes_nothing_new_and_is_over_when_the_last_request_is)
{
    add(1, TargetState::draining);
    server(1) = {.name = "s1", .address = "10.0.0.1:80", .up = true, .sessions = 1};
    EXPECT_THAT(run().commands, testing::ElementsAre("set server " + servers + "/s1 state maint"));
    server(1).maintenance = true;
    EXPECT_THAT(run().reports, IsEmpty());
    server(1).sessions = 0;
    Seen before = seen;
    before.servers[servers][0].sessions = 1;
    EXPECT_THAT(run({before}).reports, IsEmpty()) << "a process of before a reload is still ending a request";
    const auto out = run();
    ASSERT_EQ(out.reports.size(), 1u);
    EXPECT_TRUE(out.reports[0].drained);
}

TEST_F(Reconcile, one_that_has_drained_gives_its_place_to_another)
{
    for (std::uint32_t i = 1; i <= 3; ++i) {
        add(i, TargetState::draining).drained = i == 2;
        server(static_cast<int>(i)).address = "10.0.0." + std::to_string(i) + ":80";
    }
    add(4, TargetState::healthy);
    EXPECT_THAT(run().commands, testing::IsSupersetOf({"set server " + servers + "/s2 addr 10.0.0.4 port 80", "set server " + servers + "/s2 state ready"}));
}

TEST_F(Reconcile, the_unhealthy_are_asked_while_nobody_is_healthy)
{
    for (std::uint32_t i = 1; i <= 2; ++i) {
        add(i, TargetState::unhealthy);
        server(static_cast<int>(i)) = {.name = "s" + std::to_string(i), .address = "10.0.0." + std::to_string(i) + ":80"};
    }
    add(3, TargetState::draining).drained = true;
    EXPECT_THAT(run().commands, testing::ElementsAre("set server " + open + "/s3 addr 10.0.0.1 port 80", "set server " + open + "/s3 state ready",
                                                     "set server " + open + "/s2 addr 10.0.0.2 port 80", "set server " + open + "/s2 state ready"));
    seen.servers[open][2] = {.name = "s3", .address = "10.0.0.1:80", .up = true};
    seen.servers[open][1] = {.name = "s2", .address = "10.0.0.2:80", .up = true, .sessions = 1};
    EXPECT_THAT(run().commands, IsEmpty());

    // One is well: the others are asked no more.
    plan.groups[group_id].targets[0].state = TargetState::healthy;
    server(1).up = true;
    EXPECT_THAT(run().commands, testing::ElementsAre("set server " + open + "/s2 state maint", "set server " + open + "/s3 state maint"));

    // What is under way there keeps a target that drains, and is ended with its target.
    plan.groups[group_id].targets[1].state = TargetState::draining;
    server(2).maintenance = seen.servers[open][1].maintenance = seen.servers[open][2].maintenance = true;
    EXPECT_THAT(run().reports, IsEmpty());
    plan.groups[group_id].targets.erase(plan.groups[group_id].targets.begin() + 1);
    EXPECT_THAT(run().commands, testing::ElementsAre("shutdown sessions server " + open + "/s2"));
}

TEST_F(Reconcile, what_is_still_under_way_when_the_delay_is_over_is_ended)
{
    server(1) = {.name = "s1", .address = "10.0.0.1:80", .maintenance = true, .sessions = 2};
    EXPECT_THAT(run().commands, testing::ElementsAre("shutdown sessions server " + servers + "/s1"));
    server(1).sessions = 0;
    EXPECT_THAT(run().commands, IsEmpty());
}

TEST_F(Reconcile, nothing_changes_when_all_is_as_it_should_be)
{
    add(1, TargetState::healthy);
    server(1) = {.name = "s1", .address = "10.0.0.1:80", .up = true};
    const auto out = run();
    EXPECT_THAT(out.commands, IsEmpty());
    EXPECT_THAT(out.reports, IsEmpty());
    EXPECT_FALSE(out.busy);
}

TEST_F(Reconcile, a_generation_of_before_listens_no_more_and_follows_the_targets)
{
    add(1, TargetState::healthy);
    add(2, TargetState::draining);
    server(1) = {.name = "s1", .address = "10.0.0.2:80", .up = true};
    seen.listening = {"listener_1"};
    EXPECT_THAT(reconcile_older(plan, seen, false),
                testing::ElementsAre("shutdown frontend listener_1", "set server " + servers + "/s3 addr 10.0.0.1 port 80", "set server " + servers + "/s3 state ready",
                                     "set server " + servers + "/s1 state maint"));
    EXPECT_THAT(reconcile_older(plan, seen, true), testing::Not(Contains("shutdown frontend listener_1")));
    seen.listening.clear();
    server(1).maintenance = true;
    server(3) = {.name = "s3", .address = "10.0.0.1:80"};
    EXPECT_THAT(reconcile_older(plan, seen, false), IsEmpty());
}

TEST(Observed, stat_is_read_by_its_columns)
{
    const Seen seen = read_stat("# pxname,svname,scur,status,type,check_status,check_code,addr,req_tot,hrsp_2xx,\n"
                                "web,FRONTEND,3,OPEN,0,,,,12,11,\n"
                                "gone,FRONTEND,1,STOP,0,,,,1,1,\n"
                                "targets_1,s1,2,UP 1/2,2,* L7OK,200,10.0.0.1:80,,,\n"
                                "targets_1,s2,0,MAINT,2,,,0.0.0.0:0,,,\n"
                                "targets_1,BACKEND,2,UP,1,,,,10,9,\n");
    EXPECT_EQ(seen.frontends.at("web").requests, 12);
    EXPECT_THAT(seen.listening, testing::ElementsAre("web"));
    EXPECT_EQ(seen.backends.at("targets_1").responses[2], 9);
    const auto& servers = seen.servers.at("targets_1");
    ASSERT_EQ(servers.size(), 2u);
    EXPECT_TRUE(servers[0].up);
    EXPECT_EQ(servers[0].check_status, "L7OK");
    EXPECT_EQ(servers[0].address, "10.0.0.1:80");
    EXPECT_TRUE(servers[1].maintenance);
}

}  // namespace
}  // namespace boxship::drive::haproxy
