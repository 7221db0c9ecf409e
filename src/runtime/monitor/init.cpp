#include "runtime/monitor/init.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace boxship::runtime {
namespace {

[[noreturn]] void become(char* const* words, const sigset_t& mask)
{
    // A process group of its own, in the foreground if there is a terminal: what a shell expects to find.
    ::setpgid(0, 0);
    ::signal(SIGTTOU, SIG_IGN);
    ::tcsetpgrp(0, ::getpgrp());
    ::signal(SIGTTOU, SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    ::execvp(words[0], words);
    std::fprintf(stderr, "exec %s: %s\n", words[0], std::strerror(errno));
    ::_exit(errno == ENOENT ? 127 : 126);
}

}  // namespace

int run_as_init(char* const* words)
{
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    for (const int number : {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS}) ::sigdelset(&all, number);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t child = ::fork();
    if (child < 0) return 126;
    if (child == 0) become(words, before);

    for (;;) {
        int number = 0;
        if (::sigwait(&all, &number) != 0) continue;
        if (number != SIGCHLD) {
            ::kill(child, number);
            continue;
        }
        int status = 0;
        for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG))
            if (pid == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}

}  // namespace boxship::runtime
