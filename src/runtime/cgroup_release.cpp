#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <set>
#include <thread>

#include "env/real/files.h"
#include "runtime/cgroup.h"
#include "runtime/cgroup_kill.h"

namespace boxship::runtime {
namespace {

// A cgroup stays busy for a moment after its last process: the kernel finishes with it on its own time, and v1 has
// nothing to wait on.
HostResult<> remove_cgroup(const std::string& directory)
{
    for (int attempt = 0;; ++attempt) {
        if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
        if (errno != EBUSY || attempt == 100) return host_error("remove cgroup " + directory, errno);
        std::this_thread::sleep_for(std::chrono::milliseconds(attempt < 10 ? 1 : 10));
    }
}

// A container may have made cgroups inside its own.
HostResult<> remove_cgroup_tree(const std::string& directory)
{
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory));
    for (const auto& name : names) {
        const std::string below = directory + "/" + name;
        if (env::file_exists(below + "/cgroup.procs")) {
            RETURN_IF_ERROR(kill_cgroup(below));
            RETURN_IF_ERROR(remove_cgroup_tree(below));
        }
    }
    return remove_cgroup(directory);
}

}  // namespace

HostResult<> Cgroups::remove_everywhere(const std::string& below) const
{
    for (const auto& hierarchy : layout_.hierarchies) {
        const std::string directory = base(hierarchy) + below;
        if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) continue;
        RETURN_IF_ERROR(remove_cgroup_tree(directory));
    }
    return {};
}

HostResult<> Cgroups::release_container(const ContainerId& id) const
{
    const std::string below = "/" + to_text(id.task) + "/" + to_text(id);
    const std::string first = first_directory(below);
    if (!first.empty()) RETURN_IF_ERROR(kill_cgroup(first));
    return remove_everywhere(below);
}

HostResult<> Cgroups::release_task(const TaskId& id) const
{
    ASSIGN_OR_RETURN(const auto found, containers(id));
    for (const auto& container : found) RETURN_IF_ERROR(release_container(container));
    return remove_everywhere("/" + to_text(id));
}

HostResult<> Cgroups::release_platform() const
{
    ASSIGN_OR_RETURN(const auto found, tasks());
    for (const auto& task : found) RETURN_IF_ERROR(release_task(task));
    RETURN_IF_ERROR(remove_everywhere("/containers"));
    RETURN_IF_ERROR(remove_everywhere("/monitors"));
    return remove_everywhere("");
}

HostResult<std::vector<TaskId>> Cgroups::tasks() const
{
    std::set<TaskId> found;
    for (const auto& hierarchy : layout_.hierarchies) {
        ASSIGN_OR_RETURN(const auto names, env::list_directory(base(hierarchy)));
        for (const auto& name : names)
            if (const auto id = TaskId::parse(name)) found.insert(*id);
    }
    return std::vector<TaskId>(found.begin(), found.end());
}

HostResult<std::vector<ContainerId>> Cgroups::containers(const TaskId& task) const
{
    std::set<ContainerId> found;
    for (const auto& hierarchy : layout_.hierarchies) {
        ASSIGN_OR_RETURN(const auto names, env::list_directory(base(hierarchy) + "/" + to_text(task)));
        for (const auto& name : names)
            if (const auto id = ContainerId::parse(name); id && id->task == task) found.insert(*id);
    }
    return std::vector<ContainerId>(found.begin(), found.end());
}

}  // namespace boxship::runtime
