#include "bin/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "env/real/crash_point.h"
#include "env/real/files.h"

extern char** environ;

namespace boxship::bin {
namespace {

using Clock = std::chrono::steady_clock;

// Short: a start costs little, and a platform that is down helps nobody find out why.
constexpr auto back_off_max = std::chrono::seconds(2);
constexpr auto healthy_after = std::chrono::seconds(5);
constexpr off_t log_bytes_max = 16 << 20;

env::UniqueFd open_pidfd(pid_t pid) { return env::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

bool wait_gone(const env::UniqueFd& pidfd, Milliseconds timeout)
{
    pollfd fd{pidfd.get(), POLLIN, 0};
    return ::poll(&fd, 1, static_cast<int>(timeout.count())) == 1;
}

void terminate(const ProcessId& process, Milliseconds grace)
{
    const env::UniqueFd pidfd = open_pidfd(process.pid);
    // Opened, then looked at again: now the descriptor is surely that process and not a successor of its number.
    const auto now = find_process(process.pid);
    if (!pidfd || !now || now->start_time != process.start_time) return;
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0);
    if (!wait_gone(pidfd, grace)) {
        ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
        wait_gone(pidfd, Milliseconds(5000));
    }
    ::waitpid(process.pid, nullptr, WNOHANG);  // ours: reap it; not ours: init does
}

sigset_t stop_signals()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    return signals;
}

}  // namespace

std::optional<ProcessId> find_process(pid_t pid)
{
    const auto stat = env::read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!stat.ok()) return std::nullopt;
    const auto name_end = stat->rfind(')');  // the name may hold anything, spaces and brackets included
    if (name_end == stat->npos) return std::nullopt;
    const auto words = split(std::string_view(*stat).substr(name_end + 2), ' ');
    if (words.size() < 20 || words[0] == "Z" || words[0] == "X") return std::nullopt;
    return ProcessId{pid, words[19]};
}

std::optional<ProcessId> read_pid_file(const std::string& path)
{
    const auto text = env::read_file(path);
    if (!text.ok()) return std::nullopt;
    const auto words = split(trim(*text), ' ');
    pid_t pid = 0;
    if (words.size() != 2 || std::from_chars(words[0].data(), words[0].data() + words[0].size(), pid).ec != std::errc{} || pid <= 0)
        return std::nullopt;
    const auto process = find_process(pid);
    if (!process || process->start_time != words[1]) return std::nullopt;
    return process;
}

HostResult<> write_pid_file(const std::string& path, pid_t pid)
{
    const auto process = find_process(pid);
    if (!process) return HostError{"process " + std::to_string(pid) + " ended at once"};
    return env::write_file_durably(path, fmt::format("{} {}\n", process->pid, process->start_time));
}

HostResult<env::UniqueFd> claim_name(const std::string& run_directory, const std::string& name)
{
    RETURN_IF_ERROR(env::make_directories(run_directory, 0700));
    const std::string path = run_directory + "/" + name;
    ASSIGN_OR_RETURN(env::UniqueFd lock, env::open_file(path + ".lock", O_RDWR | O_CREAT, 0600));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return host_error("lock " + path + ".lock", errno);
        return HostError{fmt::format("the {} of this platform runs already; {}.pid names its process", name, path)};
    }
    RETURN_IF_ERROR(write_pid_file(path + ".pid", ::getpid()));
    return lock;
}

Supervisor::Supervisor(std::string run_directory, std::string log_directory)
    : run_directory_(std::move(run_directory)), log_directory_(std::move(log_directory))
{
}

HostResult<bool> Supervisor::take_lock()
{
    ASSIGN_OR_RETURN(env::UniqueFd fd, env::open_file(run_directory_ + "/up.lock", O_RDWR | O_CREAT, 0600));
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return false;
        return host_error("lock " + run_directory_, errno);
    }
    lock_ = std::move(fd);
    RETURN_IF_ERROR(write_pid_file(run_directory_ + "/up.pid", ::getpid()));
    return true;
}

std::optional<ProcessId> Supervisor::running(const std::string& run_directory) { return read_pid_file(run_directory + "/up.pid"); }

HostResult<> Supervisor::start(const Child& child)
{
    Watched watched{.child = child};
    RETURN_IF_ERROR(launch(watched));
    children_.push_back(std::move(watched));
    return {};
}

bool Supervisor::adopt(Watched& watched)
{
    const auto process = read_pid_file(run_directory_ + "/" + watched.child.name + ".pid");
    if (!process) return false;
    watched.pidfd = open_pidfd(process->pid);
    if (!watched.pidfd) return false;
    watched.process = *process;
    watched.started = Clock::now();
    watched.restart_at.reset();
    log_info("{} runs already (process {})", watched.child.name, process->pid);
    return true;
}

HostResult<> Supervisor::launch(Watched& watched)
{
    if (adopt(watched)) return {};
    const std::string log_path = log_directory_ + "/" + watched.child.name + ".log";
    struct stat info;
    if (::stat(log_path.c_str(), &info) == 0 && info.st_size > log_bytes_max) ::rename(log_path.c_str(), (log_path + ".1").c_str());
    ASSIGN_OR_RETURN(const env::UniqueFd log, env::open_file(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600));

    std::vector<char*> words;
    for (auto& word : watched.child.argv) words.push_back(word.data());
    words.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, log.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, log.get(), 2);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    // A process group of its own: Ctrl-C on the terminal reaches the supervisor alone, which ends things in order.
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t pid = 0;
    const int spawned = ::posix_spawn(&pid, words[0], &actions, &attributes, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (spawned != 0) return host_error("start " + watched.child.argv[0], spawned);
    env::crash_point("supervisor.launched");

    watched.pidfd = open_pidfd(pid);
    watched.started = Clock::now();
    watched.restart_at.reset();
    watched.process = find_process(pid).value_or(ProcessId{pid, ""});
    return {};
}

void Supervisor::ended(Watched& watched)
{
    int status = 0;
    std::string how = "ended";
    if (::waitpid(watched.process.pid, &status, WNOHANG) == watched.process.pid)
        how = WIFSIGNALED(status) ? fmt::format("was killed by signal {}", WTERMSIG(status))
                                  : fmt::format("ended with code {}", WEXITSTATUS(status));
    const auto now = Clock::now();
    watched.failures = now - watched.started > healthy_after ? 0 : watched.failures + 1;
    const auto delay = std::min<Clock::duration>(std::chrono::milliseconds(50) * (1 << std::min(watched.failures, 6)), back_off_max);
    log_warning("{} {} (see {}/{}.log); starting it again in {} ms", watched.child.name, how, log_directory_, watched.child.name,
                std::chrono::duration_cast<Milliseconds>(delay).count());
    watched.pidfd.reset();
    watched.restart_at = now + delay;
}

void Supervisor::block_signals()
{
    const sigset_t signals = stop_signals();
    CHECK(::sigprocmask(SIG_BLOCK, &signals, nullptr) == 0);
}

Supervisor::Stop Supervisor::watch()
{
    const sigset_t signals = stop_signals();
    const env::UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));
    CHECK(static_cast<bool>(signal_fd));
    for (;;) {
        std::vector<pollfd> fds{{signal_fd.get(), POLLIN, 0}};
        int timeout = -1;
        for (const auto& watched : children_) {
            fds.push_back({watched.pidfd.get(), POLLIN, 0});  // -1 is skipped by poll
            if (!watched.restart_at) continue;
            const auto left = std::chrono::duration_cast<Milliseconds>(*watched.restart_at - Clock::now()).count() + 1;
            const int wait = static_cast<int>(std::max<std::int64_t>(left, 0));
            timeout = timeout < 0 ? wait : std::min(timeout, wait);
        }
        if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) CHECK(!"poll");
        if (fds[0].revents) {
            signalfd_siginfo info;
            if (::read(signal_fd.get(), &info, sizeof info) == sizeof info)
                return info.ssi_signo == SIGINT ? Stop::interrupt : Stop::terminate;
        }
        for (std::size_t i = 0; i < children_.size(); ++i) {
            Watched& watched = children_[i];
            if (fds[i + 1].revents) ended(watched);
            if (!watched.restart_at || *watched.restart_at > Clock::now()) continue;
            if (const auto launched = launch(watched); !launched.ok()) {
                log_error("{}: {}", watched.child.name, launched.error().message);
                watched.restart_at = Clock::now() + back_off_max;
            }
        }
    }
}

void Supervisor::stop_children(Milliseconds grace)
{
    for (auto watched = children_.rbegin(); watched != children_.rend(); ++watched) {
        if (watched->pidfd) terminate(watched->process, grace);
        (void)env::remove_file(run_directory_ + "/" + watched->child.name + ".pid");  // stale files are recognised anyway
    }
    children_.clear();
}

void stop_orphans(const std::string& run_directory, Milliseconds grace)
{
    const auto names = env::list_directory(run_directory);
    if (!names.ok()) return;
    // Agents before the server ("agent-…" sorts before "server"), so that they can still report.
    for (const auto& name : *names)
        if (name.ends_with(".pid") && name != "up.pid")
            if (const auto process = read_pid_file(run_directory + "/" + name)) terminate(*process, grace);
}

}  // namespace boxship::bin
