// Another process in a running container.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>

#include "env/real/files.h"
#include "env/real/process.h"
#include "runtime/inside.h"
#include "runtime/monitor/enter.h"
#include "runtime/monitor_client.h"
#include "runtime/oci_config.h"
#include "runtime/runtime.h"

namespace boxship::runtime {
namespace {

constexpr Milliseconds grace(5000);  // for the helper to end what is late

// The child's ends of a session's streams.
struct ChildStreams {
    env::UniqueFd in;
    env::UniqueFd out;
    env::UniqueFd err;
};

HostResult<ChildStreams> pipe_streams(ExecSession& session)
{
    ChildStreams child;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return host_error("pipe", errno);
    child.in.reset(ends[0]);
    session.in.reset(ends[1]);
    if (::pipe2(ends, O_CLOEXEC) != 0) return host_error("pipe", errno);
    session.out.reset(ends[0]);
    child.out.reset(ends[1]);
    if (::pipe2(ends, O_CLOEXEC) != 0) return host_error("pipe", errno);
    session.err.reset(ends[0]);
    child.err.reset(ends[1]);
    return child;
}

HostResult<ChildStreams> terminal_streams(ExecSession& session)
{
    session.in.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[64];
    if (!session.in || ::grantpt(session.in.get()) != 0 || ::unlockpt(session.in.get()) != 0 ||
        ::ptsname_r(session.in.get(), name, sizeof name) != 0)
        return host_error("open a terminal", errno);
    session.out.reset(::fcntl(session.in.get(), F_DUPFD_CLOEXEC, 3));
    ChildStreams child;
    ASSIGN_OR_RETURN(child.in, env::open_file(name, O_RDWR | O_NOCTTY));
    child.out.reset(::fcntl(child.in.get(), F_DUPFD_CLOEXEC, 3));
    child.err.reset(::fcntl(child.in.get(), F_DUPFD_CLOEXEC, 3));
    if (!session.out || !child.out || !child.err) return host_error("duplicate a descriptor", errno);
    return child;
}

HostResult<pid_t> spawn_with(const std::vector<std::string>& words, const ChildStreams& streams)
{
    std::vector<char*> argv;
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, streams.in.get(), 0);
    ::posix_spawn_file_actions_adddup2(&actions, streams.out.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, streams.err.get(), 2);
    pid_t pid = -1;
    const int failure = ::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) return host_error("start " + words[0], failure);
    return pid;
}

}  // namespace

std::vector<std::string> Runtime::oci_words() const
{
    std::vector<std::string> words = {options_.host.oci_path, "--root", paths_.oci()};
    if (cgroups_.ours()) words.emplace_back("--cgroup-manager=disabled");
    else if (options_.host.oci_kind == "crun") words.emplace_back("--cgroup-manager=cgroupfs");
    return words;
}

HostResult<std::string> Runtime::write_exec_process(const ContainerId& id, const ExecSpec& spec)
{
    const std::string bundle = paths_.bundle_of(id);
    if (monitor_pid(bundle) == 0) return HostError{"the container " + to_text(id) + " is not running", ESRCH};
    ASSIGN_OR_RETURN(const std::string config, env::read_file(bundle + "/config.json"));
    ProcessUser user;
    if (!spec.user.empty()) {
        ASSIGN_OR_RETURN(const env::UniqueFd root, env::open_file(bundle + "/rootfs", O_PATH | O_DIRECTORY));
        ASSIGN_OR_RETURN(const std::string passwd, read_inside(root.get(), "/etc/passwd"));
        ASSIGN_OR_RETURN(const std::string group, read_inside(root.get(), "/etc/group"));
        ASSIGN_OR_RETURN(user, resolve_user(passwd, group, spec.user, {}));
    }
    ASSIGN_OR_RETURN(const std::string process, render_exec_process(config, spec, spec.user.empty() ? nullptr : &user));
    std::string file = bundle + "/exec-" + std::to_string(++execs_) + ".json";
    RETURN_IF_ERROR(env::write_file(file, process, 0600));
    return file;
}

std::vector<std::string> Runtime::exec_words(const ContainerId& id, const ExecSpec& spec, const std::string& file) const
{
    std::vector<std::string> words = {options_.monitor_program, "enter"};
    for (const auto& join : cgroups_.join_files(id)) words.insert(words.end(), {"--join", join});
    if (options_.host.hide_unified) words.emplace_back("--hide-unified");
    if (spec.deadline.count() > 0) words.insert(words.end(), {"--deadline", std::to_string(spec.deadline.count())});
    if (spec.terminal) words.emplace_back("--terminal");
    words.emplace_back("--");
    const auto oci = oci_words();
    words.insert(words.end(), oci.begin(), oci.end());
    words.insert(words.end(), {"exec", "--process", file, to_text(id)});
    return words;
}

HostResult<ExecOutcome> Runtime::exec(const ContainerId& id, const ExecSpec& spec)
{
    ExecSpec plain = spec;
    plain.terminal = false;
    if (plain.deadline.count() <= 0) plain.deadline = std::chrono::hours(24);
    ASSIGN_OR_RETURN(const std::string file, write_exec_process(id, plain));
    const auto begun = std::chrono::steady_clock::now();
    auto outcome = env::run_process(exec_words(id, plain, file), plain.deadline + grace);
    RETURN_IF_ERROR(env::remove_file(file));
    if (!outcome) return std::move(outcome).error();
    const bool late = std::chrono::steady_clock::now() - begun >= plain.deadline;
    if (late && outcome->exit_code == enter_too_late) return host_error("execute " + spec.args.front(), ETIMEDOUT);
    return ExecOutcome{outcome->exit_code, std::move(outcome->out), std::move(outcome->err)};
}

HostResult<ExecSession> Runtime::open_exec(const ContainerId& id, const ExecSpec& spec)
{
    ExecSession session;
    ASSIGN_OR_RETURN(session.file, write_exec_process(id, spec));
    HostResult<ChildStreams> child = spec.terminal ? terminal_streams(session) : pipe_streams(session);
    if (child) {
        auto helper = spawn_with(exec_words(id, spec, session.file), *child);
        if (helper) session.helper = *helper;
        else child = std::move(helper).error();
    }
    if (!child) {
        RETURN_IF_ERROR(env::remove_file(session.file));
        return std::move(child).error();
    }
    return session;
}

void Runtime::hang_up(const ExecSession& session)
{
    if (session.helper > 0) ::kill(session.helper, SIGTERM);
}

HostResult<int> Runtime::await_exec(ExecSession session)
{
    session.in.reset();
    session.out.reset();
    session.err.reset();
    int status = 0;
    while (::waitpid(session.helper, &status, 0) < 0)
        if (errno != EINTR) return host_error("wait for an executed program", errno);
    RETURN_IF_ERROR(env::remove_file(session.file));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace boxship::runtime
