// Real containers of busybox: what they see, how they start and end.
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "base/strings.h"
#include "runtime/test_host.h"

namespace boxship::runtime {
namespace {

using Containers = TestHost;

TEST_F(Containers, report_their_exit_code_and_output)
{
    const auto spec = shell("echo hello; echo oops >&2; exit 3");
    const Started started = launch(spec);
    EXPECT_GT(started.pid, 0);
    const Exit exit = await(spec.id);
    EXPECT_EQ(exit.code, 3);
    EXPECT_EQ(exit.signal, 0);
    EXPECT_EQ(exit.oom_kills, 0);
    EXPECT_EQ(output(spec.id, Stream::out), "hello\n");
    EXPECT_EQ(output(spec.id, Stream::err), "oops\n");
    const std::lock_guard guard(mutex_);
    ASSERT_EQ(events_.size(), 1u);
    EXPECT_EQ(events_[0].id, spec.id);
    EXPECT_EQ(events_[0].exit.code, 3);
}

TEST_F(Containers, killed_by_a_signal_end_with_128_and_its_number)
{
    auto spec = shell("kill -TERM $$; sleep 60");
    spec.init = true;  // the kernel keeps a first process from its own default actions
    EXPECT_EQ(run(spec).code, 128 + SIGTERM);
}

TEST_F(Containers, stop_by_their_signal)
{
    auto spec = shell("trap 'echo bye; exit 7' USR1; echo ready; while :; do sleep 0.05; done");
    launch(spec);
    await_output(spec.id, "ready");
    ASSERT_TRUE(runtime_->stop(spec.id, {.signal = SIGUSR1}).ok());
    EXPECT_EQ(await(spec.id).code, 7);
    EXPECT_EQ(output(spec.id), "ready\nbye\n");
    EXPECT_TRUE(runtime_->stop(spec.id, {}).ok());  // again: it has ended already
}

TEST_F(Containers, that_ignore_their_signal_are_killed_after_the_timeout)
{
    auto spec = shell("trap '' TERM; echo ready; while :; do sleep 60; done");
    launch(spec);
    await_output(spec.id, "ready");
    ASSERT_TRUE(runtime_->stop(spec.id, {.signal = SIGTERM, .timeout = Milliseconds(50)}).ok());
    const Exit exit = await(spec.id);
    EXPECT_EQ(exit.code, 137);
    EXPECT_EQ(exit.signal, SIGKILL);
    EXPECT_EQ(exit.oom_kills, 0);
}

TEST_F(Containers, say_that_they_ran_out_of_memory)
{
    auto spec = shell("head -c 100m /dev/zero | tail");
    spec.args = {"tail", "/dev/zero"};
    spec.memory_bytes = 16 << 20;
    const Exit exit = run(spec);
    EXPECT_EQ(exit.code, 137);
    EXPECT_GT(exit.oom_kills, 0);
    const std::lock_guard guard(mutex_);
    ASSERT_FALSE(events_.empty());
    EXPECT_EQ(events_.front().kind, ContainerEvent::Kind::oom);
}

TEST_F(Containers, whose_command_does_not_exist_fail_to_start)
{
    auto spec = shell("");
    spec.args = {"no-such-program"};
    ASSERT_TRUE(runtime_->create(spec).ok());
    const auto started = runtime_->start(spec);
    ASSERT_FALSE(started.ok());
    EXPECT_NE(started.error().message.find("no-such-program"), std::string::npos) << started.error().message;
    EXPECT_EQ(started.error().message.find("Z: "), std::string::npos) << started.error().message;
    const auto exit = runtime_->wait(spec.id, Milliseconds(0));
    ASSERT_TRUE(exit.has_value());
    EXPECT_FALSE(exit->code.has_value());
    spec.user = "nobody-known";
    EXPECT_EQ(runtime_->start(spec).error().message, "unable to find user nobody-known: no matching entries in passwd file");
    spec.user.clear();
    spec.args = {"sh", "-c", "exit 4"};
    EXPECT_TRUE(runtime_->start(spec).ok());  // the same container, mended
    EXPECT_EQ(await(spec.id).code, 4);
}

TEST_F(Containers, run_as_the_user_in_the_directory_with_the_environment_asked_for)
{
    auto spec = shell("id; pwd; env; hostname; cat /etc/hosts /etc/resolv.conf /etc/hostname; ls -ld .");
    spec.user = "app";
    spec.cwd = "/srv/new";
    spec.env = {"COLOR=blue"};
    EXPECT_EQ(run(spec).code, 0);
    const std::string text = output(spec.id);
    for (const char* part : {"uid=1000(app) gid=1001 groups=55(extra)", "/srv/new\n", "COLOR=blue\n", "HOME=/home/app\n", "HOSTNAME=box\n",
                             "PATH=/usr/local/sbin:", "\nbox\n", "10.1.2.3\tpeer\n", "nameserver 169.254.169.253\n"})
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST_F(Containers, hold_docker_s_capabilities_and_a_filter)
{
    const std::string script = "grep -E 'Cap(Prm|Eff|Bnd)|Seccomp:|NoNewPrivs' /proc/self/status; mount -t tmpfs x /tmp && echo mounted";
    for (int i = 0; i < 2; ++i) {  // with the profile, and with the compiled filter kept from the first
        const auto spec = shell(script);
        EXPECT_NE(run(spec).code, 0);
        const std::string text = output(spec.id, Stream::out);
        for (const char* part : {"CapPrm:\t00000000a80425fb", "CapEff:\t00000000a80425fb", "CapBnd:\t00000000a80425fb", "Seccomp:\t2", "NoNewPrivs:\t0"})
            EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
        EXPECT_EQ(text.find("mounted"), std::string::npos);
    }
    auto spec = shell(script);
    spec.privileged = true;
    EXPECT_EQ(run(spec).code, 0);
    const std::string text = output(spec.id, Stream::out);
    EXPECT_NE(text.find("Seccomp:\t0"), std::string::npos) << text;
    EXPECT_NE(text.find("mounted"), std::string::npos) << text;
}

TEST_F(Containers, cannot_write_what_is_the_host_s)
{
    auto spec = shell("for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/mm/x /sys/fs/cgroup/memory/x /x/y /root-file; do "
                      "touch $f 2>/dev/null && echo wrote $f; (echo 1 > $f) 2>/dev/null && echo filled $f; done; "
                      "cat /proc/kcore | wc -c; ls /sys/firmware | wc -l; touch /data/ok && echo data; touch /scratch/ok && echo scratch");
    spec.read_only_root = true;
    ASSERT_TRUE(env::make_directories(directory_ + "/volume").ok());
    spec.binds = {{directory_ + "/volume", "/data", false}, {directory_ + "/image", "/x", true}};
    spec.tmpfs = {{"/scratch", 1 << 20, {}}};
    run(spec);
    EXPECT_EQ(output(spec.id, Stream::out), "0\n0\ndata\nscratch\n");
    EXPECT_TRUE(env::file_exists(directory_ + "/volume/ok"));
}

TEST_F(Containers, reach_only_the_devices_allowed)
{
    auto spec = shell("mknod /tmp/kmsg c 1 11 && { head -c 1 /tmp/kmsg && echo read || echo refused; } 2>/dev/null; "
                      "echo x > /dev/null && head -c 2 /dev/urandom | wc -c; echo y > /dev/void && echo mapped; ls /dev | grep -c shm");
    spec.devices = {{"/dev/null", "/dev/void", "rw"}};
    run(spec);
    EXPECT_EQ(output(spec.id, Stream::out), "refused\n2\nmapped\n1\n");
}

TEST_F(Containers, have_namespaces_of_their_own)
{
    auto spec = shell("echo $$; ip addr | grep -c inet; ls /sys/class/net; cat /proc/self/cgroup | grep -v ':/$' | wc -l; ls /sys/fs/cgroup | grep -c memory");
    run(spec);
    EXPECT_EQ(output(spec.id, Stream::out).substr(0, 2), "1\n");
    EXPECT_NE(output(spec.id).find("lo\n"), std::string::npos) << output(spec.id);
    EXPECT_EQ(output(spec.id).find("eth"), std::string::npos) << output(spec.id);
    EXPECT_EQ(output(spec.id).substr(output(spec.id).size() - 4), "0\n1\n") << output(spec.id);
}

TEST_F(Containers, restart_with_what_they_wrote)
{
    auto spec = shell("[ -f /mark ] && echo again || echo first; touch /mark");
    EXPECT_EQ(run(spec).code, 0);
    EXPECT_FALSE(runtime_->start(spec).ok() && runtime_->start(spec).ok()) << "two at once";
    await(spec.id);
    EXPECT_EQ(output(spec.id), "first\nagain\n");
}

TEST_F(Containers, with_an_init_reap_and_pass_on_signals)
{
    auto spec = shell("echo $$; (sleep 0.01 &) ; trap 'echo got; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
    spec.init = true;
    launch(spec);
    await_output(spec.id, "ready");
    ASSERT_TRUE(runtime_->stop(spec.id, {.signal = SIGTERM}).ok());
    EXPECT_EQ(await(spec.id).code, 5);
    EXPECT_EQ(output(spec.id).substr(0, 2), "2\n");
    EXPECT_NE(output(spec.id).find("got"), std::string::npos);
}

TEST_F(Containers, with_a_terminal_have_one)
{
    auto spec = shell("stty size; [ -t 0 ] && [ -t 1 ] && echo terminal; read line; echo never");
    spec.tty = true;
    launch(spec);
    await_output(spec.id, "terminal");
    ASSERT_TRUE(runtime_->stop(spec.id, {.signal = SIGKILL}).ok());
    EXPECT_EQ(await(spec.id).code, 137);
}

TEST_F(Containers, execute_more_programs)
{
    const auto spec = shell("echo ready; sleep 60");
    launch(spec);
    await_output(spec.id, "ready");
    auto done = runtime_->exec(spec.id, {.args = {"sh", "-c", "echo $X; id -u; grep -c sleep /proc/1/cmdline; echo e >&2; exit 9"}, .env = {"X=y"}, .user = "app"});
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(done->exit_code, 9);
    EXPECT_EQ(done->out, "y\n1000\n1\n");
    EXPECT_EQ(done->err, "e\n");
    done = runtime_->exec(spec.id, {.args = {"sleep", "50"}, .deadline = Milliseconds(150)});
    EXPECT_EQ(done.error().code, ETIMEDOUT);
    done = runtime_->exec(spec.id, {.args = {"no-such-program"}});
    EXPECT_TRUE(!done.ok() || done->exit_code != 0);
    ASSERT_TRUE(runtime_->stop(spec.id, {.signal = SIGKILL}).ok());
    await(spec.id);
    EXPECT_FALSE(runtime_->exec(spec.id, {.args = {"id"}}).ok());
}

std::string read_until(int fd, const std::string& text)
{
    std::string all;
    char buffer[4096];
    while (all.find(text) == std::string::npos) {
        const ssize_t got = ::read(fd, buffer, sizeof buffer);
        if (got <= 0) break;
        all.append(buffer, static_cast<std::size_t>(got));
    }
    return all;
}

TEST_F(Containers, hold_conversations_with_executed_programs)
{
    const auto spec = shell("echo ready; sleep 60");
    launch(spec);
    await_output(spec.id, "ready");
    auto session = runtime_->open_exec(spec.id, {.args = {"sh", "-c", "read x; echo got $x; echo e >&2; read y; exit 5"}});
    ASSERT_TRUE(session.ok()) << session.error().message;
    ASSERT_EQ(::write(session->in.get(), "one\n", 4), 4);
    EXPECT_EQ(read_until(session->out.get(), "\n"), "got one\n");
    EXPECT_EQ(read_until(session->err.get(), "\n"), "e\n");
    ASSERT_EQ(::write(session->in.get(), "two\n", 4), 4);
    auto code = runtime_->await_exec(*std::move(session));
    ASSERT_TRUE(code.ok());
    EXPECT_EQ(*code, 5);

    session = runtime_->open_exec(spec.id, {.args = {"sh"}, .deadline = Milliseconds(0), .terminal = true});
    ASSERT_TRUE(session.ok()) << session.error().message;
    winsize size{};
    size.ws_row = 33;
    size.ws_col = 77;
    ASSERT_EQ(::ioctl(session->in.get(), TIOCSWINSZ, &size), 0);
    const std::string line = "tty; until [ \"$(stty size)\" = '33 77' ]; do sleep 0.01; done; echo si''zed\n";
    ASSERT_EQ(::write(session->in.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
    EXPECT_NE(read_until(session->out.get(), "sized\r\n").find("/dev/pts/"), std::string::npos);
    runtime_->hang_up(*session);
    code = runtime_->await_exec(*std::move(session));
    ASSERT_TRUE(code.ok());
    EXPECT_EQ(*code, 128 + SIGTERM);
    EXPECT_EQ(runtime_->stats(spec.id)->pids, 1u);  // nothing of the sessions is left
}

TEST_F(Containers, fit_into_the_least_memory_there_is)
{
    auto spec = shell("echo small");
    spec.memory_bytes = 6 << 20;
    EXPECT_EQ(run(spec).code, 0);
    EXPECT_EQ(output(spec.id), "small\n");
}

TEST_F(Containers, may_have_very_many_layers)
{
    auto spec = shell("cat /from/0 /from/119");
    for (int i = 0; i < 120; ++i) {
        const std::string layer = directory_ + "/layers/sha256,with:odd=characters-and-a-name-as-long-as-a-digest-" + std::to_string(i);
        ASSERT_TRUE(env::make_directories(layer + "/from").ok());
        ASSERT_TRUE(env::write_file(layer + "/from/" + std::to_string(i), std::to_string(i) + "\n").ok());
        spec.layers.insert(spec.layers.begin(), layer);
    }
    EXPECT_EQ(run(spec).code, 0);
    EXPECT_EQ(output(spec.id), "0\n119\n");
}

TEST_F(Containers, are_limited_and_measured)
{
    auto spec = shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 60 & echo ready; wait");
    spec.memory_bytes = 64 << 20;
    spec.pids_max = 7;
    spec.cpus = 0.5;
    spec.cpu_shares = 512;
    launch(spec);
    await_output(spec.id, "ready");
    const auto stats = runtime_->stats(spec.id);
    ASSERT_TRUE(stats.ok());
    EXPECT_GT(stats->cpu_ns, 1000000u);
    EXPECT_GT(stats->memory_bytes, 0u);
    EXPECT_EQ(stats->memory_limit_bytes, 64u << 20);
    EXPECT_EQ(stats->pids, 2u);
    if (const CgroupHierarchy* cpu = host().cgroups.with("cpu"); cpu && !cpu->v2) {
        const std::string shares = cpu->mount + "/boxship-" + platform_ + "/" + to_text(task_.id) + "/" + to_text(spec.id) + "/cpu.shares";
        EXPECT_EQ(*env::read_file(shares), "512\n");
    }
    ASSERT_TRUE(runtime_->remove(spec.id).ok());  // while it runs
    EXPECT_FALSE(runtime_->stats(spec.id).ok());
}

TEST_F(Containers, of_a_task_can_share_ipc)
{
    task_.share_ipc = true;
    ASSERT_TRUE(runtime_->prepare_task(task_).ok());
    ASSERT_TRUE(runtime_->prepare_task(task_).ok());
    auto first = shell("echo shared > /dev/shm/note; ls -l /proc/self/ns/ipc");
    auto second = shell("cat /dev/shm/note; ls -l /proc/self/ns/ipc");
    first.ipc = second.ipc = IpcMode::task;
    run(first);
    run(second);
    const std::string one = output(first.id);
    const std::string two = output(second.id);
    EXPECT_EQ(two.substr(0, 7), "shared\n");
    EXPECT_EQ(one.substr(one.find("ipc:[")), two.substr(two.find("ipc:[")));
}

TEST_F(Containers, lose_no_output_to_rotation)
{
    auto spec = shell("seq 1 60000");
    spec.log = {.bytes_max = 200000, .files_max = 100};
    EXPECT_EQ(run(spec).code, 0);
    std::string expected;
    for (int i = 1; i <= 60000; ++i) expected += std::to_string(i) + "\n";
    EXPECT_TRUE(output(spec.id) == expected) << output(spec.id).size() << " bytes instead of " << expected.size();
    EXPECT_GT(env::list_directory(runtime_->log_directory(spec.id))->size(), 10u);
}

TEST_F(Containers, may_throw_their_output_away)
{
    auto spec = shell("seq 1 10000");
    spec.log.files_max = 0;
    EXPECT_EQ(run(spec).code, 0);
    EXPECT_FALSE(env::file_exists(runtime_->log_directory(spec.id)));
}

// The fallback where crun is missing: other cgroups, other messages, the same behaviour.
class OnRunc : public TestHost {
protected:
    void SetUp() override
    {
        if (!env::file_exists("/usr/sbin/runc")) GTEST_SKIP() << "needs runc";
        TestHost::SetUp();
    }
    const HostProfile& host() const override
    {
        static const HostProfile profile =
            probe_host({.monitor_program = BOXSHIP_MONITOR, .scratch_directory = "/tmp", .oci_candidates = {"/usr/sbin/runc"}});
        return profile;
    }
};

TEST_F(OnRunc, containers_live_and_die_the_same_way)
{
    auto spec = shell("grep CapEff /proc/self/status; grep Seccomp: /proc/self/status; trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
    spec.memory_bytes = 64 << 20;
    launch(spec);
    await_output(spec.id, "ready");
    EXPECT_EQ(output(spec.id), "CapEff:\t00000000a80425fb\nSeccomp:\t2\nready\n");
    const auto stats = runtime_->stats(spec.id);
    ASSERT_TRUE(stats.ok());
    EXPECT_EQ(stats->memory_limit_bytes, 64u << 20);
    const auto done = runtime_->exec(spec.id, {.args = {"sh", "-c", "echo in; exit 3"}});
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(done->exit_code, 3);
    EXPECT_EQ(done->out, "in\n");
    ASSERT_TRUE(runtime_->stop(spec.id, {.signal = SIGTERM}).ok());
    EXPECT_EQ(await(spec.id).code, 7);
    ASSERT_TRUE(runtime_->remove(spec.id).ok());

    auto greedy = shell("");
    greedy.args = {"tail", "/dev/zero"};
    greedy.memory_bytes = 24 << 20;
    const Exit exit = run(greedy);
    EXPECT_EQ(exit.code, 137);
    EXPECT_GT(exit.oom_kills, 0);

    auto wrong = shell("");
    wrong.args = {"no-such-program"};
    ASSERT_TRUE(runtime_->create(wrong).ok());
    const auto refused = runtime_->start(wrong);
    ASSERT_FALSE(refused.ok());
    EXPECT_NE(refused.error().message.find("no-such-program"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace boxship::runtime
