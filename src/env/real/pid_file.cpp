#include "env/real/pid_file.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/strings.h"
#include "env/real/files.h"

namespace boxship::env {

UniqueFd open_pidfd(pid_t pid) { return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool wait_gone(const UniqueFd& pidfd, Milliseconds timeout)
{
    pollfd fd{pidfd.get(), POLLIN, 0};
    return ::poll(&fd, 1, static_cast<int>(timeout.count())) == 1;
}

namespace {

// Opened, then looked at again: then the descriptor is surely that process and not a successor of its number.
UniqueFd open_surely(const ProcessId& process)
{
    UniqueFd pidfd = open_pidfd(process.pid);
    const auto now = find_process(process.pid);
    if (!pidfd || !now || now->start_time != process.start_time) return {};
    return pidfd;
}

}  // namespace

bool send_signal(const ProcessId& process, int signal)
{
    const UniqueFd pidfd = open_surely(process);
    return pidfd && ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

void terminate(const ProcessId& process, Milliseconds grace)
{
    const UniqueFd pidfd = open_surely(process);
    if (!pidfd) return;
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0);
    if (!wait_gone(pidfd, grace)) {
        ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
        wait_gone(pidfd, Milliseconds(5000));
    }
    ::waitpid(process.pid, nullptr, WNOHANG);  // ours: reap it; not ours: init does
}

std::optional<ProcessId> find_process(pid_t pid)
{
    const auto stat = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!stat.ok()) return std::nullopt;
    const auto name_end = stat->rfind(')');  // the name may hold anything, spaces and brackets included
    if (name_end == stat->npos) return std::nullopt;
    const auto words = split(std::string_view(*stat).substr(name_end + 2), ' ');
    if (words.size() < 20 || words[0] == "Z" || words[0] == "X") return std::nullopt;
    return ProcessId{pid, words[19]};
}

std::optional<ProcessId> read_pid_file(const std::string& path)
{
    const auto text = read_file(path);
    if (!text.ok()) return std::nullopt;
    const auto words = split(trim(*text), ' ');
    const auto pid = words.size() == 2 ? parse_number<pid_t>(words[0]) : std::nullopt;
    if (!pid || *pid <= 0) return std::nullopt;
    const auto process = find_process(*pid);
    if (!process || process->start_time != words[1]) return std::nullopt;
    return process;
}

HostResult<> write_pid_file(const std::string& path, pid_t pid)
{
    const auto process = find_process(pid);
    if (!process) return HostError{"process " + std::to_string(pid) + " ended at once"};
    return write_file_durably(path, fmt::format("{} {}\n", process->pid, process->start_time));
}

HostResult<UniqueFd> claim_name(const std::string& run_directory, const std::string& name)
{
    RETURN_IF_ERROR(make_directories(run_directory, 0700));
    const std::string path = run_directory + "/" + name;
    ASSIGN_OR_RETURN(UniqueFd lock, open_file(path + ".lock", O_RDWR | O_CREAT, 0600));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return host_error("lock " + path + ".lock", errno);
        return HostError{fmt::format("the {} of this platform runs already; {}.pid names its process", name, path)};
    }
    RETURN_IF_ERROR(write_pid_file(path + ".pid", ::getpid()));
    return lock;
}

}  // namespace boxship::env
