// create and start.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/strings.h"
#include "env/real/crash_point.h"
#include "env/real/files.h"
#include "runtime/capabilities.h"
#include "runtime/inside.h"
#include "runtime/monitor/protocol.h"
#include "runtime/monitor_client.h"
#include "runtime/oci_config.h"
#include "runtime/runtime.h"
#include "runtime/seccomp.h"
#include "runtime/task_files.h"

namespace boxship::runtime {
namespace {

constexpr Milliseconds start_patience(60000);  // a host in deep trouble; normally some ten milliseconds

CgroupLimits limits_of(const ContainerSpec& spec)
{
    return {.cpus = spec.cpus,
            .cpu_shares = std::max(spec.cpu_shares, Cgroups::launch_cpu_shares),
            .memory_bytes = spec.memory_bytes,
            .memory_reservation_bytes = spec.memory_reservation_bytes,
            .memory_swap_bytes = spec.memory_swap_bytes,
            .swappiness = spec.swappiness,
            .pids_max = spec.pids_max};
}

HostResult<Network> task_network(const std::string& directory)
{
    auto text = env::read_file(directory + "/network");
    if (!text) return std::move(text).error();
    if (text->empty()) return HostError{directory + "/network is empty", EINVAL};
    const auto mode = static_cast<Network::Mode>(text->front() - '0');
    text->erase(0, 1);
    return Network{mode, *std::move(text)};
}

}  // namespace

HostResult<> Runtime::create(const ContainerSpec& spec)
{
    const std::string bundle = paths_.bundle_of(spec.id);
    RETURN_IF_ERROR(env::make_directories(bundle, 0711));
    RETURN_IF_ERROR(mount_rootfs(paths_.rootfs_of(spec.id), spec.layers));
    env::crash_point("agent.rootfs");
    ASSIGN_OR_RETURN(const Devices devices, choose_devices(spec));
    RETURN_IF_ERROR(cgroups_.prepare_container(spec.id, limits_of(spec), devices.rules));
    env::crash_point("agent.cgroup");
    return spec.names ? write_name_files(bundle, *spec.names) : HostResult<>();
}

HostResult<Started> Runtime::start(const ContainerSpec& spec)
{
    const std::string bundle = paths_.bundle_of(spec.id);
    if (watcher_.watches(spec.id) || monitor_pid(bundle) != 0) return HostError{"the container " + spec.name + " is running", EBUSY};
    if (env::file_exists(bundle + "/" + monitor_lock_name)) {  // it ran before
        RETURN_IF_ERROR(env::remove_file(paths_.exit_of(spec.id)));
        RETURN_IF_ERROR(env::remove_file(bundle + "/" + monitor_oci_log_name));
        RETURN_IF_ERROR(env::remove_tree(paths_.oci() + "/" + to_text(spec.id)));
        RETURN_IF_ERROR(cgroups_.prepare_restart(spec.id, spec.pids_max));
    }

    ASSIGN_OR_RETURN(const std::string config, config_for(spec));
    RETURN_IF_ERROR(env::write_file(bundle + "/config.json", config, 0600));
    env::crash_point("agent.bundle");

    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return host_error("socketpair", errno);
    env::UniqueFd ours(ends[0]);
    env::UniqueFd theirs(ends[1]);
    ASSIGN_OR_RETURN(const pid_t monitor, spawn_monitor(monitor_words(spec), theirs.get(), oci_program_.get(), bundle + "/monitor.log"));
    theirs.reset();
    env::crash_point("agent.monitor");
    auto started = hear_start(spec.id, std::move(ours), monitor);
    env::crash_point("agent.started");
    if (started && !spec.privileged) keep_seccomp(spec);
    return started;
}

HostResult<std::string> Runtime::config_for(const ContainerSpec& spec)
{
    ConfigInputs inputs;
    inputs.rootfs = paths_.rootfs_of(spec.id).mount;
    inputs.names_directory = spec.names ? paths_.bundle_of(spec.id) : paths_.task(spec.id.task);
    ASSIGN_OR_RETURN(const std::string hostname, env::read_file(inputs.names_directory + "/hostname"));
    inputs.hostname = trim(hostname);
    if (spec.network) {
        inputs.network = *spec.network;
    } else {
        ASSIGN_OR_RETURN(inputs.network, task_network(paths_.task(spec.id.task)));
    }
    inputs.shared_ipc = paths_.task(spec.id.task) + "/ipc";
    inputs.shared_shm = paths_.task(spec.id.task) + "/shm";
    if (!cgroups_.ours()) inputs.cgroups_path = cgroups_.path(spec.id);
    inputs.init_program = options_.monitor_program;

    ASSIGN_OR_RETURN(const env::UniqueFd root, env::open_file(inputs.rootfs, O_PATH | O_DIRECTORY));
    ASSIGN_OR_RETURN(const std::string passwd, read_inside(root.get(), "/etc/passwd"));
    ASSIGN_OR_RETURN(const std::string group, read_inside(root.get(), "/etc/group"));
    ASSIGN_OR_RETURN(inputs.user, resolve_user(passwd, group, spec.user, spec.groups));
    if (spec.cwd.size() > 1) RETURN_IF_ERROR(make_directory_inside(root.get(), spec.cwd, inputs.user.uid, inputs.user.gid));

    ASSIGN_OR_RETURN(inputs.capabilities, choose_capabilities(spec.privileged, spec.cap_add, spec.cap_drop));
    ASSIGN_OR_RETURN(inputs.devices, choose_devices(spec));
    if (!spec.privileged) inputs.seccomp_bpf = kept_seccomp(inputs.capabilities);
    auto config = render_config(spec, inputs);
    return config;
}

std::vector<std::string> Runtime::monitor_words(const ContainerSpec& spec) const
{
    std::vector<std::string> words = {options_.monitor_program, "run", "--id", to_text(spec.id), "--dir", paths_.bundle_of(spec.id),
                                      "--listener", "3", "--oci", options_.host.oci_path, "--oci-root", paths_.oci(),
                                      "--exit-file", paths_.exit_of(spec.id), "--log-dir", paths_.log_of(spec.id),
                                      "--log-bytes", std::to_string(spec.log.bytes_max), "--log-files", std::to_string(spec.log.files_max),
                                      "--kill", cgroups_.kill_directory(spec.id)};
    const auto add = [&words](const char* name, const std::string& value) { words.insert(words.end(), {name, value}); };
    if (oci_program_) add("--oci-fd", "4");
    if (cgroups_.ours()) add("--cgroup-manager", "disabled");
    else if (options_.host.oci_kind == "crun") add("--cgroup-manager", "cgroupfs");
    if (options_.host.hide_unified) add("--hide-unified", "1");
    if (spec.tty) add("--tty", "1");
    if (spec.open_stdin) add("--stdin", "1");
    if (const std::string memory = cgroups_.memory_directory(spec.id); !memory.empty()) add("--memory", memory);
    if (const std::string shares = cgroups_.cpu_shares_file(spec.id); !shares.empty()) {
        add("--shares-file", shares);
        add("--shares", std::to_string(std::max<std::uint64_t>(spec.cpu_shares, 2)));
    }
    for (const auto& file : cgroups_.join_files(spec.id)) add("--join", file);
    if (const std::string birth = cgroups_.birth_directory(); !birth.empty()) add("--into", birth);
    for (const auto& file : cgroups_.monitor_join_files()) add("--own", file);
    return words;
}

HostResult<Started> Runtime::hear_start(const ContainerId& id, env::UniqueFd connection, pid_t monitor)
{
    const std::string bundle = paths_.bundle_of(id);
    std::string rest;
    for (;;) {
        auto line = next_line(connection.get(), rest, start_patience);
        if (!line) {
            // Nothing may be left behind that could start later after all.
            (void)end_monitor(id);
            return line.error().within("start " + to_text(id));
        }
        const MonitorNews news = *line ? read_news(**line) : MonitorNews{.kind = MonitorNews::Kind::broken};
        if (news.kind == MonitorNews::Kind::started) {
            watcher_.add(id, std::move(connection), std::move(rest), monitor);
            return news.started;
        }
        if (news.kind == MonitorNews::Kind::failed || news.kind == MonitorNews::Kind::broken) {
            await_end(monitor, Milliseconds(2000));
            std::string why = oci_complaint(bundle);
            if (why.empty()) {
                const auto said = env::read_file(bundle + "/monitor.log");
                why = said && !trim(*said).empty() ? std::string(trim(*said)) : "the monitor ended without a word";
            }
            return HostError{why, news.error};
        }
    }
}

// crun compiles a profile for five milliseconds and leaves the result beside its state; handed back to it, that saves
// two in five of a start.
void Runtime::keep_seccomp(const ContainerSpec& spec)
{
    if (!options_.host.seccomp_precompiled) return;
    const auto capabilities = choose_capabilities(false, spec.cap_add, spec.cap_drop);
    if (!capabilities || !kept_seccomp(*capabilities).empty()) return;
    const auto compiled = env::read_file(paths_.oci() + "/" + to_text(spec.id) + "/seccomp.bpf");
    if (!compiled || compiled->empty() || compiled->size() % 8 != 0) return;
    const std::lock_guard guard(mutex_);
    seccomp_[&seccomp_json(*capabilities)] = to_base64(*compiled);
}

std::string Runtime::kept_seccomp(const std::vector<std::string>& capabilities)
{
    const std::lock_guard guard(mutex_);
    const auto found = seccomp_.find(&seccomp_json(capabilities));
    return found == seccomp_.end() ? std::string() : found->second;
}

}  // namespace boxship::runtime
