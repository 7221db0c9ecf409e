#include "drive/haproxy/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "drive/haproxy/header.h"
#include "drive/haproxy/sockets.h"
#include "env/real/files.h"
#include "env/real/pid_file.h"

namespace boxship::drive::haproxy {
namespace {

using Steady = std::chrono::steady_clock;

constexpr Milliseconds between_restarts{200};   // of one that crashes again and again
constexpr Milliseconds grace{1000};

sigset_t signals_of_ours()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGUSR2, SIGTERM, SIGINT}) ::sigaddset(&signals, signal);
    return signals;
}

}  // namespace

Keeper::Keeper(std::string configuration, EnterNetwork enter)
    : configuration_(std::move(configuration)), directory_(configuration_.substr(0, configuration_.rfind('/'))), enter_(std::move(enter))
{
    const sigset_t signals = signals_of_ours();
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_.reset(::signalfd(-1, &signals, SFD_CLOEXEC));
}

int Keeper::run()
{
    adopt();
    if (const auto begun = begin(); !begun.ok()) {
        log_error("start HAProxy: {}", begun.error().message);
        return 1;
    }
    for (;;) {
        std::vector<pollfd> fds{{signals_.get(), POLLIN, 0}};
        for (const auto& generation : generations_) fds.push_back({generation.end.get(), POLLIN, 0});
        ::poll(fds.data(), fds.size(), again_in_ms());
        signalfd_siginfo signal{};
        if ((fds[0].revents & POLLIN) != 0 && ::read(signals_.get(), &signal, sizeof signal) != sizeof signal) signal = {};
        if (signal.ssi_signo == SIGTERM || signal.ssi_signo == SIGINT) {
            end_all();
            return 0;
        }
        const bool serves = reap();
        const bool again = again_in_ms() == 0;
        const auto begun = serves && (again || signal.ssi_signo == SIGUSR2) ? begin() : HostResult<>();
        if (!begun.ok()) log_error("start HAProxy: {}", begun.error().message);
        if (serves && (begun.ok() || !again)) continue;
        end_all();
        return 1;
    }
}

void Keeper::adopt()
{
    for (const auto number : pid_files_in(directory_)) {
        const auto process = env::read_pid_file(pid_file(directory_, number));
        env::UniqueFd end = process ? env::open_pidfd(process->pid) : env::UniqueFd();
        if (end) generations_.push_back({number, process->pid, std::move(end)});
        else (void)env::remove_file(pid_file(directory_, number));
    }
    if (generations_.empty()) return;
    log_info("{} HAProxy processes of a keeper that was killed go on", generations_.size());
    auto found = listening_sockets_of(generations_.back().pid, generations_.back().end);
    if (found.ok()) {
        found_ = std::move(*found);
        return;
    }
    log_error("the sockets of HAProxy cannot be taken back, it is begun anew: {}", found.error().message);
    end_all();
}

HostResult<> Keeper::begin()
{
    restarted_ = std::exchange(crashed_, false);
    begun_ = Steady::now();
    ASSIGN_OR_RETURN(const std::string text, env::read_file(configuration_));
    ASSIGN_OR_RETURN(const std::string handed_down, hold_sockets(text));
    const std::uint64_t number = read_header(text).generation;
    // Begun already, in the place of one that crashed, before its signal came.
    if (!generations_.empty() && generations_.back().number == number) return {};
    const env::UniqueFd file(::memfd_create("haproxy.cfg", MFD_CLOEXEC));
    if (!file) return host_error("make a file in memory", errno);
    RETURN_IF_ERROR(env::write_all(file.get(), handed_down, "haproxy.cfg in memory"));
    const pid_t pid = ::fork();
    if (pid < 0) return host_error("fork", errno);
    if (pid == 0) become_haproxy(number, file.get());
    generations_.push_back({number, pid, env::open_pidfd(pid)});
    return {};
}

// Opens what is new, keeps what stays, closes what the configuration does not name any more. Its answer names descriptors.
HostResult<std::string> Keeper::hold_sockets(const std::string& configuration)
{
    std::map<Bind, env::UniqueFd> fresh;
    std::vector<Bind> wanted;
    const auto descriptor_of = [&](const Bind& bind) -> HostResult<int> {
        wanted.push_back(bind);
        if (const auto held = sockets_.find(bind); held != sockets_.end()) return held->second.get();
        env::UniqueFd& socket = fresh[bind];
        if (const auto taken = std::ranges::find_if(found_, [&](const auto& one) { return listens_on(one, bind, enter_); }); taken != found_.end()) {
            socket = std::move(*taken);
            found_.erase(taken);
        } else {
            ASSIGN_OR_RETURN(socket, listen_on(bind, enter_));
        }
        return socket.get();
    };
    ASSIGN_OR_RETURN(std::string text, with_descriptors(configuration, descriptor_of));
    // An older generation may have them for long. Shut, they refuse connections now.
    for (const auto& socket : found_) ::shutdown(socket.get(), SHUT_RDWR);
    found_.clear();
    std::ranges::sort(wanted);
    for (const auto& [bind, socket] : sockets_)
        if (!std::ranges::binary_search(wanted, bind)) ::shutdown(socket.get(), SHUT_RDWR);
    std::erase_if(sockets_, [&](const auto& held) { return !std::ranges::binary_search(wanted, held.first); });
    sockets_.merge(fresh);
    return text;
}

void Keeper::become_haproxy(std::uint64_t number, int configuration)
{
    if (const auto written = env::write_pid_file(pid_file(directory_, number), ::getpid()); !written.ok()) {
        std::fprintf(stderr, "%s\n", written.error().message.c_str());
        ::_exit(1);
    }
    ::fcntl(configuration, F_SETFD, 0);
    for (const auto& [bind, socket] : sockets_) ::fcntl(socket.get(), F_SETFD, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const std::string file = fmt::format("/proc/self/fd/{}", configuration);
    // Its directory tells people whose it is.
    ::execlp("haproxy", "haproxy", "-db", "-C", directory_.c_str(), "-f", file.c_str(), nullptr);
    std::fprintf(stderr, "haproxy cannot be started, errno %d; is it installed? apt-get install haproxy\n", errno);
    ::_exit(1);
}

int Keeper::again_in_ms() const
{
    if (!crashed_) return -1;
    const auto due = restarted_ ? begun_ + between_restarts : begun_;
    return static_cast<int>(std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(due - Steady::now())).count());
}

bool Keeper::reap()
{
    for (auto at = generations_.begin(); at != generations_.end();) {
        if (!env::wait_gone(at->end, Milliseconds(0))) {
            ++at;
            continue;
        }
        int status = 0;
        const bool ours = ::waitpid(at->pid, &status, 0) == at->pid;   // an adopted one is not: how it ended is unknown
        const bool newest = std::next(at) == generations_.end();
        const std::uint64_t number = at->number;
        (void)env::remove_file(pid_file(directory_, number));
        at = generations_.erase(at);
        if (!newest) continue;
        // One that does not like its configuration says so and exits: the one before goes on. Anything else is a crash.
        const bool refused = ours && WIFEXITED(status) && WEXITSTATUS(status) == 1;
        if (refused && (restarted_ || generations_.empty())) return false;
        if (!refused) log_warning("HAProxy of generation {} ended; another begins in its place", number);
        crashed_ = !refused;
    }
    return true;
}

void Keeper::end_all()
{
    for (const auto& generation : generations_) ::syscall(SYS_pidfd_send_signal, generation.end.get(), SIGTERM, nullptr, 0);
    for (const auto& generation : generations_) {
        if (!env::wait_gone(generation.end, grace)) ::syscall(SYS_pidfd_send_signal, generation.end.get(), SIGKILL, nullptr, 0);
        ::waitpid(generation.pid, nullptr, 0);
        (void)env::remove_file(pid_file(directory_, generation.number));
    }
    generations_.clear();
}

void end_generations(const std::string& directory)
{
    for (const auto number : pid_files_in(directory))
        if (const auto process = env::read_pid_file(pid_file(directory, number))) env::terminate(*process, grace);
}

}  // namespace boxship::drive::haproxy
