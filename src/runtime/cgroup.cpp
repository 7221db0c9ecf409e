#include "runtime/cgroup.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <thread>

#include "base/strings.h"
#include "env/real/files.h"

namespace boxship::runtime {
namespace {

constexpr int period_us = 100000;
constexpr const char* v2_controllers[] = {"cpu", "memory", "pids", "io"};

HostResult<> make(const std::string& directory)
{
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return host_error("make cgroup " + directory, errno);
    return {};
}

HostResult<> put(const std::string& directory, const char* file, const std::string& value)
{
    auto written = env::write_file(directory + "/" + file, value);
    if (!written) return written.error().within("set " + std::string(file) + " to " + value);
    return {};
}

template <class Number>
HostResult<> put(const std::string& directory, const char* file, const std::optional<Number>& value)
{
    return value ? put(directory, file, std::to_string(*value)) : HostResult<>();
}

std::int64_t quota_us(double cpus)
{
    return std::max<std::int64_t>(1000, std::llround(cpus * period_us));  // the kernel's least is 1 ms
}

// The kernel's two scales of weight: 2…262144 (v1) and 1…10000 (v2).
std::uint64_t weight(std::uint64_t shares)
{
    return 1 + (std::clamp<std::uint64_t>(shares, 2, 262144) - 2) * 9999 / 262142;
}

// 1024 per processor, as tasks are weighed below it: otherwise all containers together would count, beside the rest
// of the host, as much as a single process.
std::uint64_t whole_host_shares()
{
    return std::uint64_t{1024} * std::max(1u, std::thread::hardware_concurrency());
}

std::string text_of(const DeviceRule& rule)
{
    const auto number = [](int n) { return n < 0 ? std::string("*") : std::to_string(n); };
    return std::string(1, rule.type) + " " + number(rule.major) + ":" + number(rule.minor) + " " + rule.access;
}

}  // namespace

Cgroups::Cgroups(CgroupLayout layout, std::string platform_id, bool ours)
    : layout_(std::move(layout)), name_("boxship-" + platform_id), ours_(ours)
{
}

std::string Cgroups::path(const ContainerId& id) const
{
    return "/" + name_ + "/" + to_text(id.task) + "/" + to_text(id);
}

std::vector<const CgroupHierarchy*> Cgroups::used() const
{
    std::vector<const CgroupHierarchy*> chosen;
    if (layout_.mode == CgroupMode::v2) return {layout_.unified()};
    for (const char* controller : {"pids", "memory", "cpu", "cpuacct", "devices", "blkio"}) {
        const CgroupHierarchy* hierarchy = layout_.with(controller);
        if (hierarchy && !hierarchy->v2 && std::find(chosen.begin(), chosen.end(), hierarchy) == chosen.end()) chosen.push_back(hierarchy);
    }
    return chosen;
}

HostResult<> Cgroups::prepare_platform() const
{
    if (layout_.mode == CgroupMode::none) return HostError{"no cgroup hierarchy is mounted on this host", ENOSYS};
    if (layout_.mode == CgroupMode::v2) {
        const std::string& root = layout_.unified()->mount;
        RETURN_IF_ERROR(make(base(*layout_.unified())));
        for (const char* controller : v2_controllers) {
            if (!layout_.with(controller)) continue;
            const std::string word = "+" + std::string(controller);
            RETURN_IF_ERROR(put(root, "cgroup.subtree_control", word));
            RETURN_IF_ERROR(put(base(*layout_.unified()), "cgroup.subtree_control", word));
        }
        if (layout_.with("cpu")) RETURN_IF_ERROR(put(base(*layout_.unified()), "cpu.weight", std::to_string(weight(whole_host_shares()))));
        return make(base(*layout_.unified()) + "/monitors");
    }
    for (const CgroupHierarchy* hierarchy : used()) {
        RETURN_IF_ERROR(make(base(*hierarchy)));
        // Kernels before 5.11 count a child's memory against its parent only when told so.
        const auto inherits = env::read_file(base(*hierarchy) + "/memory.use_hierarchy");
        if (inherits && trim(*inherits) == "0") RETURN_IF_ERROR(put(base(*hierarchy), "memory.use_hierarchy", std::string("1")));
        RETURN_IF_ERROR(make(base(*hierarchy) + "/monitors"));
    }
    if (const CgroupHierarchy* cpu = layout_.with("cpu")) RETURN_IF_ERROR(put(base(*cpu), "cpu.shares", std::to_string(whole_host_shares())));
    // Where no controller is, one cgroup serves all containers: it only has to be outside the agent's service, which
    // an init system may end as a whole.
    for (const CgroupHierarchy* hierarchy : {layout_.with("name=systemd"), layout_.unified()}) {
        if (!hierarchy) continue;
        RETURN_IF_ERROR(make(base(*hierarchy)));
        RETURN_IF_ERROR(make(base(*hierarchy) + "/monitors"));
        RETURN_IF_ERROR(make(base(*hierarchy) + "/containers"));
    }
    return {};
}

HostResult<> Cgroups::prepare_task(const TaskId& id, const CgroupLimits& limits) const
{
    const std::string below = "/" + to_text(id);
    for (const CgroupHierarchy* hierarchy : used()) RETURN_IF_ERROR(make(base(*hierarchy) + below));
    if (layout_.mode != CgroupMode::v2) return limit_v1(below, limits);
    const std::string directory = base(*layout_.unified()) + below;
    for (const char* controller : v2_controllers)
        if (layout_.with(controller)) RETURN_IF_ERROR(put(directory, "cgroup.subtree_control", "+" + std::string(controller)));
    return limit_v2(directory, limits);
}

HostResult<> Cgroups::prepare_container(const ContainerId& id, const CgroupLimits& limits, const std::vector<DeviceRule>& devices) const
{
    if (!ours_) return {};
    const std::string below = "/" + to_text(id.task) + "/" + to_text(id);
    for (const CgroupHierarchy* hierarchy : used()) RETURN_IF_ERROR(make(base(*hierarchy) + below));
    RETURN_IF_ERROR(limit_v1(below, limits));
    return allow_devices(below, devices);
}

HostResult<> Cgroups::limit_v1(const std::string& below, const CgroupLimits& limits) const
{
    const auto lacks = [](const char* controller) {
        return HostError{"the limit needs the cgroup controller " + std::string(controller) + ", which this host lacks", ENOSYS};
    };
    if (limits.cpus || limits.cpu_shares) {
        const CgroupHierarchy* cpu = layout_.with("cpu");
        if (!cpu) return lacks("cpu");
        RETURN_IF_ERROR(put(base(*cpu) + below, "cpu.shares", limits.cpu_shares));
        if (limits.cpus) {
            RETURN_IF_ERROR(put(base(*cpu) + below, "cpu.cfs_period_us", std::to_string(period_us)));
            RETURN_IF_ERROR(put(base(*cpu) + below, "cpu.cfs_quota_us", std::to_string(quota_us(*limits.cpus))));
        }
    }
    if (limits.memory_bytes || limits.memory_reservation_bytes || limits.swappiness) {
        const CgroupHierarchy* memory = layout_.with("memory");
        if (!memory) return lacks("memory");
        const std::string directory = base(*memory) + below;
        RETURN_IF_ERROR(put(directory, "memory.limit_in_bytes", limits.memory_bytes));
        RETURN_IF_ERROR(put(directory, "memory.soft_limit_in_bytes", limits.memory_reservation_bytes));
        RETURN_IF_ERROR(put(directory, "memory.swappiness", limits.swappiness));
        // Kernels without swap accounting have no such file; without swap there is nothing to limit either.
        if (limits.memory_swap_bytes && env::file_exists(directory + "/memory.memsw.limit_in_bytes"))
            RETURN_IF_ERROR(put(directory, "memory.memsw.limit_in_bytes", limits.memory_swap_bytes));
    }
    if (limits.pids_max) {
        const CgroupHierarchy* pids = layout_.with("pids");
        if (!pids) return lacks("pids");
        RETURN_IF_ERROR(put(base(*pids) + below, "pids.max", limits.pids_max));
    }
    return {};
}

HostResult<> Cgroups::limit_v2(const std::string& directory, const CgroupLimits& limits) const
{
    if (limits.cpus)
        RETURN_IF_ERROR(put(directory, "cpu.max", std::to_string(quota_us(*limits.cpus)) + " " + std::to_string(period_us)));
    if (limits.cpu_shares) RETURN_IF_ERROR(put(directory, "cpu.weight", std::to_string(weight(*limits.cpu_shares))));
    RETURN_IF_ERROR(put(directory, "memory.max", limits.memory_bytes));
    return put(directory, "pids.max", limits.pids_max);
}

HostResult<> Cgroups::allow_devices(const std::string& below, const std::vector<DeviceRule>& devices) const
{
    const CgroupHierarchy* hierarchy = layout_.with("devices");
    if (!hierarchy) return HostError{"the cgroup controller devices is missing: containers would reach every device", ENOSYS};
    const std::string directory = base(*hierarchy) + below;
    RETURN_IF_ERROR(put(directory, "devices.deny", std::string("a")));
    for (const auto& rule : devices)
        RETURN_IF_ERROR(put(directory, "devices.allow", rule.type == 'a' ? std::string("a") : text_of(rule)));
    return {};
}

std::string Cgroups::cpu_shares_file(const ContainerId& id) const
{
    const CgroupHierarchy* cpu = layout_.with("cpu");
    return ours_ && cpu ? base(*cpu) + "/" + to_text(id.task) + "/" + to_text(id) + "/cpu.shares" : std::string();
}

HostResult<> Cgroups::prepare_restart(const ContainerId& id, std::optional<std::uint64_t> pids_max) const
{
    if (!ours_) return {};
    const std::string below = "/" + to_text(id.task) + "/" + to_text(id);
    if (const CgroupHierarchy* pids = layout_.with("pids"))
        RETURN_IF_ERROR(put(base(*pids) + below, "pids.max", pids_max ? std::to_string(*pids_max) : "max"));
    if (const CgroupHierarchy* cpu = layout_.with("cpu"))
        RETURN_IF_ERROR(put(base(*cpu) + below, "cpu.shares", std::to_string(launch_cpu_shares)));
    return {};
}

std::vector<std::string> Cgroups::join_files(const ContainerId& id) const
{
    std::vector<std::string> files;
    if (!ours_) return files;
    for (const CgroupHierarchy* hierarchy : used())
        files.push_back(base(*hierarchy) + "/" + to_text(id.task) + "/" + to_text(id) + "/tasks");
    if (const CgroupHierarchy* named = layout_.with("name=systemd")) files.push_back(base(*named) + "/containers/tasks");
    return files;
}

std::string Cgroups::birth_directory() const
{
    return ours_ && layout_.unified() ? base(*layout_.unified()) + "/containers" : std::string();
}

std::vector<std::string> Cgroups::monitor_join_files() const
{
    std::vector<std::string> files;
    if (layout_.mode == CgroupMode::v2) return {base(*layout_.unified()) + "/monitors/cgroup.procs"};
    for (const CgroupHierarchy* hierarchy : used()) files.push_back(base(*hierarchy) + "/monitors/tasks");
    if (const CgroupHierarchy* named = layout_.with("name=systemd")) files.push_back(base(*named) + "/monitors/tasks");
    if (const CgroupHierarchy* unified = layout_.unified()) files.push_back(base(*unified) + "/monitors/cgroup.procs");
    return files;
}

std::string Cgroups::first_directory(const std::string& below) const
{
    const auto hierarchies = used();
    return hierarchies.empty() ? std::string() : base(*hierarchies.front()) + below;
}

std::string Cgroups::kill_directory(const ContainerId& id) const
{
    return first_directory("/" + to_text(id.task) + "/" + to_text(id));
}

std::string Cgroups::memory_directory(const ContainerId& id) const
{
    const CgroupHierarchy* hierarchy = layout_.with("memory");
    return hierarchy ? base(*hierarchy) + "/" + to_text(id.task) + "/" + to_text(id) : std::string();
}

}  // namespace boxship::runtime
