#include "runtime/monitor/enter.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "env/real/files.h"
#include "runtime/monitor/launch.h"

namespace boxship::runtime {
namespace {

struct EnterOptions {
    std::vector<std::string> join;
    bool hide_unified = false;
    bool terminal = false;
    long deadline_ms = 0;  // 0: none
    char* const* program = nullptr;
};

bool parse(std::span<char* const> args, EnterOptions& options)
{
    for (std::size_t i = 0; i < args.size(); ++i) {
        const std::string_view word = args[i];
        if (word == "--") {
            options.program = args.data() + i + 1;
            return i + 1 < args.size();
        }
        if (word == "--hide-unified") options.hide_unified = true;
        else if (word == "--terminal") options.terminal = true;
        else if (word == "--join" && i + 1 < args.size()) options.join.emplace_back(args[++i]);
        else if (word == "--deadline" && i + 1 < args.size()) options.deadline_ms = std::atol(args[++i]);
        else return false;
    }
    return false;
}

[[noreturn]] void become(const EnterOptions& options, const sigset_t& mask)
{
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (options.terminal) {
        ::setsid();
        ::ioctl(0, TIOCSCTTY, 0);
    }
    HostResult<> done = join_cgroups(options.join);
    if (done && options.hide_unified) done = hide_unified_cgroups();
    if (!done) {
        std::fprintf(stderr, "boxship-monitor: %s\n", done.error().message.c_str());
        ::_exit(enter_failed);
    }
    ::execvp(options.program[0], options.program);
    std::fprintf(stderr, "boxship-monitor: execute %s: %s\n", options.program[0], std::strerror(errno));
    ::_exit(enter_failed);
}

// Our children, those that orphans have made ours included: the OCI runtime's, inside the container, above all. They
// must be reaped, or the container's namespace cannot end.
void kill_children()
{
    const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    for (;;) {
        const auto text = env::read_file(path);
        if (text)
            for (const char* at = text->c_str(); *at;) {
                char* end = nullptr;
                const long pid = std::strtol(at, &end, 10);
                if (end == at) break;
                if (pid > 0) ::kill(static_cast<pid_t>(pid), SIGKILL);
                at = *end == ' ' ? end + 1 : end;
            }
        if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
    }
}

timespec after(long ms)
{
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += ms / 1000;
    time.tv_nsec += ms % 1000 * 1000000;
    return time;
}

timespec until(const timespec& end)
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const long long ns = (end.tv_sec - now.tv_sec) * 1000000000LL + (end.tv_nsec - now.tv_nsec);
    return ns <= 0 ? timespec{} : timespec{static_cast<time_t>(ns / 1000000000), static_cast<long>(ns % 1000000000)};
}

}  // namespace

int enter(std::span<char* const> args)
{
    EnterOptions options;
    if (!parse(args, options)) return enter_failed;
    sigset_t set;
    sigset_t before;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGCHLD);
    ::sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, &before);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t child = ::fork();
    if (child < 0) return enter_failed;
    if (child == 0) become(options, before);

    const timespec end = after(options.deadline_ms > 0 ? options.deadline_ms : 0);
    for (;;) {
        timespec left = until(end);
        const int number = options.deadline_ms > 0 ? ::sigtimedwait(&set, nullptr, &left) : ::sigwaitinfo(&set, nullptr);
        const bool late = number < 0 && errno == EAGAIN;
        if (late || number == SIGTERM) {
            kill_children();
            return late ? enter_too_late : 128 + SIGTERM;
        }
        int status = 0;
        for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
            if (pid != child) continue;
            kill_children();
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
}

}  // namespace boxship::runtime
