// Another process in a running container.
#include <fcntl.h>

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

}  // namespace

std::vector<std::string> Runtime::oci_words() const
{
    std::vector<std::string> words = {options_.host.oci_path, "--root", paths_.oci()};
    if (cgroups_.ours()) words.emplace_back("--cgroup-manager=disabled");
    else if (options_.host.oci_kind == "crun") words.emplace_back("--cgroup-manager=cgroupfs");
    return words;
}

HostResult<ExecOutcome> Runtime::exec(const ContainerId& id, const ExecSpec& spec)
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
    const std::string file = bundle + "/exec-" + std::to_string(++execs_) + ".json";
    RETURN_IF_ERROR(env::write_file(file, process, 0600));

    std::vector<std::string> words = {options_.monitor_program, "enter"};
    for (const auto& file : cgroups_.join_files(id)) words.insert(words.end(), {"--join", file});
    if (options_.host.hide_unified) words.emplace_back("--hide-unified");
    words.insert(words.end(), {"--deadline", std::to_string(spec.deadline.count()), "--"});
    const auto oci = oci_words();
    words.insert(words.end(), oci.begin(), oci.end());
    words.insert(words.end(), {"exec", "--process", file, to_text(id)});
    const auto begun = std::chrono::steady_clock::now();
    auto outcome = env::run_process(words, spec.deadline + grace);
    RETURN_IF_ERROR(env::remove_file(file));
    if (!outcome) return std::move(outcome).error();
    const bool late = std::chrono::steady_clock::now() - begun >= spec.deadline;
    if (late && outcome->exit_code == enter_too_late) return host_error("execute " + spec.args.front(), ETIMEDOUT);
    return ExecOutcome{outcome->exit_code, std::move(outcome->out), std::move(outcome->err)};
}

}  // namespace boxship::runtime
