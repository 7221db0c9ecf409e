// For tests: a platform of their own on this host, with a busybox image of two layers, that leaves nothing behind.
#pragma once

#include <gtest/gtest.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "env/real/files.h"
#include "runtime/log_reader.h"
#include "runtime/runtime.h"

namespace boxship::runtime {

inline const HostProfile& test_host()
{
    static const HostProfile profile = probe_host({.monitor_program = BOXSHIP_MONITOR, .scratch_directory = "/tmp"});
    return profile;
}

class TestHost : public ::testing::Test {
protected:
    void SetUp() override
    {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root for namespaces and cgroups";
        if (!env::file_exists("/bin/busybox")) GTEST_SKIP() << "needs busybox-static";
        ASSERT_TRUE(host().usable()) << to_table(host());
        char name[] = "/tmp/boxship-rt-XXXXXX";
        directory_ = ::mkdtemp(name);
        platform_ = "t" + std::to_string(::getpid()) + directory_.substr(directory_.size() - 3);
        make_image();
        open();
        task_.id = *TaskId::parse("0123456789abcdef0123456789abcdef");
        task_.names.hostname = "box";
        task_.names.hosts = {{"10.1.2.3", "peer"}};
        task_.names.dns_servers = {"169.254.169.253"};
        const auto prepared = runtime_->prepare_task(task_);
        ASSERT_TRUE(prepared.ok()) << prepared.error().message;
    }

    void TearDown() override
    {
        if (!runtime_) return;
        const auto purged = runtime_->purge();
        EXPECT_TRUE(purged.ok()) << purged.error().message;
        runtime_.reset();
        EXPECT_TRUE(env::remove_tree(directory_).ok());
        const auto mounts = env::read_file("/proc/self/mountinfo");
        EXPECT_EQ(mounts->find(directory_), std::string::npos) << *mounts;
        for (const auto& hierarchy : host().cgroups.hierarchies)
            EXPECT_FALSE(env::file_exists(hierarchy.mount + "/boxship-" + platform_)) << hierarchy.mount;
        EXPECT_EQ(processes(), std::vector<int>());
    }

    virtual const HostProfile& host() const { return test_host(); }

    void open()
    {
        RuntimeOptions options;
        options.platform_id = platform_;
        options.state_dir = directory_ + "/state";
        options.run_dir = directory_ + "/run";
        options.monitor_program = BOXSHIP_MONITOR;
        options.host = host();
        auto opened = Runtime::open(std::move(options), [this](const ContainerEvent& event) {
            const std::lock_guard guard(mutex_);
            events_.push_back(event);
            changed_.notify_all();
        });
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        runtime_ = *std::move(opened);
    }

    ContainerSpec shell(const std::string& script)
    {
        ContainerSpec spec;
        spec.id = {task_.id, ++number_};
        spec.name = "c" + std::to_string(number_);
        spec.layers = {directory_ + "/image/top", directory_ + "/image/base"};
        spec.args = {"sh", "-c", script};
        return spec;
    }

    Started launch(const ContainerSpec& spec)
    {
        const auto created = runtime_->create(spec);
        EXPECT_TRUE(created.ok()) << created.error().message;
        const auto started = runtime_->start(spec);
        EXPECT_TRUE(started.ok()) << started.error().message;
        return started.ok() ? *started : Started{};
    }

    Exit await(const ContainerId& id)
    {
        const auto exit = runtime_->wait(id, Milliseconds(20000));
        EXPECT_TRUE(exit.has_value()) << "it still runs";
        return exit.value_or(Exit{});
    }

    Exit run(const ContainerSpec& spec)
    {
        launch(spec);
        return await(spec.id);
    }

    // Everything it wrote, whole lines and pieces joined.
    std::string output(const ContainerId& id, std::optional<Stream> only = {})
    {
        LogReader reader(runtime_->log_directory(id));
        std::string text;
        for (;;) {
            const auto lines = reader.read(1000);
            EXPECT_TRUE(lines.ok());
            if (!lines.ok() || lines->empty()) return text;
            for (const auto& line : *lines)
                if (!only || line.stream == *only) text += line.text + (line.whole ? "\n" : "");
        }
    }

    // Until the container has said so: its state is then known without waiting for time to pass.
    void await_output(const ContainerId& id, const std::string& text)
    {
        for (int i = 0; i < 2000; ++i) {
            if (output(id).find(text) != std::string::npos) return;
            ::usleep(5000);
        }
        FAIL() << "it never said " << text << ": " << output(id);
    }

    // Processes of this test's platform, monitors and containers, by the names in their command lines.
    std::vector<int> processes() const
    {
        std::vector<int> found;
        const auto names = env::list_directory("/proc");
        EXPECT_TRUE(names.ok());
        for (const auto& name : *names) {
            const int pid = std::atoi(name.c_str());
            const auto words = env::read_file("/proc/" + name + "/cmdline");
            if (pid > 0 && pid != ::getpid() && words && words->find(directory_) != std::string::npos) found.push_back(pid);
        }
        return found;
    }

    void make_image()
    {
        const std::string base = directory_ + "/image/base";
        const std::string top = directory_ + "/image/top";
        for (const char* name : {"/bin", "/etc", "/tmp", "/data"}) ASSERT_TRUE(env::make_directories(base + name).ok());
        ASSERT_TRUE(env::make_directories(top + "/etc").ok());
        ASSERT_EQ(::link("/bin/busybox", (base + "/bin/busybox").c_str()) == 0 || copy_busybox(base), true);
        for (const char* applet : {"sh", "cat", "echo", "id", "sleep", "ls", "pwd", "env", "grep", "hostname", "touch", "seq", "dd", "mount",
                                   "kill", "head", "ps", "stty", "wc", "mknod", "ip", "tail", "tty"})
            ASSERT_EQ(::symlink("busybox", (base + "/bin/" + applet).c_str()), 0);
        ASSERT_TRUE(env::write_file(base + "/etc/passwd", "root:x:0:0::/root:/bin/sh\n").ok());
        ASSERT_TRUE(env::write_file(top + "/etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n").ok());
        ASSERT_TRUE(env::write_file(top + "/etc/group", "root:x:0:\nextra:x:55:app\n").ok());
    }

    static bool copy_busybox(const std::string& base)
    {
        const auto program = env::read_file("/bin/busybox");
        return program.ok() && env::write_file(base + "/bin/busybox", *program, 0755).ok();
    }

    std::string directory_;
    std::string platform_;
    TaskSpec task_;
    std::unique_ptr<Runtime> runtime_;
    std::uint32_t number_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<ContainerEvent> events_;
};

}  // namespace boxship::runtime
