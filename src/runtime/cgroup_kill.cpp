#include "runtime/cgroup_kill.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <vector>

#include "env/real/files.h"

namespace boxship::runtime {
namespace {

using Clock = std::chrono::steady_clock;

bool put(const std::string& path, const char* text)
{
    const env::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && env::write_all(fd.get(), text, path).ok();
}

std::vector<pid_t> members(const std::string& directory)
{
    std::vector<pid_t> pids;
    const auto text = env::read_file(directory + "/cgroup.procs");
    if (!text) return pids;
    for (const char* at = text->c_str(); *at;) {
        char* end = nullptr;
        const long pid = std::strtol(at, &end, 10);
        if (end == at) break;
        if (pid > 0) pids.push_back(static_cast<pid_t>(pid));
        at = *end ? end + 1 : end;
    }
    return pids;
}

void stop_forks(const std::string& directory)
{
    if (!put(directory + "/cgroup.kill", "1")) put(directory + "/pids.max", "0");
}

// A pid may have been reused since it was read only if its process left the cgroup; the descriptor taken first and
// the list read again make sure that we signal a member.
env::UniqueFd open_member(const std::string& directory, pid_t pid)
{
    env::UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!fd) return fd;
    for (const pid_t again : members(directory))
        if (again == pid) return fd;
    return {};
}

}  // namespace

void kill_cgroup_now(const std::string& directory)
{
    if (members(directory).empty()) return;
    stop_forks(directory);
    for (const pid_t pid : members(directory))
        if (const env::UniqueFd fd = open_member(directory, pid)) ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0);
}

HostResult<> kill_cgroup(const std::string& directory, Milliseconds patience)
{
    const auto end = Clock::now() + patience;
    bool stopped = false;
    for (;;) {
        const std::vector<pid_t> pids = members(directory);
        if (pids.empty()) return {};
        if (!stopped) stop_forks(directory);
        stopped = true;
        for (const pid_t pid : pids) {
            const env::UniqueFd fd = open_member(directory, pid);
            if (!fd) continue;
            ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0);
            const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
            pollfd gone = {fd.get(), POLLIN, 0};
            if (left.count() <= 0 || ::poll(&gone, 1, static_cast<int>(left.count())) == 0)
                return host_error("kill the processes of " + directory, ETIMEDOUT);
        }
    }
}

}  // namespace boxship::runtime
