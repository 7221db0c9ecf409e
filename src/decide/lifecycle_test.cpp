#include <gtest/gtest.h>

#include "decide/lifecycle.h"

namespace boxship::decide {
namespace {

using model::ContainerStatus;
using model::StopCode;
using model::Task;
using model::TaskStatus;

constexpr Time at(std::int64_t ms) { return {ms}; }

Task task_with(std::initializer_list<std::pair<const char*, bool>> containers)
{
    Task task;
    task.status = TaskStatus::pending;
    task.created_at = at(1);
    for (const auto& [name, essential] : containers) task.containers.push_back({.name = name, .essential = essential});
    return task;
}

ContainerReport report_of(const std::string& name, ContainerStatus status, std::optional<int> exit = {}, std::string reason = "")
{
    ContainerReport report{.name = name, .status = status};
    report.exit_code = exit;
    report.reason = std::move(reason);
    return report;
}

TEST(Lifecycle, reports_move_a_task_forward_only)
{
    Task task = task_with({{"web", true}});
    EXPECT_TRUE(apply_report(task, {.status = TaskStatus::running, .containers = {report_of("web", ContainerStatus::running)}}, at(10)));
    EXPECT_EQ(task.status, TaskStatus::running);
    EXPECT_EQ(task.started_at, at(10));
    const auto version = task.version;
    EXPECT_FALSE(apply_report(task, {.status = TaskStatus::running, .containers = {report_of("web", ContainerStatus::running)}}, at(11)));
    EXPECT_FALSE(apply_report(task, {.status = TaskStatus::pending, .containers = {report_of("web", ContainerStatus::pending)}}, at(12)));
    EXPECT_EQ(task.version, version);
    EXPECT_EQ(task.started_at, at(10));
}

TEST(Lifecycle, an_essential_exit_stops_the_task_with_its_code)
{
    Task task = task_with({{"web", true}, {"side", false}});
    apply_report(task, {.status = TaskStatus::running}, at(10));
    apply_report(task, {.status = TaskStatus::running, .containers = {report_of("side", ContainerStatus::stopped, 3)}}, at(20));
    EXPECT_TRUE(task.wanted);
    apply_report(task, {.status = TaskStatus::running, .containers = {report_of("web", ContainerStatus::stopped, 1)}}, at(30));
    EXPECT_FALSE(task.wanted);
    EXPECT_EQ(task.stop_code, StopCode::essential_container_exited);
    EXPECT_EQ(task.stopped_reason, reason_essential_exited);
    EXPECT_EQ(task.stopping_at, at(30));
    EXPECT_EQ(task.status, TaskStatus::running);
    apply_report(task, {.status = TaskStatus::stopped, .execution_stopped_at = at(35)}, at(40));
    EXPECT_EQ(task.status, TaskStatus::stopped);
    EXPECT_EQ(task.stopped_at, at(40));
    EXPECT_EQ(task.execution_stopped_at, at(35));
    EXPECT_EQ(task.containers[0].exit_code, 1);
    EXPECT_FALSE(apply_report(task, {.status = TaskStatus::running}, at(50)));
    EXPECT_EQ(task.status, TaskStatus::stopped);
}

TEST(Lifecycle, one_report_may_hold_running_and_stopped_of_a_container)
{
    Task task = task_with({{"job", true}});
    apply_report(task, {.status = TaskStatus::stopped,
                        .containers = {report_of("job", ContainerStatus::running), report_of("job", ContainerStatus::stopped, 0)}}, at(10));
    EXPECT_EQ(task.containers[0].status, ContainerStatus::stopped);
    EXPECT_EQ(task.containers[0].exit_code, 0);
    EXPECT_EQ(task.stop_code, StopCode::essential_container_exited);
}

TEST(Lifecycle, a_pull_that_fails_is_a_failure_to_start)
{
    const TaskReport report{.status = TaskStatus::stopped,
                            .containers = {report_of("web", ContainerStatus::stopped, {}, "CannotPullContainerError: no such image")}};
    Task task = task_with({{"web", true}});
    apply_report(task, report, at(10));
    EXPECT_EQ(task.stop_code, StopCode::task_failed_to_start);
    EXPECT_EQ(task.stopped_reason, "Task failed to start");
    EXPECT_EQ(task.containers[0].reason, "CannotPullContainerError: no such image");
    Task fargate = task_with({{"web", true}});
    fargate.launch_type = model::LaunchType::fargate;
    apply_report(fargate, report, at(10));
    EXPECT_EQ(fargate.stop_code, StopCode::task_failed_to_start);
    EXPECT_EQ(fargate.stopped_reason, "CannotPullContainerError: no such image");
}

TEST(Lifecycle, what_the_agent_refuses_has_the_agents_reason)
{
    Task task = task_with({{"web", true}});
    apply_report(task, {.status = TaskStatus::stopped, .reason = "the payload cannot be read"}, at(10));
    EXPECT_EQ(task.stop_code, StopCode::task_failed_to_start);
    EXPECT_EQ(task.stopped_reason, "the payload cannot be read");
}

TEST(Lifecycle, whoever_asked_first_for_the_end_keeps_the_reason)
{
    Task task = task_with({{"web", true}});
    apply_report(task, {.status = TaskStatus::running}, at(10));
    EXPECT_TRUE(stop(task, StopCode::user_initiated, "enough", at(20)));
    EXPECT_FALSE(stop(task, StopCode::user_initiated, "really", at(21)));
    EXPECT_TRUE(acknowledge(task));
    EXPECT_EQ(task.status, TaskStatus::stopping);
    // A RUNNING that was under way does not bring it back.
    apply_report(task, {.status = TaskStatus::running}, at(22));
    EXPECT_EQ(task.status, TaskStatus::stopping);
    apply_report(task, {.status = TaskStatus::stopped, .containers = {report_of("web", ContainerStatus::stopped, 137)}}, at(30));
    EXPECT_EQ(task.stop_code, StopCode::user_initiated);
    EXPECT_EQ(task.stopped_reason, "enough");
    EXPECT_EQ(task.stopping_at, at(20));
}

TEST(Lifecycle, a_given_up_task_is_stopped_with_a_reason)
{
    Task task = task_with({{"web", true}});
    give_up(task, "Host EC2 (instance i-1) terminated.", at(10));
    EXPECT_EQ(task.status, TaskStatus::stopped);
    EXPECT_EQ(task.stop_code, StopCode::termination_notice);
    EXPECT_EQ(task.containers[0].status, ContainerStatus::stopped);
    EXPECT_EQ(task.stopped_at, at(10));
}

}  // namespace
}  // namespace boxship::decide
