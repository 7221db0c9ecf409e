#include "env/real/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>

#include "env/real/files.h"
#include "env/real/unique_fd.h"

extern char** environ;

namespace boxship::env {
namespace {

constexpr std::size_t output_max = 1 << 20;

struct Pipe {
    UniqueFd read;
    UniqueFd write;
};

HostResult<Pipe> make_pipe()
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return host_error("pipe", errno);
    return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

// Appends what is there; false at the end of the stream. Beyond the limit bytes are read and dropped, so that the
// child does not block on a full pipe.
bool drain(int fd, std::string& into)
{
    char buffer[8192];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (got == 0) return false;
    into.append(buffer, std::min(static_cast<std::size_t>(got), output_max - std::min(output_max, into.size())));
    return true;
}

std::vector<char*> words_of(const std::vector<std::string>& argv)
{
    std::vector<char*> words;
    for (const auto& word : argv) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    return words;
}

int reap(pid_t pid)
{
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

HostResult<ProcessOutcome> run_process(const std::vector<std::string>& argv, Milliseconds deadline, const std::string& input)
{
    ASSIGN_OR_RETURN(Pipe in, make_pipe());
    ASSIGN_OR_RETURN(Pipe out, make_pipe());
    ASSIGN_OR_RETURN(Pipe err, make_pipe());

    const std::vector<char*> words = words_of(argv);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, in.read.get(), 0);
    ::posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t pid = -1;
    const int spawned = ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (spawned != 0) return host_error("start " + argv[0], spawned);
    in.read.reset();
    out.write.reset();
    err.write.reset();

    ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
    std::string_view unsent = input;
    if (unsent.empty()) in.write.reset();

    ProcessOutcome outcome;
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (out.read || err.read) {
        const auto left = std::chrono::duration_cast<Milliseconds>(end - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            ::kill(pid, SIGKILL);
            reap(pid);
            return host_error(argv[0] + " took too long", ETIMEDOUT);
        }
        pollfd fds[3] = {{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}, {in.write.get(), POLLOUT, 0}};
        if (::poll(fds, 3, static_cast<int>(left.count())) < 0 && errno != EINTR) return host_error("poll", errno);
        if (fds[0].revents && !drain(out.read.get(), outcome.out)) out.read.reset();
        if (fds[1].revents && !drain(err.read.get(), outcome.err)) err.read.reset();
        if (fds[2].revents) {
            const ssize_t wrote = ::write(in.write.get(), unsent.data(), unsent.size());
            if (wrote > 0) unsent.remove_prefix(static_cast<std::size_t>(wrote));
            if ((wrote < 0 && errno != EAGAIN && errno != EINTR) || unsent.empty()) in.write.reset();
        }
    }
    outcome.exit_code = reap(pid);
    return outcome;
}

HostResult<pid_t> start_process(const std::vector<std::string>& argv, const std::string& log_file)
{
    ASSIGN_OR_RETURN(const UniqueFd log, open_file(log_file, O_WRONLY | O_CREAT | O_APPEND, 0600));
    const std::vector<char*> words = words_of(argv);
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
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    pid_t pid = 0;
    const int spawned = ::posix_spawn(&pid, words[0], &actions, &attributes, words.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (spawned != 0) return host_error("start " + argv[0], spawned);
    return pid;
}

void raise_open_files_limit()
{
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);  // raising to the hard limit is always allowed
}

}  // namespace boxship::env
