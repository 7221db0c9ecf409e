#include "drive/haproxy/process.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/log.h"
#include "base/strings.h"
#include "drive/haproxy/keeper.h"
#include "drive/haproxy/sockets.h"
#include "env/real/files.h"
#include "env/real/process.h"

namespace boxship::drive::haproxy {
namespace {

constexpr off_t log_bytes_max = 16 << 20;

}  // namespace

bool Process::running() const { return pidfd_ && !env::wait_gone(pidfd_, Milliseconds(0)); }

bool Process::adopt()
{
    for (const auto generation : generations_in(options_.directory)) take_up(generation);
    const auto process = env::read_pid_file(options_.pid_file);
    if (!process) return false;
    env::UniqueFd pidfd = env::open_pidfd(process->pid);
    if (!pidfd) return false;
    process_ = process;
    pidfd_ = std::move(pidfd);
    return true;
}

bool Process::left() const
{
    return std::ranges::any_of(generations_in(options_.directory), [&](std::uint64_t generation) { return answers(generation); });
}

HostResult<> Process::start()
{
    generation_.reset();
    for (const auto generation : generations_in(options_.directory))
        if (!answers(generation)) (void)env::remove_file(admin_socket(options_.directory, generation));
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
    end_generations(options_.directory);
    forget();
}

void Process::forget()
{
    if (process_) ::waitpid(process_->pid, nullptr, WNOHANG);  // ours: reap it
    process_.reset();
    pidfd_.reset();
    generation_.reset();
}

bool Process::take_up(std::uint64_t generation)
{
    if (number_of_info(generation, "description: generation ") != static_cast<std::int64_t>(generation)) return false;
    generation_ = generation;
    return true;
}

HostResult<std::string> Process::ask(const std::string& commands) const
{
    if (!generation_) return HostError{"no generation of HAProxy serves yet"};
    return ask(*generation_, commands);
}

HostResult<std::string> Process::ask(std::uint64_t generation, const std::string& commands) const
{
    const std::string path = admin_socket(options_.directory, generation);
    auto answer = haproxy::ask(path, commands);
    // Nobody's any more. One that serves is begun anew when it crashes, and may have a new socket there by now.
    if (!answer.ok() && answer.error().code == ECONNREFUSED && generation_ && generation < *generation_) (void)env::remove_file(path);
    return answer;
}

std::optional<std::int64_t> Process::number_of_info(std::uint64_t generation, std::string_view name) const
{
    const auto info = ask(generation, "show info");
    if (!info.ok()) return std::nullopt;
    for (std::string_view line : split(*info, '\n')) {
        if (!line.starts_with(name)) continue;
        line.remove_prefix(name.size());
        std::int64_t number = 0;
        if (std::from_chars(line.data(), line.data() + line.size(), number).ec != std::errc{}) return std::nullopt;
        return number;
    }
    return std::nullopt;
}

std::vector<std::uint64_t> Process::older_generations() const
{
    if (!generation_) return {};
    auto older = generations_in(options_.directory);
    std::erase_if(older, [&](std::uint64_t generation) { return generation >= *generation_; });
    return older;
}

void Process::end_idle(std::uint64_t generation) const
{
    // Admin connections, as that of the question, are not among them.
    if (number_of_info(generation, "CurrConns: ") == 0) end(generation);
}

void Process::end(std::uint64_t generation) const
{
    const auto pid = number_of_info(generation, "Pid: ");
    const auto process = pid ? env::find_process(static_cast<pid_t>(*pid)) : std::nullopt;
    if (process) env::send_signal(*process, SIGTERM);
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
