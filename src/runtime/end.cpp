// stop, remove, sweep.
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "env/real/files.h"
#include "env/real/process.h"
#include "runtime/cgroup_kill.h"
#include "runtime/monitor_client.h"
#include "runtime/runtime.h"

namespace boxship::runtime {
namespace {

constexpr Milliseconds monitor_patience(5000);

template <class Id>
bool contains(std::span<const Id> ids, const Id& id)
{
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// The first failure is kept, the others still get their turn.
void keep(HostResult<>& first, HostResult<> next)
{
    if (first && !next) first = std::move(next);
}

}  // namespace

HostResult<> Runtime::command(const ContainerId& id, const std::string& line)
{
    ASSIGN_OR_RETURN(const env::UniqueFd connection, connect_monitor(paths_.bundle_of(id)));
    return send_command(connection.get(), line);
}

HostResult<> Runtime::stop(const ContainerId& id, const StopRequest& request)
{
    auto sent = command(id, "stop " + std::to_string(request.signal) + " " + std::to_string(request.timeout.count()));
    const bool gone = !sent && monitor_pid(paths_.bundle_of(id)) == 0;
    return gone ? HostResult<>() : sent;  // it ended by itself
}

HostResult<> Runtime::signal(const ContainerId& id, int number)
{
    return command(id, "signal " + std::to_string(number));
}

HostResult<> Runtime::resize(const ContainerId& id, unsigned rows, unsigned columns)
{
    return command(id, "resize " + std::to_string(rows) + " " + std::to_string(columns));
}

std::optional<Exit> Runtime::wait(const ContainerId& id, Milliseconds patience)
{
    if (!watcher_.await(id, patience)) return std::nullopt;
    if (auto exit = read_exit(paths_, id)) return exit;
    if (!env::file_exists(paths_.bundle_of(id) + "/lock")) return std::nullopt;
    return Exit{.reason = "its monitor is gone, exit status unknown"};
}

// Everything in the container dies; its monitor notes that and goes, or is made to.
HostResult<> Runtime::end_monitor(const ContainerId& id)
{
    RETURN_IF_ERROR(kill_cgroup(cgroups_.kill_directory(id)));
    const pid_t monitor = monitor_pid(paths_.bundle_of(id));
    if (monitor == 0 || await_end(monitor, monitor_patience)) return {};
    ::kill(monitor, SIGKILL);
    RETURN_IF_ERROR(kill_cgroup(cgroups_.kill_directory(id)));
    if (!await_end(monitor, monitor_patience)) return host_error("kill the monitor of " + to_text(id), ETIMEDOUT);
    return {};
}

HostResult<> Runtime::remove(const ContainerId& id)
{
    watcher_.forget(id);
    RETURN_IF_ERROR(end_monitor(id));
    if (options_.host.oci_kind != "crun" && env::file_exists(paths_.oci() + "/" + to_text(id))) {
        auto words = oci_words();
        words.insert(words.end(), {"delete", "--force", to_text(id)});
        ASSIGN_OR_RETURN(const auto outcome, env::run_process(words));
        if (outcome.exit_code != 0) return HostError{"delete " + to_text(id) + ": " + outcome.err, 0};
    }
    // All that crun's own delete has left to do, at a tenth of its time.
    RETURN_IF_ERROR(env::remove_tree(paths_.oci() + "/" + to_text(id)));
    RETURN_IF_ERROR(remove_rootfs(paths_.rootfs_of(id)));
    RETURN_IF_ERROR(cgroups_.release_container(id));
    RETURN_IF_ERROR(env::remove_file(paths_.exit_of(id)));
    RETURN_IF_ERROR(env::remove_file(paths_.exit_of(id) + env::unfinished_suffix));
    return env::remove_tree(paths_.bundle_of(id));
}

HostResult<> Runtime::remove_logs(const ContainerId& id)
{
    return env::remove_tree(paths_.log_of(id));
}

// Whatever trace there is of a container: files, mounts, cgroups.
HostResult<std::vector<ContainerId>> Runtime::all_containers() const
{
    std::set<ContainerId> found;
    for (const auto& directory : {paths_.bundles(), paths_.layers(), paths_.exits(), paths_.oci()}) {
        ASSIGN_OR_RETURN(const auto names, env::list_directory(directory));
        for (std::string_view name : names) {
            if (name.ends_with(env::unfinished_suffix)) name.remove_suffix(std::strlen(env::unfinished_suffix));
            if (const auto id = ContainerId::parse(name)) found.insert(*id);
        }
    }
    ASSIGN_OR_RETURN(const auto tasks, cgroups_.tasks());
    for (const auto& task : tasks) {
        ASSIGN_OR_RETURN(const auto ids, cgroups_.containers(task));
        found.insert(ids.begin(), ids.end());
    }
    return std::vector<ContainerId>(found.begin(), found.end());
}

HostResult<> Runtime::sweep(const Known& known)
{
    HostResult<> first;
    ASSIGN_OR_RETURN(const auto found, all_containers());
    for (const auto& id : found)
        if (!contains(known.containers, id)) keep(first, remove(id));

    std::set<TaskId> tasks;
    ASSIGN_OR_RETURN(const auto names, env::list_directory(paths_.tasks()));
    for (const auto& name : names)
        if (const auto id = TaskId::parse(name)) tasks.insert(*id);
    ASSIGN_OR_RETURN(const auto with_cgroups, cgroups_.tasks());
    tasks.insert(with_cgroups.begin(), with_cgroups.end());
    for (const auto& id : tasks)
        if (!contains(known.tasks, id)) keep(first, release_task(id));

    ASSIGN_OR_RETURN(const auto logs, env::list_directory(paths_.logs()));
    for (const auto& name : logs) {
        const auto id = ContainerId::parse(name);
        if (id && !contains(known.containers, *id) && !contains(known.logs, *id)) keep(first, remove_logs(*id));
    }
    return first;
}

HostResult<> Runtime::purge()
{
    RETURN_IF_ERROR(sweep({}));
    RETURN_IF_ERROR(cgroups_.release_platform());
    RETURN_IF_ERROR(unmount(paths_.run));
    RETURN_IF_ERROR(env::remove_tree(paths_.run));
    return env::remove_tree(paths_.state);
}

}  // namespace boxship::runtime
