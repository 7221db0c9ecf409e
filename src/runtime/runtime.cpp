#include "runtime/runtime.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "base/strings.h"
#include "env/real/files.h"
#include "runtime/cgroup_kill.h"
#include "runtime/task_files.h"

namespace boxship::runtime {

Runtime::Runtime(RuntimeOptions options, EventSink sink)
    : options_(std::move(options)), paths_{options_.state_dir, options_.run_dir + "/runtime"},
      cgroups_(options_.host.cgroups, options_.platform_id, options_.host.cgroups_ours),
      watcher_(paths_, std::move(sink), [this](const ContainerId& id) { kill_cgroup_now(cgroups_.kill_directory(id)); })
{
}

HostResult<std::unique_ptr<Runtime>> Runtime::open(RuntimeOptions options, EventSink sink)
{
    if (options.host.oci_path.empty()) return HostError{"no OCI runtime works on this host; see `boxship doctor host`", ENOSYS};
    std::unique_ptr<Runtime> runtime(new Runtime(std::move(options), std::move(sink)));
    RETURN_IF_ERROR(runtime->begin());
    return runtime;
}

HostResult<> Runtime::begin()
{
    RETURN_IF_ERROR(env::make_directories(paths_.state, 0711));
    const auto boot = env::read_file(paths_.boot());
    if (!boot || *boot != options_.host.boot_id) {
        // A run_dir that outlived a reboot speaks of processes and mounts that did not.
        RETURN_IF_ERROR(unmount(paths_.run));
        RETURN_IF_ERROR(env::remove_tree(paths_.run));
        RETURN_IF_ERROR(env::write_file_durably(paths_.boot(), options_.host.boot_id));
    }
    for (const auto& directory : {paths_.exits(), paths_.logs(), paths_.layers()}) RETURN_IF_ERROR(env::make_directories(directory, 0711));
    RETURN_IF_ERROR(ensure_tmpfs(paths_.run));
    for (const auto& directory : {paths_.bundles(), paths_.tasks(), paths_.oci()}) RETURN_IF_ERROR(env::make_directories(directory, 0711));
    RETURN_IF_ERROR(env::sync_directory(paths_.state));  // exits/ itself must survive for the files in it to
    RETURN_IF_ERROR(cgroups_.prepare_platform());
    return load_oci_program();
}

HostResult<> Runtime::load_oci_program()
{
    if (options_.host.oci_kind != "crun") return {};
    ASSIGN_OR_RETURN(const std::string program, env::read_file(options_.host.oci_path, 64 << 20));
    if (!program.starts_with("\177ELF")) return {};  // a wrapper script: executed by path
    env::UniqueFd copy(::memfd_create("crun", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!copy) return host_error("memfd_create", errno);
    RETURN_IF_ERROR(env::write_all(copy.get(), program, "a copy of " + options_.host.oci_path));
    if (::fcntl(copy.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) return host_error("seal a memfd", errno);
    oci_program_ = std::move(copy);
    return {};
}

HostResult<> Runtime::prepare_task(const TaskSpec& spec)
{
    const CgroupLimits limits{.cpus = spec.cpus, .cpu_shares = spec.cpu_shares, .memory_bytes = spec.memory_bytes, .pids_max = spec.pids_max};
    RETURN_IF_ERROR(cgroups_.prepare_task(spec.id, limits));
    const std::string directory = paths_.task(spec.id);
    RETURN_IF_ERROR(env::make_directories(directory, 0711));
    RETURN_IF_ERROR(write_name_files(directory, spec.names));
    // What every container of the task has to know later.
    RETURN_IF_ERROR(env::write_file(directory + "/network", std::to_string(static_cast<int>(spec.network.mode)) + spec.network.path));
    return spec.share_ipc ? make_shared_ipc(directory, spec.shm_bytes) : HostResult<>();
}

HostResult<> Runtime::release_task(const TaskId& id)
{
    RETURN_IF_ERROR(cgroups_.release_task(id));
    RETURN_IF_ERROR(remove_shared_ipc(paths_.task(id)));
    return env::remove_tree(paths_.task(id));
}

HostResult<Stats> Runtime::stats(const ContainerId& id) const
{
    return cgroups_.stats(id);
}

}  // namespace boxship::runtime
