#include "runtime/monitor/session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "env/real/crash_point.h"
#include "env/real/files.h"
#include "runtime/cgroup_kill.h"
#include "runtime/monitor/launch.h"
#include "runtime/monitor/protocol.h"
#include "runtime/monitor/terminal.h"

namespace boxship::runtime {
namespace {

constexpr std::size_t read_size = 32 << 10;
constexpr int unfinished_line_ms = 500;      // a prompt shows up in the log after this pause
constexpr std::size_t strangers_max = 64;

timespec now()
{
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return time;
}

std::string now_ms()
{
    const timespec time = now();
    return std::to_string(static_cast<long long>(time.tv_sec) * 1000 + time.tv_nsec / 1000000);
}

}  // namespace

Session::Session(MonitorOptions options)
    : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)), listeners_(epoll_.get()),
      log_(options_.log_directory, options_.log_bytes_max, options_.log_files_max), oom_(options_.memory)
{
}

int Session::run()
{
    if (options_.oci_program >= 0) ::fcntl(options_.oci_program, F_SETFD, FD_CLOEXEC);
    if (options_.listener >= 0) {
        ::fcntl(options_.listener, F_SETFD, FD_CLOEXEC);
        listeners_.adopt(options_.listener);
    }
    if (const auto begun = begin(); !begun) {
        listeners_.announce("{\"event\":\"broken\",\"errno\":" + std::to_string(begun.error().code) + "}\n");
        std::fprintf(stderr, "boxship-monitor: %s\n", begun.error().message.c_str());
        return 1;
    }
    while (phase_ != Phase::ended) turn();
    return 0;
}

HostResult<> Session::begin()
{
    if (!epoll_) return host_error("epoll", errno);
    ::setsid();
    ::prctl(PR_SET_NAME, "boxship-monitor");
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return host_error("become a subreaper", errno);
    // Who is short of memory should find a larger victim than this. Not allowed everywhere, and no harm then.
    (void)env::write_file("/proc/self/oom_score_adj", "-900");

    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, number);
    ::sigprocmask(SIG_SETMASK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    stop_timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!signals_ || !stop_timer_ || !watch(signals_.get()) || !watch(stop_timer_.get())) return host_error("signalfd", errno);

    RETURN_IF_ERROR(listeners_.open(options_.directory));
    RETURN_IF_ERROR(lock());
    env::crash_point("monitor.begun");
    RETURN_IF_ERROR(log_.open());
    RETURN_IF_ERROR(open_output());
    return launch();
}

// POSIX locks: the kernel tells anybody who asks (F_GETLK) which process holds one, and drops it with that process.
HostResult<> Session::lock()
{
    ASSIGN_OR_RETURN(lock_, env::open_file(options_.directory + "/" + monitor_lock_name, O_RDWR | O_CREAT, 0600));
    struct flock request{};
    request.l_type = F_WRLCK;
    request.l_whence = SEEK_SET;
    if (::fcntl(lock_.get(), F_SETLK, &request) != 0) return host_error("lock " + options_.directory, errno);
    return {};
}

HostResult<> Session::open_output()
{
    int ends[2];
    if (options_.open_stdin && !options_.tty) {
        if (::pipe2(ends, O_CLOEXEC) != 0) return host_error("pipe", errno);
        child_[0].reset(ends[0]);
        stdin_keep_.reset(ends[1]);
    } else {
        ASSIGN_OR_RETURN(child_[0], env::open_file("/dev/null", O_RDWR));
    }
    if (options_.tty) {
        // What the OCI runtime itself has to say goes to its log file.
        ASSIGN_OR_RETURN(child_[1], env::open_file("/dev/null", O_RDWR));
        ASSIGN_OR_RETURN(child_[2], env::open_file("/dev/null", O_RDWR));
        ASSIGN_OR_RETURN(terminal_socket_, listen_for_terminal(options_.directory));
        return watch(terminal_socket_.get()) ? HostResult<>() : host_error("epoll", errno);
    }
    for (std::size_t i = 0; i < 2; ++i) {
        if (::pipe2(ends, O_CLOEXEC) != 0) return host_error("pipe", errno);
        output_[i].reset(ends[0]);
        child_[i + 1].reset(ends[1]);
        ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
        if (!watch(ends[0])) return host_error("epoll", errno);
    }
    return {};
}

HostResult<> Session::launch()
{
    const ChildFds fds{child_[0].get(), child_[1].get(), child_[2].get()};
    ASSIGN_OR_RETURN(oci_, launch_oci(options_, fds));
    env::crash_point("monitor.creating");
    for (auto& fd : child_) fd.reset();
    if (options_.oci_program >= 0) ::close(options_.oci_program);
    return {};
}

void Session::turn()
{
    epoll_event events[8];
    const int count = ::epoll_wait(epoll_.get(), events, 8, log_.pending() ? unfinished_line_ms : -1);
    if (count == 0) log_.flush(now());
    for (int i = 0; i < count && phase_ != Phase::ended; ++i) handle(events[i].data.fd);
}

void Session::handle(int fd)
{
    if (fd == output_[0].get()) return read_output(0);
    if (fd == output_[1].get()) return read_output(1);
    if (fd == signals_.get()) {
        signalfd_siginfo info;
        while (::read(fd, &info, sizeof info) == sizeof info) {}
        return reap();
    }
    if (fd == stop_timer_.get()) {
        std::uint64_t times;
        if (::read(fd, &times, sizeof times) == sizeof times) kill_everything();
        return;
    }
    if (fd == terminal_socket_.get()) {
        output_[0] = receive_terminal(fd);
        if (output_[0]) watch(output_[0].get());
        return;
    }
    if (fd == oom_fd_) {
        oom_.drain();
        return note_oom();
    }
    if (listeners_.owns(fd)) listeners_.readable(fd, [this](std::string_view line) { command(line); });
}

void Session::reap()
{
    int status = 0;
    int init_status = -1;
    for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
        if (pid == oci_) oci_ended(status);
        else if (pid == init_) init_status = status;
        else if (phase_ == Phase::starting && strangers_.size() < strangers_max) strangers_.push_back({pid, status});
    }
    if (init_status >= 0) init_ended(init_status);
}

void Session::oci_ended(int status)
{
    oci_ = -1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        kill_everything();
        drain_output();
        const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return conclude("{\"event\":\"failed\",\"code\":" + std::to_string(code) + ",\"at\":" + now_ms() + "}\n");
    }
    const auto text = env::read_file(options_.directory + "/pid");
    started(text ? static_cast<pid_t>(std::strtol(text->c_str(), nullptr, 10)) : -1);
}

void Session::started(pid_t init)
{
    phase_ = Phase::running;
    init_ = init;
    env::crash_point("monitor.started");
    if (!options_.shares_file.empty())
        if (const auto set = env::write_file(options_.shares_file, options_.shares); !set)
            std::fprintf(stderr, "boxship-monitor: %s\n", set.error().message.c_str());
    listeners_.announce("{\"event\":\"started\",\"pid\":" + std::to_string(init) + ",\"at\":" + now_ms() + "}\n");
    for (const Ended& ended : strangers_)
        if (ended.pid == init_) return init_ended(ended.status);
    strangers_ = {};
    // Only now, off the way to "started": a cgroup of our own, outside the container's and the agent's.
    if (const auto joined = join_cgroups(options_.own); !joined) std::fprintf(stderr, "boxship-monitor: %s\n", joined.error().message.c_str());
    oom_fd_ = oom_.open();
    if (oom_fd_ >= 0) watch(oom_fd_);
    note_oom();
}

void Session::init_ended(int status)
{
    env::crash_point("monitor.exit_seen");
    kill_everything();
    drain_output();
    note_oom();
    const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    const int code = signal != 0 ? 128 + signal : WEXITSTATUS(status);
    conclude("{\"event\":\"exited\",\"code\":" + std::to_string(code) + ",\"signal\":" + std::to_string(signal) +
             ",\"oomKills\":" + std::to_string(oom_.kills()) + ",\"at\":" + now_ms() + "}\n");
}

void Session::conclude(std::string line)
{
    // Durable first. A disk that refuses leaves the news to those who listen now; the others find the lock free and
    // no exit file, and say that the status is unknown.
    if (const auto written = env::write_file_durably(options_.exit_file, line, 0600); !written)
        std::fprintf(stderr, "boxship-monitor: %s\n", written.error().message.c_str());
    env::crash_point("monitor.exit_written");
    listeners_.announce(line);
    phase_ = Phase::ended;
}

void Session::command(std::string_view line)
{
    const std::string text(line);
    int number = 0;
    long long more = 0;
    if (std::sscanf(text.c_str(), "stop %d %lld", &number, &more) == 2 && more >= 0) {
        if (init_ > 0) ::kill(init_, number);
        itimerspec when{};
        when.it_value.tv_sec = static_cast<time_t>(more / 1000);
        when.it_value.tv_nsec = static_cast<long>(more % 1000) * 1000000 + 1;  // zero would disarm it
        ::timerfd_settime(stop_timer_.get(), 0, &when, nullptr);
    } else if (std::sscanf(text.c_str(), "signal %d", &number) == 1) {
        if (init_ > 0) ::kill(init_, number);
    } else if (std::sscanf(text.c_str(), "resize %d %lld", &number, &more) == 2) {
        if (options_.tty && output_[0]) resize_terminal(output_[0].get(), static_cast<unsigned>(number), static_cast<unsigned>(more));
    }
}

void Session::kill_everything()
{
    if (init_ > 0 && ::kill(init_, 0) == 0) ::kill(init_, SIGKILL);
    if (!options_.kill.empty()) kill_cgroup_now(options_.kill);
}

void Session::read_output(std::size_t which)
{
    buffer_.resize(read_size);
    const ssize_t got = ::read(output_[which].get(), buffer_.data(), buffer_.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return output_[which].reset();  // the end; a terminal says EIO
    log_.append(which == 0 ? Stream::out : Stream::err, std::string_view(buffer_.data(), static_cast<std::size_t>(got)), now());
}

// All writers are gone: what they wrote is in the pipes.
void Session::drain_output()
{
    for (std::size_t which = 0; which < 2; ++which) {
        while (output_[which]) {
            buffer_.resize(read_size);
            const ssize_t got = ::read(output_[which].get(), buffer_.data(), buffer_.size());
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            log_.append(which == 0 ? Stream::out : Stream::err, std::string_view(buffer_.data(), static_cast<std::size_t>(got)), now());
        }
        output_[which].reset();
    }
    log_.flush(now());
}

void Session::note_oom()
{
    if (oom_.grown()) listeners_.announce("{\"event\":\"oom\",\"at\":" + now_ms() + "}\n");
}

bool Session::watch(int fd)
{
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace boxship::runtime
