#include <gtest/gtest.h>
#include <gmock/gmock.h>

#include "agent/fakes_for_tests.h"

namespace boxship::agent {
namespace {

using shape::Json;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string one(32, '1');
const std::string two(32, '2');

Json web(const std::string& id = one)
{
    return task_json(id, {container_json("web")});
}

Json eni()
{
    return Json::array({Json::object({{"attachmentArn", "arn:aws:ecs:us-east-1:000000000000:attachment/a"}, {"ec2Id", "eni-1"},
                                      {"macAddress", "02:42:ac:1f:05:09"},
                                      {"ipv4Addresses", Json::array({Json::object({{"primary", true}, {"privateAddress", "172.31.5.9"}})})},
                                      {"subnetGatewayIpv4Address", "172.31.0.1/20"}})});
}

TEST(Engine, launches_with_one_durable_commit_and_one_report)
{
    World world;
    world.accept(task_json(one, {container_json("web")}, {{"networkMode", "awsvpc"}, {"elasticNetworkInterfaces", eni()}}));
    EXPECT_EQ(world.stored, 1);
    EXPECT_EQ(world.ledger.durable_commits, 1);
    EXPECT_THAT(world.host.log, ElementsAre("prepare", "pull web:1", "start web"));
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING"));
    const TaskReport& report = world.outlet.reports.front();
    EXPECT_EQ(report.attachment, "arn:aws:ecs:us-east-1:000000000000:attachment/a");
    EXPECT_EQ(report.containers.front().image_digest, "sha256:manifest");
    EXPECT_EQ(report.containers.front().runtime_id.size(), 64u);
    ASSERT_EQ(world.outlet.timings.size(), 1u);
    EXPECT_FALSE(world.outlet.timings.front().empty());
}

TEST(Engine, an_image_and_the_network_are_made_side_by_side)
{
    World world;
    world.host.held = {"prepare", "pull web:1"};
    world.accept(web());
    EXPECT_THAT(world.host.log, ElementsAre("prepare", "pull web:1"));
    world.host.finish("pull web:1");
    world.run();
    EXPECT_FALSE(world.host.did("start web"));
    world.host.finish("prepare");
    world.run();
    EXPECT_TRUE(world.host.did("start web"));
}

TEST(Engine, many_tasks_that_come_together_share_a_commit)
{
    World world;
    for (int at = 0; at < 8; ++at) {
        const std::string id = one.substr(1) + std::to_string(at);
        world.engine->accept({task_json(id, {container_json("web")})}, 0, Time{}, [] {});
    }
    world.run();
    EXPECT_EQ(world.ledger.durable_commits, 1);
    EXPECT_EQ(world.host.times("start web"), 8);
}

TEST(Engine, acknowledges_only_what_is_on_disk)
{
    World world;
    world.ledger.failing = true;
    world.accept(web());
    EXPECT_EQ(world.stored, 0);
    EXPECT_TRUE(world.host.log.empty());
    world.ledger.failing = false;
    world.run(Milliseconds(2000));
    EXPECT_EQ(world.stored, 1);
    EXPECT_TRUE(world.host.did("start web"));
}

TEST(Engine, an_essential_container_takes_the_task_with_it)
{
    World world;
    world.accept(task_json(one, {container_json("web"), container_json("side", {{"essential", false}})}));
    world.host.end("web", Exit{.code = 3});
    world.run();
    EXPECT_TRUE(world.host.did("stop side"));
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING side=RUNNING", "STOPPED web=STOPPED(3) side=STOPPED(143)"));
    EXPECT_TRUE(world.host.containers.empty());
    EXPECT_TRUE(world.host.tasks.empty());
    EXPECT_TRUE(world.outlet.reports.back().execution_stopped);
}

TEST(Engine, a_container_that_is_not_essential_may_end_alone)
{
    World world;
    world.accept(task_json(one, {container_json("web"), container_json("side", {{"essential", false}})}));
    world.host.end("side", Exit{.code = 0});
    world.run();
    EXPECT_EQ(world.said().size(), 1u);          // waits for company
    world.run(Milliseconds(31'000));
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING side=RUNNING", "RUNNING side=STOPPED(0)"));
}

TEST(Engine, a_task_whose_containers_all_end_is_stopped_even_if_none_was_essential)
{
    World world;
    world.accept(task_json(one, {container_json("job", {{"essential", false}})}));
    world.host.end("job", Exit{.code = 0});
    world.run();
    EXPECT_THAT(world.said(), ElementsAre("RUNNING job=RUNNING", "STOPPED job=STOPPED(0)"));
}

TEST(Engine, a_short_task_is_still_said_to_have_run)
{
    World world;
    world.outlet.deaf = true;
    world.accept(web());
    world.host.end("web", Exit{.code = 0});
    world.run();
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING"));    // one at a time
    world.outlet.deaf = false;
    world.outlet.unheard.front()();
    world.run();
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING", "STOPPED web=STOPPED(0)"));
}

TEST(Engine, stops_on_request_with_the_images_signal_and_its_own_patience)
{
    World world;
    world.host.image.stop_signal = "SIGQUIT";
    world.host.ignores_sigterm = {"web"};
    world.accept(task_json(one, {container_json("web", {{"stopTimeout", 2}})}));
    world.accept(stop_json(one));
    EXPECT_EQ(world.host.containers.begin()->second.stop_signal, "SIGQUIT");
    EXPECT_EQ(world.said().size(), 1u);
    world.run(Milliseconds(2'500));
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING", "STOPPED web=STOPPED(137)"));
    EXPECT_EQ(world.outlet.reports.back().reason, "");
}

TEST(Engine, stops_in_reverse_order_of_dependence)
{
    World world;
    Json needs = Json::array({Json::object({{"containerName", "db"}, {"condition", "START"}})});
    world.accept(task_json(one, {container_json("web", {{"dependsOn", needs}}), container_json("db")}));
    EXPECT_THAT(world.host.log, ElementsAre("prepare", "pull web:1", "pull db:1", "start db", "start web"));
    world.accept(stop_json(one));
    world.run();
    const auto stops = std::vector<std::string>(world.host.log.begin() + 5, world.host.log.begin() + 8);
    EXPECT_THAT(stops, ElementsAre("stop web", "release web", "stop db"));
}

TEST(Engine, success_is_waited_for_and_its_absence_ends_the_task)
{
    World world;
    Json needs = Json::array({Json::object({{"containerName", "init"}, {"condition", "SUCCESS"}})});
    world.accept(task_json(one, {container_json("web", {{"dependsOn", needs}}), container_json("init", {{"essential", false}})}));
    EXPECT_FALSE(world.host.did("start web"));
    world.host.end("init", Exit{.code = 1});
    world.run();
    EXPECT_FALSE(world.host.did("start web"));
    ASSERT_EQ(world.said().back(), "STOPPED web=STOPPED init=STOPPED(1)");
    EXPECT_THAT(world.outlet.reports.back().containers.front().reason, HasSubstr("TaskDependencyError"));
}

TEST(Engine, circular_dependencies_are_refused)
{
    World world;
    const auto needs = [](const char* on) { return Json::array({Json::object({{"containerName", on}, {"condition", "START"}})}); };
    world.accept(task_json(one, {container_json("a", {{"dependsOn", needs("b")}}), container_json("b", {{"dependsOn", needs("a")}})}));
    EXPECT_THAT(world.outlet.reports.at(0).reason, HasSubstr("Task dependencies cannot be resolved, taskArn: arn:"));
    EXPECT_EQ(world.stored, 1);
}

TEST(Engine, failures_carry_their_names)
{
    for (const char* step : {"prepare", "pull web:1", "start web"}) {
        World world;
        world.host.failing = {step};
        world.accept(web());
        ASSERT_EQ(world.said().back(), "STOPPED web=STOPPED") << step;
        const TaskReport& report = world.outlet.reports.back();
        const std::string reason = report.reason + report.containers.front().reason;
        const std::string step_name(step);
        EXPECT_THAT(reason, HasSubstr(step_name == "prepare" ? "ResourceInitializationError: no network" :
                                      step_name == "start web" ? "CannotStartContainerError: no such file" :
                                                                 "CannotPullContainerError: no such image"));
        EXPECT_TRUE(world.host.containers.empty()) << step;
        EXPECT_TRUE(world.host.tasks.empty()) << step;
    }
}

TEST(Engine, death_by_memory_has_its_own_reason)
{
    World world;
    world.accept(web());
    world.host.end("web", Exit{.code = 137, .oom_kills = 1});
    world.run();
    EXPECT_EQ(world.outlet.reports.back().containers.front().reason, "OutOfMemoryError: Container killed due to memory usage");
}

TEST(Engine, a_clean_up_that_fails_is_tried_again_before_stopped_is_said)
{
    World world;
    world.accept(web());
    world.host.failing = {"release web", "release task"};
    world.host.end("web", Exit{.code = 0});
    world.run(Milliseconds(5'000));
    EXPECT_EQ(world.said().size(), 1u);
    EXPECT_GE(world.host.times("release web"), 2);
    world.host.failing.clear();
    world.run(Milliseconds(5'000));
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(0)");
}

TEST(Engine, a_stop_during_the_pull_does_not_wait_for_it)
{
    World world;
    world.host.held = {"pull web:1"};
    world.accept(web());
    world.accept(stop_json(one));
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED");
    EXPECT_TRUE(world.host.tasks.empty());
    world.host.finish("pull web:1");
    world.run();
    EXPECT_FALSE(world.host.did("start web"));
    EXPECT_EQ(world.said().size(), 1u);
}

TEST(Engine, a_stop_during_the_start_waits_for_it_and_stops_what_started)
{
    World world;
    world.host.held = {"start web"};
    world.accept(web());
    world.accept(stop_json(one));
    EXPECT_TRUE(world.said().empty());
    world.host.finish("start web");
    world.run();
    EXPECT_TRUE(world.host.did("stop web"));
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(143)");
}

TEST(Engine, an_exit_that_overtakes_the_starts_answer_is_not_lost)
{
    World world;
    world.host.held = {"start web"};
    world.accept(web());
    const std::string id = container_id(one, 0);
    world.host.containers[id] = {"web", {}, true, {}, ""};
    world.host.end("web", Exit{.code = 0});
    world.run();
    world.host.finish("start web");
    world.run();
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING", "STOPPED web=STOPPED(0)"));
}

TEST(Engine, what_can_never_fit_is_refused_and_what_does_not_fit_now_lets_others_pass)
{
    World world;
    world.accept(task_json(one, {container_json("web")}, {{"cpu", 8.0}}));
    EXPECT_THAT(world.outlet.reports.back().reason, HasSubstr("8192 CPU units and this host has 4096"));
    world.accept(task_json(one.substr(1) + "a", {container_json("big")}, {{"memory", 3000}}));
    world.accept(task_json(one.substr(1) + "b", {container_json("wide")}, {{"memory", 2000}}));
    world.accept(task_json(one.substr(1) + "c", {container_json("small")}, {{"memory", 500}}));
    EXPECT_TRUE(world.host.did("start big"));
    EXPECT_FALSE(world.host.did("pull wide:1"));
    EXPECT_TRUE(world.host.did("start small"));
    world.host.end("big", Exit{.code = 0});
    world.run();
    EXPECT_TRUE(world.host.did("start wide"));
}

TEST(Engine, host_ports_have_one_owner)
{
    World world;
    const Json fixed = Json::array({Json::object({{"containerPort", 80}, {"hostPort", 8080}, {"protocol", "tcp"}})});
    const Json dynamic = Json::array({Json::object({{"containerPort", 80}, {"hostPort", 0}, {"protocol", "tcp"}})});
    world.host.ports_taken = {32768};
    world.accept(task_json(one, {container_json("web", {{"portMappings", fixed}})}));
    world.accept(task_json(two, {container_json("other", {{"portMappings", fixed}}), container_json("dyn", {{"portMappings", dynamic}})}));
    EXPECT_TRUE(world.host.did("start web"));
    EXPECT_FALSE(world.host.did("start other"));
    world.accept(stop_json(one));
    world.run();
    EXPECT_TRUE(world.host.did("start other"));
    const TaskReport& report = world.outlet.reports.back();
    ASSERT_EQ(report.containers.size(), 2u);
    EXPECT_EQ(report.containers[0].ports.at(0).host_port, 8080);
    EXPECT_EQ(report.containers[1].ports.at(0).host_port, 32769);
}

TEST(Engine, repeated_payloads_change_nothing_and_stopped_never_goes_back)
{
    World world;
    world.accept(web());
    world.accept(web());
    EXPECT_EQ(world.stored, 2);
    EXPECT_EQ(world.host.times("start web"), 1);
    world.accept(stop_json(one));
    world.run();
    world.accept(web());
    EXPECT_EQ(world.host.times("start web"), 1);
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(143)");
}

TEST(Engine, a_stop_for_an_unknown_task_is_answered_at_once)
{
    World world;
    world.accept(stop_json(two));
    EXPECT_THAT(world.said(), ElementsAre("STOPPED"));
}

TEST(Engine, an_unreadable_task_is_refused_and_the_message_acknowledged)
{
    World world;
    world.accept(task_json(one, {container_json("web", {{"portMappings", Json::array({Json::object({{"containerPort", 1}, {"protocol", "sctp"}})})}})}));
    EXPECT_EQ(world.stored, 1);
    EXPECT_THAT(world.outlet.reports.at(0).reason, HasSubstr("UnrecogniedTaskError: Error loading task - protocol sctp"));
}

TEST(Engine, the_manifest_names_what_should_not_run)
{
    World world;
    world.accept(web(one));
    world.accept(web(two));
    std::optional<std::vector<std::string>> candidates;
    const std::string kept = "arn:aws:ecs:us-east-1:000000000000:task/default/" + one;
    world.engine->check_manifest({{kept, Desired::running}}, 7, [&](auto found) { candidates = found; });
    world.run();
    ASSERT_TRUE(candidates);
    ASSERT_EQ(candidates->size(), 1u);
    EXPECT_THAT(candidates->front(), HasSubstr(two));
    world.engine->stop_tasks(*candidates);
    world.run();
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(143)");

    bool ignored = false;
    world.restart_agent();
    world.engine->check_manifest({}, 7, [&](auto found) { ignored = !found; });
    world.run();
    EXPECT_TRUE(ignored);      // the timeline survives
}

TEST(Engine, a_restart_policy_restarts_in_place_and_says_nothing)
{
    World world;
    const Json policy = Json::object({{"enabled", true}, {"restartAttemptPeriod", 60}, {"ignoredExitCodes", Json::array({0})}});
    world.accept(task_json(one, {container_json("web", {{"restartPolicy", policy}})}));
    world.run(Milliseconds(61'000));
    world.host.end("web", Exit{.code = 1});
    world.run();
    EXPECT_EQ(world.host.times("start web"), 2);
    EXPECT_EQ(world.said().size(), 1u);
    EXPECT_EQ(world.board.find(one)->record.containers[0].restarts, 1);
    world.host.end("web", Exit{.code = 1});      // too soon
    world.run();
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(1)");
}

TEST(Engine, records_and_logs_go_after_a_while)
{
    World world;
    world.accept(web());
    world.host.end("web", Exit{.code = 0});
    world.run();
    ASSERT_TRUE(world.board.find(one));
    world.run(std::chrono::hours(3) + Milliseconds(1'000));
    EXPECT_TRUE(world.host.did("forget 0"));
    EXPECT_FALSE(world.board.find(one));
    EXPECT_TRUE(world.ledger.load()->tasks.empty());
}

TEST(Engine, keys_never_reach_the_disk)
{
    World world;
    const Json role = Json::object({{"credentialsId", "c1"}, {"roleArn", "arn:r"}, {"accessKeyId", "AKIAX"}, {"secretAccessKey", "hush"},
                                    {"sessionToken", "token"}, {"expiration", "2030-01-01T00:00:00Z"}});
    world.accept(task_json(one, {container_json("web")}, {{"roleCredentials", role}}));
    const auto contents = world.ledger.load();
    EXPECT_THAT(*contents->tasks.at(0).payload, testing::Not(HasSubstr("hush")));
    EXPECT_THAT(*contents->tasks.at(0).payload, HasSubstr("\"credentialsId\":\"c1\""));
}

Json health(int retries = 2, std::int64_t start_period_seconds = 0)
{
    const std::string check = R"({"Healthcheck":{"Test":["CMD-SHELL","ok"],"Interval":10000000000,"Timeout":2000000000,"Retries":)" +
                              std::to_string(retries) + R"(,"StartPeriod":)" + std::to_string(start_period_seconds * 1'000'000'000) + "}}";
    return Json::object({{"config", check}});
}

TEST(Engine, health_is_checked_in_its_interval_and_judged_by_retries)
{
    World world;
    world.accept(task_json(one, {container_json("web", {{"healthCheckType", "docker"}, {"dockerConfig", health()}})}));
    const auto now = [&] { return world.board.find(one)->health.at(0).health; };
    EXPECT_EQ(now(), Health::unknown);
    world.run(Milliseconds(10'100));
    EXPECT_EQ(now(), Health::healthy);
    world.host.failing = {"exec web"};
    world.run(Milliseconds(10'100));
    EXPECT_EQ(now(), Health::healthy);       // one failure of two
    world.run(Milliseconds(10'100));
    EXPECT_EQ(now(), Health::unhealthy);
    EXPECT_EQ(world.host.times("exec web"), 3);
    EXPECT_EQ(world.said().size(), 1u);      // judging is the control plane's business
}

TEST(Engine, failures_while_starting_do_not_count)
{
    World world;
    world.host.failing = {"exec web"};
    world.accept(task_json(one, {container_json("web", {{"healthCheckType", "docker"}, {"dockerConfig", health(1, 35)}})}));
    world.run(Milliseconds(31'000));
    EXPECT_EQ(world.board.find(one)->health.at(0).health, Health::unknown);
    world.run(Milliseconds(10'100));
    EXPECT_EQ(world.board.find(one)->health.at(0).health, Health::unhealthy);
}

TEST(Engine, failures_count_when_the_clock_was_set_back_to_before_the_start)
{
    World world;
    world.host.failing = {"exec web"};
    world.accept(task_json(one, {container_json("web", {{"healthCheckType", "docker"}, {"dockerConfig", health(2)}})}));
    world.time.wrong_by = Milliseconds(-7'200'000);
    world.run(Milliseconds(31'000));
    EXPECT_EQ(world.board.find(one)->health.at(0).health, Health::unhealthy);
}

TEST(Engine, a_container_may_wait_for_anothers_health)
{
    World world;
    const Json needs = Json::array({Json::object({{"containerName", "db"}, {"condition", "HEALTHY"}})});
    world.accept(task_json(one, {container_json("web", {{"dependsOn", needs}}),
                                 container_json("db", {{"healthCheckType", "docker"}, {"dockerConfig", health()}})}));
    EXPECT_FALSE(world.host.did("start web"));
    world.run(Milliseconds(11'000));
    EXPECT_TRUE(world.host.did("start web"));
}

// --- the agent dies

TEST(EngineRestart, takes_running_containers_back)
{
    World world;
    world.accept(web());
    world.restart_agent();
    EXPECT_EQ(world.ready, 2);
    EXPECT_FALSE(world.host.did("start web"));
    EXPECT_TRUE(world.outlet.reports.empty());
    world.host.end("web", Exit{.code = 4});
    world.run();
    EXPECT_THAT(world.said(), ElementsAre("STOPPED web=STOPPED(4)"));
}

TEST(EngineRestart, reports_exits_that_it_missed)
{
    World world;
    world.accept(web());
    world.kill_agent();
    world.host.end("web", Exit{.code = 9});
    world.start_agent();
    EXPECT_THAT(world.said(), ElementsAre("STOPPED web=STOPPED(9)"));
    EXPECT_TRUE(world.host.containers.empty());
}

TEST(EngineRestart, says_so_when_a_container_is_gone_without_a_trace)
{
    World world;
    world.accept(web());
    world.kill_agent();
    world.host.containers.clear();
    world.start_agent();
    ASSERT_THAT(world.said(), ElementsAre("STOPPED web=STOPPED"));
    EXPECT_THAT(world.outlet.reports.back().containers.at(0).reason, HasSubstr("exit status unknown"));
}

TEST(EngineRestart, after_a_reboot_everything_that_ran_has_stopped_for_that_reason)
{
    World world;
    world.accept(web());
    world.reboot_host();
    ASSERT_THAT(world.said(), ElementsAre("STOPPED web=STOPPED"));
    EXPECT_THAT(world.outlet.reports.back().containers.at(0).reason, HasSubstr("the host was restarted"));
}

// A power cut takes the last lines of the record: the container may have run.
TEST(EngineRestart, after_a_reboot_nothing_is_started_that_was_there_before)
{
    World world;
    world.host.held = {"start web"};
    world.accept(web());
    world.host.held.clear();
    world.reboot_host();
    EXPECT_FALSE(world.host.did("start web"));
    ASSERT_THAT(world.said(), ElementsAre("STOPPED web=STOPPED"));
    EXPECT_EQ(world.outlet.reports.back().reason, "the host was restarted");
}

TEST(Engine, a_clock_that_is_set_back_holds_nothing_up)
{
    World world;
    world.accept(web());
    world.host.failing = {"stop web"};
    world.accept(stop_json(one));
    world.host.failing.clear();
    world.time.wrong_by = Milliseconds(-7'200'000);
    world.run(Milliseconds(5'000));
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(143)");
}

TEST(Engine, stops_all_of_a_host_that_is_given_up)
{
    World world;
    world.accept(web());
    world.engine->stop_all("the container instance was deregistered");
    world.run();
    EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(143)");
    EXPECT_TRUE(world.host.containers.empty());
    EXPECT_TRUE(world.host.tasks.empty());
}

// A host that was deregistered while it was cut off comes back as another instance, whose counting starts low.
TEST(Engine, hears_the_manifest_of_a_new_instance_whatever_the_old_one_counted_to)
{
    World world;
    world.engine->speaks_for("one");
    world.accept(web());
    std::optional<std::vector<std::string>> strangers;
    const auto ask = [&](std::int64_t timeline) {
        strangers.reset();
        world.engine->check_manifest({}, timeline, [&](std::optional<std::vector<std::string>> found) { strangers = std::move(found); });
        world.run();
    };
    ask(1'000);
    ASSERT_TRUE(strangers);
    EXPECT_EQ(strangers->size(), 1u);
    ask(5);
    EXPECT_FALSE(strangers);
    world.engine->speaks_for("another");
    ask(5);
    ASSERT_TRUE(strangers);
    EXPECT_EQ(strangers->size(), 1u);
}

TEST(EngineRestart, repeats_a_report_that_was_not_heard)
{
    World world;
    world.outlet.deaf = true;
    world.accept(web());
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING"));
    world.restart_agent();
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING"));
}

// Whatever the moment of the crash: in the end the task runs exactly once, or is gone altogether.
TEST(EngineRestart, at_every_point_of_a_launch)
{
    for (const char* step : {"prepare", "pull web:1", "start web"}) {
        World world;
        world.host.held = {step};
        world.accept(web());
        world.host.held.clear();
        world.restart_agent();
        EXPECT_EQ(world.said().back(), "RUNNING web=RUNNING") << step;
        EXPECT_EQ(world.host.containers.size(), 1u) << step;
        world.accept(stop_json(one));
        world.run();
        EXPECT_EQ(world.said().back(), "STOPPED web=STOPPED(143)") << step;
        EXPECT_TRUE(world.host.tasks.empty());
    }
}

TEST(EngineRestart, with_a_start_that_happened_and_was_not_noted)
{
    World world;
    world.host.held = {"start web"};
    world.accept(web());
    world.host.held.clear();
    world.kill_agent();
    world.host.containers[container_id(one, 0)] = {"web", {}, true, {}, ""};
    world.start_agent();
    EXPECT_FALSE(world.host.did("start web"));
    EXPECT_THAT(world.said(), ElementsAre("RUNNING web=RUNNING"));
}

TEST(EngineRestart, at_every_point_of_a_stop)
{
    for (const char* step : {"stop web", "release web", "release task"}) {
        World world;
        world.accept(web());
        world.host.held = {step};
        world.accept(stop_json(one));
        world.host.held.clear();
        world.restart_agent();
        world.run(Milliseconds(3'000));
        EXPECT_EQ(world.said().back().substr(0, 19), "STOPPED web=STOPPED") << step;
        EXPECT_TRUE(world.host.containers.empty()) << step;
        EXPECT_TRUE(world.host.tasks.empty()) << step;
    }
}

TEST(EngineRestart, keeps_dynamic_ports)
{
    World world;
    const Json dynamic = Json::array({Json::object({{"containerPort", 80}, {"hostPort", 0}, {"protocol", "tcp"}})});
    world.accept(task_json(one, {container_json("web", {{"portMappings", dynamic}})}));
    const auto port = world.board.find(one)->record.containers[0].ports.at(0).host_port;
    world.restart_agent();
    world.accept(task_json(two, {container_json("web", {{"portMappings", dynamic}})}));
    EXPECT_NE(world.board.find(two)->record.containers[0].ports.at(0).host_port, port);
}

}  // namespace
}  // namespace boxship::agent
