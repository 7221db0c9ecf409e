#include "runtime/monitor_client.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>

#include "base/strings.h"
#include "env/real/crash_point.h"
#include "env/real/files.h"
#include "runtime/monitor/protocol.h"
#include "shape/json_value.h"

namespace boxship::runtime {
namespace {

using Clock = std::chrono::steady_clock;

int poll_for(int fd, Clock::time_point end)
{
    for (;;) {
        const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
        if (left.count() < 0) return 0;
        pollfd one = {fd, POLLIN, 0};
        const int ready = ::poll(&one, 1, static_cast<int>(left.count()) + 1);
        if (ready >= 0 || errno != EINTR) return ready;
    }
}

// A copy out of the way of the numbers that the child is to see.
HostResult<env::UniqueFd> high_copy(int fd)
{
    env::UniqueFd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
    if (!copy) return host_error("duplicate a descriptor", errno);
    return copy;
}

}  // namespace

pid_t monitor_pid(const std::string& directory)
{
    const env::UniqueFd fd(::open((directory + "/" + monitor_lock_name).c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) return 0;
    struct flock question{};
    question.l_type = F_WRLCK;
    question.l_whence = SEEK_SET;
    if (::fcntl(fd.get(), F_GETLK, &question) != 0 || question.l_type == F_UNLCK) return 0;
    return question.l_pid;
}

HostResult<env::UniqueFd> connect_monitor(const std::string& directory)
{
    ASSIGN_OR_RETURN(const env::UniqueFd folder, env::open_file(directory, O_PATH | O_DIRECTORY));
    env::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return host_error("socket", errno);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", folder.get(), monitor_socket_name);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return host_error("connect to the monitor in " + directory, errno);
    return socket;
}

HostResult<> send_command(int connection, const std::string& line)
{
    const std::string text = line + "\n";
    if (::send(connection, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
        return host_error("send to a monitor", errno);
    return {};
}

MonitorNews read_news(std::string_view line)
{
    MonitorNews news;
    const auto parsed = shape::Json::parse(line);
    if (!parsed) return news;
    const std::string event = parsed->get_string("event");
    const Time at{parsed->get_int64("at")};
    if (event == "started") {
        news.kind = MonitorNews::Kind::started;
        news.started = {static_cast<int>(parsed->get_int64("pid")), at};
    } else if (event == "oom") {
        news.kind = MonitorNews::Kind::oom;
    } else if (event == "exited") {
        news.kind = MonitorNews::Kind::exited;
        // A monitor is as old as its container: one of an earlier version says only whether there were any.
        const auto kills = parsed->get_bool("oom") ? 1 : parsed->get_int64("oomKills");
        news.exit = {static_cast<int>(parsed->get_int64("code")), static_cast<int>(parsed->get_int64("signal")), static_cast<int>(kills), at, {}};
    } else if (event == "failed") {
        news.kind = MonitorNews::Kind::failed;
        news.exit.at = at;
    } else if (event == "broken") {
        news.kind = MonitorNews::Kind::broken;
        news.error = static_cast<int>(parsed->get_int64("errno"));
    }
    return news;
}

HostResult<std::optional<std::string>> next_line(int connection, std::string& rest, Milliseconds patience)
{
    const auto end = Clock::now() + patience;
    for (;;) {
        if (const auto newline = rest.find('\n'); newline != std::string::npos) {
            std::string line = rest.substr(0, newline);
            rest.erase(0, newline + 1);
            return std::optional(std::move(line));
        }
        const int ready = poll_for(connection, end);
        if (ready < 0) return host_error("poll", errno);
        if (ready == 0) return host_error("a monitor says nothing", ETIMEDOUT);
        char buffer[1024];
        const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0 && errno != ECONNRESET) return host_error("read from a monitor", errno);
        if (got <= 0) return std::optional<std::string>();
        rest.append(buffer, static_cast<std::size_t>(got));
    }
}

HostResult<pid_t> spawn_monitor(const std::vector<std::string>& words, int listener, int program, const std::string& error_file)
{
    ASSIGN_OR_RETURN(const env::UniqueFd high_listener, high_copy(listener));
    env::UniqueFd high_program;
    if (program >= 0) {
        ASSIGN_OR_RETURN(high_program, high_copy(program));
    }
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    std::string faults = "BOXSHIP_TEST_FAULTS=";
    if (env::crash_points_directory) faults += env::crash_points_directory;
    char* environment[] = {path, env::crash_points_directory ? faults.data() : nullptr, nullptr};

    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, 2, error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawn_file_actions_adddup2(&actions, high_listener.get(), 3);
    if (high_program) ::posix_spawn_file_actions_adddup2(&actions, high_program.get(), 4);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t pid = -1;
    const int failure = ::posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environment);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (failure != 0) return host_error("start " + words[0], failure);
    return pid;
}

bool await_end(pid_t pid, Milliseconds patience)
{
    if (pid <= 0) return true;
    const env::UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (fd && poll_for(fd.get(), Clock::now() + patience) == 0) return false;
    int status = 0;
    ::waitpid(pid, &status, WNOHANG);  // ECHILD: not our child, somebody else reaps it
    return true;
}

std::string oci_complaint(const std::string& directory)
{
    const auto text = env::read_file(directory + "/" + monitor_oci_log_name);
    if (!text) return {};
    std::string last;
    for (const auto& line : split(*text, '\n'))
        if (!trim(line).empty()) last = trim(line);
    if (last.starts_with("time=")) {  // runc: time="…" level=error msg="…"
        const auto at = last.find("msg=\"");
        return at == std::string::npos ? last : last.substr(at + 5, last.size() - at - 6);
    }
    const auto end = last.find("Z: ");  // crun: 2026-11-20T13:35:04.123456Z: …
    return last.size() > 20 && last[4] == '-' && end != std::string::npos && end < 40 ? last.substr(end + 3) : last;
}

}  // namespace boxship::runtime
