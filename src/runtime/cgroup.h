// Cgroups of one platform: /boxship-<platform>/<task>/<container>, below the root of what this process sees, in every
// hierarchy that matters; and /boxship-<platform>/monitors for the monitors.
//
// v1 and hybrid: we make, limit and join the container's cgroup ourselves (crun is told to leave cgroups alone). v2, and
// runc anywhere: the OCI runtime makes the container's cgroup below the task's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/spec.h"

namespace boxship::runtime {

enum class CgroupMode { none, v1, hybrid, v2 };

struct CgroupHierarchy {
    std::string mount;                     // where its root is, for us
    std::vector<std::string> controllers;  // v1: cpu, memory, …, or "name=systemd"; v2: those of cgroup.controllers
    bool v2 = false;
};

struct CgroupLayout {
    CgroupMode mode = CgroupMode::none;
    std::vector<CgroupHierarchy> hierarchies;

    const CgroupHierarchy* with(std::string_view controller) const;
    const CgroupHierarchy* unified() const;
};

CgroupLayout read_cgroup_layout(const std::string& mountinfo);  // the text of /proc/self/mountinfo

struct DeviceRule {
    char type = 'c';  // c, b, or a for all
    int major = -1;   // -1: any
    int minor = -1;
    std::string access = "rwm";
};

struct CgroupLimits {
    std::optional<double> cpus;
    std::optional<std::uint64_t> cpu_shares;
    std::optional<std::uint64_t> memory_bytes;
    std::optional<std::uint64_t> memory_reservation_bytes;
    std::optional<std::int64_t> memory_swap_bytes;
    std::optional<std::uint64_t> swappiness;
    std::optional<std::uint64_t> pids_max;
};

// Thread-safe: it keeps nothing that changes. All of it may be repeated; what is gone already is fine.
class Cgroups {
public:
    Cgroups(CgroupLayout layout, std::string platform_id, bool ours);

    bool ours() const { return ours_; }
    std::string path(const ContainerId& id) const;  // "/boxship-…/…/…", config.json's cgroupsPath

    HostResult<> prepare_platform() const;
    HostResult<> prepare_task(const TaskId& id, const CgroupLimits& limits) const;
    HostResult<> prepare_container(const ContainerId& id, const CgroupLimits& limits, const std::vector<DeviceRule>& devices) const;

    // A container is started with at least `launch_cpu_shares`; its monitor writes the wanted ones afterwards. With the
    // usual 2 a start on a busy host takes five times as long in the worst tenth: measured.
    static constexpr std::uint64_t launch_cpu_shares = 1024;
    std::string cpu_shares_file(const ContainerId& id) const;  // empty unless ours

    // For another start: undoes what killing and the end of the last start did.
    HostResult<> prepare_restart(const ContainerId& id, std::optional<std::uint64_t> pids_max) const;

    std::vector<std::string> join_files(const ContainerId& id) const;     // v1: for "0"; empty unless ours
    std::string birth_directory() const;                                  // hybrid: where to be born; empty unless ours
    std::vector<std::string> monitor_join_files() const;
    std::string kill_directory(const ContainerId& id) const;
    std::string memory_directory(const ContainerId& id) const;

    HostResult<Stats> stats(const ContainerId& id) const;

    HostResult<> release_container(const ContainerId& id) const;  // kills what is in it
    HostResult<> release_task(const TaskId& id) const;            // its containers too
    HostResult<> release_platform() const;                        // everything; the monitors' cgroup when it is empty
    HostResult<std::vector<TaskId>> tasks() const;
    HostResult<std::vector<ContainerId>> containers(const TaskId& task) const;

private:
    std::string base(const CgroupHierarchy& hierarchy) const { return hierarchy.mount + "/" + name_; }
    std::vector<const CgroupHierarchy*> used() const;
    HostResult<> limit_v1(const std::string& below, const CgroupLimits& limits) const;
    HostResult<> limit_v2(const std::string& directory, const CgroupLimits& limits) const;
    HostResult<> allow_devices(const std::string& below, const std::vector<DeviceRule>& devices) const;
    std::string first_directory(const std::string& below) const;
    HostResult<> remove_everywhere(const std::string& below) const;

    CgroupLayout layout_;
    std::string name_;  // boxship-<platform>
    bool ours_;
};

}  // namespace boxship::runtime
