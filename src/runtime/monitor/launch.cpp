#include "runtime/monitor/launch.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "env/real/files.h"
#include "runtime/monitor/protocol.h"

extern char** environ;

namespace boxship::runtime {
namespace {

constexpr const char* unified_mount = "/sys/fs/cgroup/unified";

// fork(2), into another v2 cgroup at birth where one is named: a move later would cost milliseconds.
pid_t fork_into(int cgroup)
{
    clone_args args{};
    args.exit_signal = SIGCHLD;
    if (cgroup >= 0) {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = static_cast<std::uint64_t>(cgroup);
    }
    return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

std::vector<std::string> arguments(const MonitorOptions& options)
{
    std::vector<std::string> words = {options.oci_path, "--root", options.oci_root, "--log", options.directory + "/" + monitor_oci_log_name,
                                      "--log-format", "text"};
    if (!options.cgroup_manager.empty()) words.push_back("--cgroup-manager=" + options.cgroup_manager);
    words.insert(words.end(), {"run", "--detach", "--bundle", options.directory, "--pid-file", options.directory + "/pid"});
    if (options.tty) words.insert(words.end(), {"--console-socket", options.directory + "/console.sock"});
    words.push_back(options.id);
    return words;
}

// A descriptor's copy at 3 or above, so that moving it to 0, 1 or 2 overwrites none of the others.
bool place(ChildFds fds)
{
    return ::dup2(fds.in, 0) == 0 && ::dup2(fds.out, 1) == 1 && ::dup2(fds.err, 2) == 2;
}

[[noreturn]] void become_oci(const MonitorOptions& options, char* const* words, ChildFds fds)
{
    const auto give_up = [&](const char* doing, int code) {
        const std::string text = std::string(doing) + ": " + std::strerror(code) + "\n";
        (void)env::write_file(options.directory + "/" + monitor_oci_log_name, text, 0600);
        ::_exit(127);
    };
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (const int number : {SIGHUP, SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);

    if (const auto joined = join_cgroups(options.join); !joined) give_up("join the container's cgroups", joined.error().code);
    if (options.hide_unified)
        if (const auto hidden = hide_unified_cgroups(); !hidden) give_up("hide the v2 cgroups", hidden.error().code);
    if (!place(fds)) give_up("place standard descriptors", errno);
    if (options.oci_program >= 0) ::syscall(SYS_execveat, options.oci_program, "", words, environ, AT_EMPTY_PATH);
    ::execv(options.oci_path.c_str(), words);
    give_up("execute the OCI runtime", errno);
    ::_exit(127);
}

}  // namespace

HostResult<pid_t> launch_oci(const MonitorOptions& options, ChildFds fds)
{
    std::vector<std::string> texts = arguments(options);
    std::vector<char*> words;
    for (auto& text : texts) words.push_back(text.data());
    words.push_back(nullptr);

    env::UniqueFd into;
    if (!options.into.empty()) {
        ASSIGN_OR_RETURN(into, env::open_file(options.into, O_PATH | O_DIRECTORY));
    }
    const pid_t pid = fork_into(into.get());
    if (pid < 0) return host_error("fork", errno);
    if (pid == 0) become_oci(options, words.data(), fds);
    return pid;
}

HostResult<> join_cgroups(const std::vector<std::string>& files)
{
    for (const auto& path : files) {
        ASSIGN_OR_RETURN(const env::UniqueFd fd, env::open_file(path, O_WRONLY));
        RETURN_IF_ERROR(env::write_all(fd.get(), "0", path));
    }
    return {};
}

HostResult<> hide_unified_cgroups()
{
    if (::unshare(CLONE_NEWNS) != 0) return host_error("unshare the mount namespace", errno);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return host_error("make mounts private", errno);
    if (::umount2(unified_mount, MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT)
        return host_error(std::string("hide ") + unified_mount, errno);
    return {};
}

}  // namespace boxship::runtime
