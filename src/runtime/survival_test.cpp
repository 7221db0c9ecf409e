// Deaths of the agent and of monitors, and what is found and swept afterwards.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "runtime/monitor_client.h"
#include "runtime/test_host.h"

namespace boxship::runtime {
namespace {

using Survival = TestHost;

TEST_F(Survival, of_the_agent_s_restart)
{
    auto running = shell("echo ready; sleep 60");
    auto ended = shell("exit 6");
    auto created = shell("exit 0");
    launch(running);
    EXPECT_EQ(run(ended).code, 6);
    ASSERT_TRUE(runtime_->create(created).ok());
    await_output(running.id, "ready");

    runtime_.reset();
    open();
    const auto found = runtime_->adopt();
    ASSERT_TRUE(found.ok()) << found.error().message;
    ASSERT_EQ(found->size(), 3u);
    EXPECT_EQ((*found)[0].state, Found::State::running);
    EXPECT_GT((*found)[0].started.pid, 0);
    EXPECT_GT((*found)[0].started.at.ms, 0);
    EXPECT_EQ((*found)[1].state, Found::State::ended);
    EXPECT_EQ((*found)[1].exit.code, 6);
    EXPECT_EQ((*found)[2].state, Found::State::created);

    ASSERT_TRUE(runtime_->stop(running.id, {.signal = SIGKILL}).ok());
    EXPECT_EQ(await(running.id).code, 137);
    const std::lock_guard guard(mutex_);
    EXPECT_EQ(events_.back().id, running.id);
    EXPECT_EQ(events_.back().exit.code, 137);
}

TEST_F(Survival, of_the_agent_s_sudden_death)
{
    // Another process plays the agent and is killed with its container running.
    const auto spec = shell("echo ready; sleep 60");
    runtime_.reset();
    const pid_t agent = ::fork();
    ASSERT_GE(agent, 0);
    if (agent == 0) {
        open();
        launch(spec);
        for (;;) ::pause();
    }
    for (int i = 0; i < 2000 && !env::file_exists(directory_ + "/state/logs/" + to_text(spec.id) + "/00000001.log"); ++i) ::usleep(5000);
    ::kill(agent, SIGKILL);
    ASSERT_EQ(::waitpid(agent, nullptr, 0), agent);
    open();
    const auto found = runtime_->adopt();
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ((*found)[0].state, Found::State::running);
    // Its output still goes to its files, and its end is noticed.
    ASSERT_TRUE(runtime_->stop(spec.id, {.signal = SIGKILL}).ok());
    EXPECT_EQ(await(spec.id).code, 137);
}

TEST_F(Survival, is_not_had_by_containers_that_lose_their_monitor)
{
    const auto spec = shell("echo ready; sleep 60");
    const Started started = launch(spec);
    await_output(spec.id, "ready");
    const pid_t monitor = monitor_pid(directory_ + "/run/runtime/containers/" + to_text(spec.id));
    ASSERT_GT(monitor, 0);
    ::kill(monitor, SIGKILL);
    const Exit exit = await(spec.id);
    EXPECT_FALSE(exit.code.has_value());
    EXPECT_EQ(exit.reason, "its monitor is gone, exit status unknown");
    {
        const std::lock_guard guard(mutex_);
        ASSERT_EQ(events_.size(), 1u);
        EXPECT_FALSE(events_[0].exit.code.has_value());
    }
    EXPECT_TRUE(await_end(started.pid, Milliseconds(5000))) << "it was left running";

    // The same, seen by an agent that comes later.
    runtime_.reset();
    open();
    const auto found = runtime_->adopt();
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ((*found)[0].state, Found::State::ended);
    EXPECT_FALSE((*found)[0].exit.code.has_value());
}

TEST_F(Survival, after_a_reboot_is_of_exits_only)
{
    const auto lost = shell("exit 0");
    const auto ended = shell("exit 8");
    ASSERT_TRUE(runtime_->create(lost).ok());
    run(ended);
    // What a reboot takes: mounts, and everything in run_dir; the boot's id is another.
    ASSERT_TRUE(unmount(directory_ + "/run/runtime/containers/" + to_text(lost.id) + "/rootfs").ok());
    ASSERT_TRUE(unmount(directory_ + "/run/runtime/containers/" + to_text(ended.id) + "/rootfs").ok());
    ASSERT_TRUE(env::write_file(directory_ + "/state/boot", "another").ok());
    runtime_.reset();
    open();
    const auto found = runtime_->adopt();
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->size(), 2u);
    EXPECT_EQ((*found)[0].state, Found::State::ended);
    EXPECT_EQ((*found)[0].exit.reason, "the host was restarted, exit status unknown");
    EXPECT_EQ((*found)[1].exit.code, 8);
}

TEST_F(Survival, of_a_sweep_is_for_the_known)
{
    const auto keep = shell("echo ready; sleep 60");
    const auto drop = shell("echo ready; sleep 60");
    const auto past = shell("echo bye");
    launch(keep);
    const Started dropped = launch(drop);
    run(past);
    await_output(keep.id, "ready");
    const std::vector<TaskId> tasks = {task_.id};
    const std::vector<ContainerId> containers = {keep.id};
    const std::vector<ContainerId> logs = {past.id};
    const std::string unfinished = directory_ + "/state/exits/" + to_text(past.id) + ".new";
    ASSERT_TRUE(env::write_file(unfinished, "{").ok());  // a monitor that was killed while it wrote
    auto swept = runtime_->sweep({tasks, containers, logs});
    ASSERT_TRUE(swept.ok()) << swept.error().message;
    EXPECT_TRUE(await_end(dropped.pid, Milliseconds(0)));
    EXPECT_FALSE(env::file_exists(directory_ + "/run/runtime/containers/" + to_text(drop.id)));
    EXPECT_FALSE(env::file_exists(runtime_->log_directory(drop.id)));
    EXPECT_EQ(output(past.id), "bye\n");
    EXPECT_FALSE(env::file_exists(unfinished));
    EXPECT_TRUE(runtime_->stats(keep.id).ok());
    EXPECT_FALSE(runtime_->stats(drop.id).ok());

    // Steps may be repeated: the second time there is nothing to do.
    ASSERT_TRUE(runtime_->remove(drop.id).ok());
    ASSERT_TRUE(runtime_->release_task(*TaskId::parse("00000000000000000000000000000001")).ok());
    swept = runtime_->sweep({tasks, containers, {}});
    ASSERT_TRUE(swept.ok()) << swept.error().message;
    EXPECT_EQ(output(past.id), "");
}

TEST_F(Survival, of_a_half_done_create)
{
    const auto spec = shell("exit 0");
    // The directories are there, the mount is not: the agent died in between.
    ASSERT_TRUE(env::make_directories(directory_ + "/state/containers/" + to_text(spec.id) + "/upper").ok());
    ASSERT_TRUE(env::write_file(directory_ + "/state/containers/" + to_text(spec.id) + "/upper/stale", "x").ok());
    ASSERT_TRUE(runtime_->create(spec).ok());
    EXPECT_FALSE(env::file_exists(directory_ + "/run/runtime/containers/" + to_text(spec.id) + "/rootfs/stale"));
    ASSERT_TRUE(runtime_->create(spec).ok());
    ASSERT_TRUE(runtime_->start(spec).ok());
    EXPECT_EQ(await(spec.id).code, 0);
}

}  // namespace
}  // namespace boxship::runtime
