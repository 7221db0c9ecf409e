#include "drive/haproxy/process.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cerrno>
#include <charconv>
#include <thread>

#include "base/log.h"
#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/process.h"

namespace boxship::drive::haproxy {
namespace {

constexpr auto answer_within = std::chrono::seconds(2);
constexpr off_t log_bytes_max = 16 << 20;

}  // namespace

bool Process::running() const { return pidfd_ && !env::wait_gone(pidfd_, Milliseconds(0)); }

bool Process::adopt()
{
    const auto process = env::read_pid_file(options_.pid_file);
    if (!process) return false;
    env::UniqueFd pidfd = env::open_pidfd(process->pid);
    if (!pidfd) return false;
    process_ = process;
    pidfd_ = std::move(pidfd);
    return true;
}

HostResult<> Process::start()
{
    ASSIGN_OR_RETURN(const pid_t pid, env::start_process(options_.command, options_.log_file));
    process_ = env::find_process(pid);
    pidfd_ = env::open_pidfd(pid);
    return {};
}

void Process::reload()
{
    if (process_) env::send_signal(*process_, SIGUSR2);
}

void Process::stop(Milliseconds grace)
{
    if (process_) env::terminate(*process_, grace);
    forget();
}

void Process::forget()
{
    if (process_) ::waitpid(process_->pid, nullptr, WNOHANG);  // ours: reap it
    process_.reset();
    pidfd_.reset();
}

HostResult<std::string> Process::ask(const std::string& commands) const { return ask_at(options_.admin_socket, commands); }

HostResult<std::string> Process::ask_older(pid_t process, const std::string& command) const
{
    return ask_at(options_.master_socket, "@!" + std::to_string(process) + " " + command);
}

HostResult<std::string> Process::ask_at(const std::string& path, const std::string& commands) const
{
    const std::string doing = "ask HAProxy at " + path;
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) return host_error(doing, ENAMETOOLONG);
    path.copy(name.sun_path, path.size());
    const env::UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return host_error(doing, errno);
    timeval timeout{.tv_sec = answer_within.count(), .tv_usec = 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) return host_error(doing, errno);
    RETURN_IF_ERROR(env::write_all(socket.get(), commands + "\n", path));
    std::string answer;
    char bytes[16384];
    for (;;) {
        const ssize_t size = ::read(socket.get(), bytes, sizeof bytes);
        if (size == 0) return answer;
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return host_error(doing, errno);
        answer.append(bytes, static_cast<std::size_t>(size));
    }
}

std::string Process::of_info(std::string_view name) const
{
    const auto info = ask("show info");
    if (!info.ok()) return {};
    for (const auto& line : split(*info, '\n'))
        if (line.starts_with(name)) return std::string(trim(std::string_view(line).substr(name.size())));
    return {};
}

std::optional<std::uint64_t> Process::generation() const
{
    const std::string text = of_info("description: generation ");
    std::uint64_t number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{}) return std::nullopt;
    return number;
}

std::vector<pid_t> Process::older_generations() const
{
    if (!process_) return {};
    const std::string pid = std::to_string(process_->pid);
    const auto text = env::read_file("/proc/" + pid + "/task/" + pid + "/children");
    const auto children = split(trim(text.ok() ? std::string_view(*text) : std::string_view()), ' ');
    if (children.size() < 2) return {};
    const std::string current = of_info("Pid: ");
    std::vector<pid_t> older;
    for (const auto& child : children)
        if (child != current) older.push_back(static_cast<pid_t>(std::atoi(child.c_str())));
    return older;
}

void Process::trim_log() const
{
    struct stat info;
    if (::stat(options_.log_file.c_str(), &info) != 0 || info.st_size < log_bytes_max) return;
    // Not renamed: HAProxy goes on writing into the file that it has open, at its end.
    const auto text = env::read_file(options_.log_file, static_cast<std::size_t>(info.st_size) + (1 << 20));
    if (!text.ok() || !env::write_file(options_.log_file + ".1", *text, 0600).ok() || ::truncate(options_.log_file.c_str(), 0) != 0)
        log_warning("the log of the load balancers, {}, cannot be made shorter", options_.log_file);
}

}  // namespace boxship::drive::haproxy
