// Containers: from a plan to the runtime's words, starting, stopping, measuring.
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "agent/real_host.h"
#include "base/log.h"
#include "base/numbers.h"
#include "base/strings.h"
#include "env/real/files.h"

namespace boxship::agent {
namespace {

double ms_since(std::chrono::steady_clock::time_point begun)
{
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count();
}

// Nanoseconds of all processors together, idle included, as Docker's system_cpu_usage.
std::uint64_t system_cpu_ns()
{
    const auto text = env::read_file("/proc/stat", 64 << 10);
    if (!text) return 0;
    std::uint64_t ticks = 0;
    const auto words = split(std::string_view(*text).substr(0, text->find('\n')), ' ');
    // cpu, (empty), user, nice, system, idle, iowait, irq, softirq, steal
    for (std::size_t at = 2; at < words.size() && at < 10; ++at) ticks += parse_number<std::uint64_t>(words[at]).value_or(0);
    return ticks * (1'000'000'000ull / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
}

template <class T>
std::optional<T> nonzero(T value)
{
    if (value == 0) return std::nullopt;
    return value;
}

}  // namespace

std::optional<int> signal_number(const std::string& name)
{
    if (const auto number = parse_number<int>(name)) return *number > 0 && *number <= SIGRTMAX ? number : std::nullopt;
    const std::string word = name.starts_with("SIG") ? name.substr(3) : name;
    if (word.starts_with("RTMIN")) {
        const std::string rest = word.substr(5);    // "", or "+3"
        const auto offset = rest.empty() ? std::optional(0) : rest.front() == '+' ? parse_number<int>(rest.substr(1)) : std::nullopt;
        return offset && *offset >= 0 && *offset <= SIGRTMAX - SIGRTMIN ? std::optional(SIGRTMIN + *offset) : std::nullopt;
    }
    for (int candidate = 1; candidate < SIGRTMIN; ++candidate) {
        const char* known = ::sigabbrev_np(candidate);
        if (known && word == known) return candidate;
    }
    return std::nullopt;
}

HostResult<runtime::ContainerSpec> RealHost::spec_of(const ContainerPlan& plan, const PulledImage& image)
{
    const auto id = runtime::ContainerId::parse(plan.id);
    if (!id) return HostError{"the task's id is not 32 hexadecimal digits"};
    runtime::ContainerSpec spec;
    spec.id = *id;
    spec.name = plan.name;
    spec.layers = image.layers;
    spec.args = plan.arguments;
    spec.env = plan.environment;
    spec.cwd = plan.working_directory;
    spec.user = plan.user;
    runtime::NameFiles names;
    names.hostname = plan.host_name;
    for (const HostEntry& entry : plan.hosts) names.hosts.push_back({entry.address, entry.names});
    names.dns_servers = plan.dns_servers;
    names.dns_search = plan.dns_search;
    names.dns_options = plan.dns_options;
    ASSIGN_OR_RETURN(spec.network, network_of(plan, names));
    spec.names = std::move(names);

    spec.cpu_shares = static_cast<std::uint64_t>(std::max(0, plan.cpu_shares));
    spec.memory_bytes = nonzero(plan.memory_bytes);
    spec.memory_reservation_bytes = nonzero(plan.memory_reservation_bytes);
    spec.memory_swap_bytes = nonzero(plan.memory_swap_bytes);
    if (plan.memory_swappiness >= 0) spec.swappiness = static_cast<std::uint64_t>(plan.memory_swappiness);
    spec.cap_add = plan.capabilities_add;
    spec.cap_drop = plan.capabilities_drop;
    spec.privileged = plan.privileged;
    spec.read_only_root = plan.read_only_root;
    spec.no_new_privileges = plan.no_new_privileges;
    spec.shm_bytes = plan.shm_bytes;
    for (const Ulimit& limit : plan.ulimits)
        spec.ulimits.push_back({limit.name, static_cast<std::uint64_t>(limit.soft), static_cast<std::uint64_t>(limit.hard)});
    for (const Device& device : plan.devices) spec.devices.push_back({device.host_path, device.path, device.permissions});
    spec.sysctls = plan.sysctls;
    if (plan.host_ipc) spec.ipc = runtime::IpcMode::host;
    if (plan.task_ipc) spec.ipc = runtime::IpcMode::task;
    if (plan.host_pid) spec.pid = runtime::PidMode::host;
    spec.init = plan.init;
    spec.tty = plan.terminal;
    spec.open_stdin = plan.open_stdin;
    if (plan.log.file_bytes_max > 0) spec.log.bytes_max = plan.log.file_bytes_max;
    if (plan.log.files_max > 0) spec.log.files_max = static_cast<std::uint32_t>(plan.log.files_max);
    for (const Mount& mount : plan.mounts) {
        if (mount.kind == Mount::Kind::tmpfs) {
            runtime::TmpfsMount tmpfs{mount.path, mount.size_bytes, {}};
            if (!mount.options.empty()) tmpfs.options = split(mount.options, ',');
            if (mount.read_only) tmpfs.options.push_back("ro");
            spec.tmpfs.push_back(std::move(tmpfs));
            continue;
        }
        std::string source = mount.source;
        if (mount.kind == Mount::Kind::scratch) source = options_.agent_directory + "/volumes/" + plan.task + "/" + mount.source;
        if (mount.kind == Mount::Kind::shared) source = options_.agent_directory + "/shared-volumes/" + mount.source;
        // Docker makes a directory of what is not there.
        if (!env::file_exists(source)) RETURN_IF_ERROR(env::make_directories(source));
        spec.binds.push_back({std::move(source), mount.path, mount.read_only});
    }
    return spec;
}

HostOutcome<Started> RealHost::start_now(const ContainerPlan& plan, const PulledImage& image)
{
    Time at = clock_.now();
    auto begun = std::chrono::steady_clock::now();
    const auto spec = spec_of(plan, image);
    if (!spec) return Failure{"CannotCreateContainerError", spec.error().message};
    if (const auto created = runtime_->create(*spec); !created) return Failure{"CannotCreateContainerError", created.error().message};
    Started started;
    started.phases.push_back({"rootfs", at, ms_since(begun)});
    at = clock_.now();
    begun = std::chrono::steady_clock::now();
    const auto outcome = runtime_->start(*spec);
    if (!outcome) return Failure{"CannotStartContainerError", outcome.error().message};
    started.phases.push_back({"init", at, ms_since(begun)});
    started.started = outcome->at;
    started.pid = outcome->pid;
    return started;
}

void RealHost::start(ContainerPlan plan, PulledImage image, Done<HostOutcome<Started>> done)
{
    workers_.post([this, plan = std::move(plan), image = std::move(image), done = std::move(done)] { done(start_now(plan, image)); });
}

void RealHost::stop(const std::string& container, const std::string& signal, Milliseconds timeout, Done<HostResult<>> done)
{
    workers_.post([this, container, signal, timeout, done = std::move(done)] {
        const auto id = runtime::ContainerId::parse(container);
        if (!id) return done({});
        const auto number = signal_number(signal);
        if (!number) log_warning("container {}: stop signal {} is unknown; SIGTERM is sent", container, signal);
        done(runtime_->stop(*id, {number.value_or(SIGTERM), timeout}));
    });
}

void RealHost::exec(const std::string& container, std::vector<std::string> arguments, Milliseconds deadline, Done<HostResult<ExecOutcome>> done)
{
    workers_.post([this, container, arguments = std::move(arguments), deadline, done = std::move(done)] {
        const auto id = runtime::ContainerId::parse(container);
        if (!id) return done(HostError{"no such container"});
        const auto outcome = runtime_->exec(*id, {.args = arguments, .env = {}, .user = {}, .cwd = {}, .deadline = deadline});
        if (!outcome) return done(outcome.error());
        done(ExecOutcome{outcome->exit_code, (outcome->out + outcome->err).substr(0, 4096)});
    });
}

void RealHost::release_container(const std::string& container, Done<HostResult<>> done)
{
    workers_.post([this, container, done = std::move(done)] {
        const auto id = runtime::ContainerId::parse(container);
        if (!id) return done({});
        auto removed = runtime_->remove(*id);
        if (removed && instance_) removed = instance_->detach(container);
        done(std::move(removed));
    });
}

void RealHost::forget_container(const std::string& container)
{
    workers_.post([this, container] {
        const auto id = runtime::ContainerId::parse(container);
        if (!id) return;
        if (const auto removed = runtime_->remove_logs(*id); !removed) log_warning("remove the output of {}: {}", container, removed.error().message);
    });
}

std::vector<ContainerStats> RealHost::stats(std::span<const std::string> containers)
{
    std::vector<ContainerStats> samples;
    const std::uint64_t system = system_cpu_ns();
    for (const std::string& container : containers) {
        const auto id = runtime::ContainerId::parse(container);
        if (!id) continue;
        const auto measured = runtime_->stats(*id);
        if (!measured) continue;       // it ended meanwhile
        ContainerStats stats;
        stats.container = container;
        stats.at = clock_.now();
        stats.cpu_ns = measured->cpu_ns;
        stats.system_cpu_ns = system;
        stats.memory_bytes = measured->memory_bytes;
        stats.memory_cache_bytes = measured->memory_cache_bytes;
        stats.memory_limit_bytes = measured->memory_limit_bytes;
        stats.pids = measured->pids;
        stats.io_read_bytes = measured->block_read_bytes;
        stats.io_write_bytes = measured->block_write_bytes;
        add_network_stats(to_text(id->task), container, stats);
        samples.push_back(std::move(stats));
    }
    return samples;
}

}  // namespace boxship::agent
