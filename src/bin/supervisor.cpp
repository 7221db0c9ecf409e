#include "bin/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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
#include "bin/balancer.h"
#include "drive/haproxy/keeper.h"
#include "env/real/crash_point.h"
#include "env/real/files.h"
#include "env/real/process.h"

namespace boxship::bin {
namespace {

using Clock = std::chrono::steady_clock;

// Short: a start costs little, and a platform that is down helps nobody find out why.
constexpr auto back_off_max = std::chrono::seconds(2);
constexpr auto healthy_after = std::chrono::seconds(5);
constexpr off_t log_bytes_max = 16 << 20;

sigset_t stop_signals()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    ::sigaddset(&signals, SIGHUP);
    return signals;
}

}  // namespace

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
    watched.pidfd = env::open_pidfd(process->pid);
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
    ASSIGN_OR_RETURN(const pid_t pid, env::start_process(watched.child.argv, log_path));
    env::crash_point("supervisor.launched");

    watched.pidfd = env::open_pidfd(pid);
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

void Supervisor::become(const std::vector<Child>& children, Milliseconds grace)
{
    std::erase_if(children_, [&](Watched& watched) {
        if (std::ranges::find(children, watched.child.name, &Child::name) != children.end()) return false;
        if (watched.pidfd) terminate(watched.process, grace);
        (void)env::remove_file(run_directory_ + "/" + watched.child.name + ".pid");
        log_info("{} was ended", watched.child.name);
        return true;
    });
    for (const auto& child : children) {
        if (std::ranges::any_of(children_, [&](const Watched& watched) { return watched.child.name == child.name; })) continue;
        if (const auto started = start(child); !started.ok()) log_error("{}: {}", child.name, started.error().message);
    }
}

Supervisor::Stop Supervisor::watch(const std::function<void()>& reload)
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
            if (::read(signal_fd.get(), &info, sizeof info) == sizeof info) {
                if (info.ssi_signo != SIGHUP) return info.ssi_signo == SIGINT ? Stop::interrupt : Stop::terminate;
                reload();
                continue;  // the children are others now
            }
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
        if (watched->pidfd) env::terminate(watched->process, grace);
        (void)env::remove_file(run_directory_ + "/" + watched->child.name + ".pid");  // stale files are recognised anyway
    }
    children_.clear();
}

void stop_orphans(const DataDirectory& data, Milliseconds grace, Balancer balancer)
{
    const std::string run_directory = data.file("run");
    const auto names = env::list_directory(run_directory);
    if (!names.ok()) return;
    const std::string last = std::string(balancer_name) + ".pid";
    // Agents before the server ("agent-…" sorts before "server"), so that they can still report; the load balancers after it,
    // because it would start them again.
    for (const auto& name : *names)
        if (name.ends_with(".pid") && name != "up.pid" && name != last)
            if (const auto process = read_pid_file(run_directory + "/" + name)) env::terminate(*process, grace);
    if (balancer == Balancer::goes_on) return;
    if (const auto process = read_pid_file(run_directory + "/" + last)) env::terminate(*process, grace);
    if (const auto identity = data.identity(); identity.ok()) drive::haproxy::end_generations(balancer_directory(*identity));
}

}  // namespace boxship::bin
