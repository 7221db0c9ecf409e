#include "drive/haproxy/keeper.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"
#include "drive/haproxy/sockets.h"

namespace boxship::drive::haproxy {
namespace {

sigset_t signals_of_ours()
{
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGUSR2, SIGTERM, SIGINT, SIGCHLD}) ::sigaddset(&signals, signal);
    return signals;
}

// The newest one that answers: it has the listening sockets. "" when none does.
std::string newest_socket(const std::string& directory)
{
    auto generations = generations_in(directory);
    while (!generations.empty()) {
        const std::string path = admin_socket(directory, generations.back());
        if (ask(path, "show info").ok()) return path;
        generations.pop_back();
    }
    return {};
}

}  // namespace

Keeper::Keeper(std::string configuration) : configuration_(std::move(configuration))
{
    const sigset_t signals = signals_of_ours();
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
}

int Keeper::run()
{
    const sigset_t signals = signals_of_ours();
    if (!begin()) return 1;
    for (;;) {
        siginfo_t info;
        const int signal = ::sigwaitinfo(&signals, &info);
        if (signal == SIGUSR2) begin();
        if (signal == SIGTERM || signal == SIGINT || (signal == SIGCHLD && !reap())) {
            end_all();
            return signal == SIGCHLD ? 1 : 0;
        }
    }
}

bool Keeper::begin()
{
    const std::string predecessor = processes_.empty() ? "" : newest_socket(configuration_.substr(0, configuration_.rfind('/')));
    const pid_t keeper = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        log_error("start HAProxy: {}", host_error("fork", errno).message);
        return false;
    }
    if (pid > 0) {
        processes_.push_back(pid);
        return true;
    }
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != keeper) ::_exit(1);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    const char* const takes_over = predecessor.empty() ? nullptr : "-x";
    ::execlp("haproxy", "haproxy", "-db", "-f", configuration_.c_str(), takes_over, predecessor.c_str(), nullptr);
    std::fprintf(stderr, "haproxy cannot be started, errno %d; is it installed? apt-get install haproxy\n", errno);
    ::_exit(1);
}

bool Keeper::reap()
{
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        const bool newest = !processes_.empty() && pid == processes_.back();
        std::erase(processes_, pid);
        // One that does not like its configuration says so and exits: the one before goes on. Anything else is a crash.
        const bool refused = WIFEXITED(status) && WEXITSTATUS(status) == 1;
        if (newest && (!refused || processes_.empty())) return false;
    }
    return true;
}

void Keeper::end_all()
{
    for (const pid_t pid : processes_) ::kill(pid, SIGTERM);
    for (const pid_t pid : processes_) ::waitpid(pid, nullptr, 0);
    processes_.clear();
}

}  // namespace boxship::drive::haproxy
