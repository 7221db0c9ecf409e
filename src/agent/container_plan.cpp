#include "agent/container_plan.h"

#include <algorithm>

#include "agent/docker_config.h"
#include "base/strings.h"

namespace boxship::agent {
namespace {

constexpr std::uint64_t memory_bytes_min = 6u << 20;    // below it no container starts

// Variables in the order in which they first came; a later value replaces an earlier one.
class Environment {
public:
    void set(const std::string& name, const std::string& value)
    {
        const auto [at, fresh] = index_.emplace(name, lines_.size());
        if (fresh) lines_.emplace_back();
        lines_[at->second] = name + "=" + value;
    }
    void set_line(const std::string& line)
    {
        const auto equals = line.find('=');
        if (equals != std::string::npos && equals > 0) set(line.substr(0, equals), line.substr(equals + 1));
    }
    void offer(const std::string& name, const std::string& value)
    {
        if (!has(name)) set(name, value);
    }
    bool has(const std::string& name) const { return index_.contains(name); }
    std::vector<std::string> take() { return std::move(lines_); }

private:
    std::map<std::string, std::size_t> index_;
    std::vector<std::string> lines_;
};

void fill_environment(const TaskRecord& task, std::size_t at, const ImageConfig& image, const DockerExtras& extras,
                      const PlanContext& context, ContainerPlan& plan)
{
    const ContainerSpec& spec = task.spec->containers[at];
    Environment environment;
    environment.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if (plan.terminal) environment.set("TERM", "xterm");
    if (!plan.host_name.empty()) environment.set("HOSTNAME", plan.host_name);
    for (const std::string& line : image.environment) environment.set_line(line);
    for (const std::string& line : extras.environment) environment.set_line(line);
    for (const auto& [name, value] : spec.environment) environment.set(name, value);

    const std::string base(metadata_url);
    const std::string& endpoint = task.containers[at].endpoint_id;
    environment.set("ECS_CONTAINER_METADATA_URI", base + "/v3/" + endpoint);
    environment.set("ECS_CONTAINER_METADATA_URI_V4", base + "/v4/" + endpoint);
    environment.set("ECS_AGENT_URI", base + "/api/" + endpoint);
    if (!task.spec->role.credentials_id.empty())
        environment.set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/" + task.spec->role.credentials_id);
    if (!environment.has("AWS_REGION") && !environment.has("AWS_DEFAULT_REGION")) {
        environment.set("AWS_REGION", context.region);
        environment.set("AWS_DEFAULT_REGION", context.region);
    }
    if (!context.api_url.empty() && task.spec->network_mode != NetworkMode::none) environment.offer("AWS_ENDPOINT_URL", context.api_url);
    plan.environment = environment.take();
}

HostOutcome<> fill_arguments(const ContainerSpec& spec, const ImageConfig& image, const DockerExtras& extras, ContainerPlan& plan)
{
    const auto& entry_point = extras.entry_point ? extras.entry_point : spec.entry_point;
    const auto& command = extras.command ? extras.command : spec.command;
    plan.arguments = entry_point ? *entry_point : image.entry_point;
    // The image's command belongs to the image's entry point: another entry point goes without it.
    const std::vector<std::string>& rest = command ? *command : entry_point ? std::vector<std::string>{} : image.command;
    plan.arguments.insert(plan.arguments.end(), rest.begin(), rest.end());
    if (plan.arguments.empty())
        return Failure{"CannotCreateContainerError", "neither the task definition nor the image names a command"};
    return {};
}

void add_volume(const TaskSpec& task, const MountPoint& mount, bool read_only, ContainerPlan& plan)
{
    const auto volume = std::find_if(task.volumes.begin(), task.volumes.end(), [&](const VolumeSpec& v) { return v.name == mount.volume; });
    if (volume == task.volumes.end()) return;
    Mount out{.path = mount.path, .read_only = mount.read_only || read_only};
    if (!volume->source_path.empty()) {
        out.kind = Mount::Kind::host_path;
        out.source = volume->source_path;
    } else {
        out.kind = volume->shared ? Mount::Kind::shared : Mount::Kind::scratch;
        out.source = volume->name;
    }
    plan.mounts.push_back(std::move(out));
}

void fill_mounts(const TaskSpec& task, const ContainerSpec& spec, ContainerPlan& plan)
{
    for (const MountPoint& mount : spec.mounts) add_volume(task, mount, false, plan);
    for (const VolumesFrom& from : spec.volumes_from) {
        const ContainerSpec* source = task.find(from.container);
        if (!source) continue;
        for (const MountPoint& mount : source->mounts) add_volume(task, mount, from.read_only, plan);
    }
    // Deeper paths after those that contain them, so that none is hidden.
    std::stable_sort(plan.mounts.begin(), plan.mounts.end(), [](const Mount& a, const Mount& b) {
        return std::count(a.path.begin(), a.path.end(), '/') < std::count(b.path.begin(), b.path.end(), '/');
    });
}

void fill_names(const TaskSpec& task, const DockerExtras& extras, ContainerPlan& plan)
{
    if (task.eni) {
        std::string names = plan.host_name;
        if (!task.eni->private_dns_name.empty() && task.eni->private_dns_name != plan.host_name) names = task.eni->private_dns_name + " " + names;
        plan.hosts.push_back({task.eni->ipv4, names});
        if (plan.dns_servers.empty()) plan.dns_servers = task.eni->name_servers;
        if (plan.dns_search.empty()) plan.dns_search = task.eni->search_domains;
    }
    for (const std::string& extra : extras.extra_hosts) {
        const auto colon = extra.find(':');
        if (colon != std::string::npos) plan.hosts.push_back({extra.substr(colon + 1), extra.substr(0, colon)});
    }
}

void fill_labels(const TaskSpec& task, const ContainerSpec& spec, const ImageConfig& image, ContainerPlan& plan)
{
    std::map<std::string, std::string> labels = image.labels;
    for (const auto& [name, value] : plan.labels) labels[name] = value;
    labels["com.amazonaws.ecs.cluster"] = task.cluster;
    labels["com.amazonaws.ecs.container-name"] = spec.name;
    labels["com.amazonaws.ecs.task-arn"] = task.arn;
    labels["com.amazonaws.ecs.task-definition-family"] = task.family;
    labels["com.amazonaws.ecs.task-definition-version"] = task.version;
    plan.labels = std::move(labels);
}

std::string default_host_name(const TaskSpec& task, const ContainerRecord& container)
{
    if (task.network_mode == NetworkMode::host) return {};                 // the host's own
    if (task.eni && !task.eni->private_dns_name.empty()) return task.eni->private_dns_name;
    return container.runtime_id.substr(0, 12);
}

}  // namespace

HostOutcome<ContainerPlan> plan_container(const TaskRecord& task, std::size_t at, const ImageConfig& image, const PlanContext& context)
{
    const ContainerSpec& spec = task.spec->containers[at];
    const ContainerRecord& container = task.containers[at];
    ContainerPlan plan;
    plan.id = container_id(task.spec->id, at);
    plan.task = task.spec->id;
    plan.name = spec.name;
    plan.network_mode = task.spec->network_mode;
    if (plan.network_mode == NetworkMode::bridge) plan.ports = container.ports;
    plan.host_name = default_host_name(*task.spec, container);
    plan.working_directory = image.working_directory;
    plan.user = image.user;
    plan.stop_signal = image.stop_signal.empty() ? "SIGTERM" : image.stop_signal;
    plan.cpu_shares = std::max(2, spec.cpu);
    plan.memory_bytes = static_cast<std::uint64_t>(std::max(0, spec.memory)) << 20;
    plan.host_pid = task.spec->pid_mode == "host";
    plan.host_ipc = task.spec->ipc_mode == "host";
    plan.task_ipc = task.spec->ipc_mode == "task";
    if (task.spec->pid_mode == "task") return Failure{"CannotCreateContainerError", "pidMode task cannot be provided by this agent"};
    if (!spec.links.empty()) return Failure{"CannotCreateContainerError", "links cannot be provided by this agent"};

    DockerExtras extras;
    if (auto trouble = apply_docker_config(spec.docker_config, spec.host_config, plan, extras))
        return Failure{"DockerClientConfigError", std::move(*trouble)};
    if (extras.network_disabled) plan.network_mode = NetworkMode::none;
    if (plan.memory_bytes != 0) plan.memory_bytes = std::max(plan.memory_bytes, memory_bytes_min);
    if (plan.working_directory.empty()) plan.working_directory = "/";
    if (auto filled = fill_arguments(spec, image, extras, plan); !filled) return filled.error();
    fill_environment(task, at, image, extras, context, plan);
    fill_mounts(*task.spec, spec, plan);
    fill_names(*task.spec, extras, plan);
    fill_labels(*task.spec, spec, image, plan);
    return plan;
}

}  // namespace boxship::agent
