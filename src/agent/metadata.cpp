#include "agent/metadata.h"

#include <algorithm>

#include "base/ipv4.h"

namespace boxship::agent {
namespace {

using shape::Json;

std::string_view desired_text(Desired desired)
{
    return desired == Desired::running ? "RUNNING" : "STOPPED";
}

// A container's own words: the agent knows more states than reports do.
std::string_view known_text(const ContainerRecord& container)
{
    switch (container.life) {
        case Life::waiting: return container.image_id.empty() ? "NONE" : "PULLED";
        case Life::running: return "RUNNING";
        case Life::stopped: return "STOPPED";
    }
    return "NONE";
}

void set_time(Json& json, const char* name, Time time)
{
    if (time) json.set(name, to_iso8601(time));
}

Json limits(double cpu, int memory)
{
    Json limits = Json::object({{"CPU", cpu}});
    if (memory > 0) limits.set("Memory", memory);
    return limits;
}

// "172.31.0.1/20" → "172.31.0.0/20"
std::string subnet_of(const std::string& gateway)
{
    const auto slash = gateway.find('/');
    const auto address = parse_ipv4(gateway.substr(0, slash));
    if (slash == std::string::npos || !address) return {};
    Ipv4Range subnet{.network = *address, .prefix = std::clamp(std::atoi(gateway.c_str() + slash + 1), 0, 32)};
    subnet.network &= subnet.mask();
    return to_text(subnet);
}

Json networks(const TaskSpec& spec, MetadataVersion version)
{
    Json network = Json::object({{"NetworkMode", to_text(spec.network_mode)}});
    if (spec.eni) {
        const EniSpec& eni = *spec.eni;
        network.set("IPv4Addresses", Json::array({eni.ipv4}));
        if (version == MetadataVersion::v4) {
            network.set("AttachmentIndex", 0);
            network.set("MACAddress", eni.mac);
            if (const std::string subnet = subnet_of(eni.gateway); !subnet.empty()) {
                network.set("IPv4SubnetCIDRBlock", subnet);
                network.set("SubnetGatewayIpv4Address", eni.gateway);
            }
            if (!eni.private_dns_name.empty()) network.set("PrivateDNSName", eni.private_dns_name);
            if (!eni.name_servers.empty()) {
                Json servers = Json::array();
                for (const std::string& server : eni.name_servers) servers.push_back(server);
                network.set("DomainNameServers", std::move(servers));
            }
        }
    }
    return Json::array({std::move(network)});
}

Json ports(const TaskSpec& spec, const ContainerSpec& container, const ContainerRecord& record)
{
    Json list = Json::array();
    if (!record.ports.empty()) {
        for (const PortBinding& port : record.ports)
            list.push_back(Json::object({{"ContainerPort", port.container_port}, {"Protocol", port.protocol}, {"HostPort", port.host_port}, {"HostIp", port.bind_ip}}));
    } else if (spec.network_mode == NetworkMode::awsvpc) {
        for (const PortMapping& port : container.ports)
            list.push_back(Json::object({{"ContainerPort", port.container_port}, {"Protocol", port.protocol}}));
    }
    return list;
}

Json labels(const TaskSpec& spec, const ContainerSpec& container)
{
    Json labels = Json::object();
    for (const shape::JsonMember& label : container.docker_config["Labels"].as_object()) labels.set(label.key, label.value);
    labels.set("com.amazonaws.ecs.cluster", spec.cluster);
    labels.set("com.amazonaws.ecs.container-name", container.name);
    labels.set("com.amazonaws.ecs.task-arn", spec.arn);
    labels.set("com.amazonaws.ecs.task-definition-family", spec.family);
    labels.set("com.amazonaws.ecs.task-definition-version", spec.version);
    return labels;
}

Json volumes(const TaskSpec& spec, const ContainerSpec& container)
{
    Json list = Json::array();
    for (const MountPoint& mount : container.mounts) {
        const auto volume = std::find_if(spec.volumes.begin(), spec.volumes.end(), [&](const VolumeSpec& v) { return v.name == mount.volume; });
        Json out = Json::object({{"DockerName", mount.volume}, {"Destination", mount.path}});
        if (volume != spec.volumes.end() && !volume->source_path.empty()) out.set("Source", volume->source_path);
        list.push_back(std::move(out));
    }
    return list;
}

Json usage(const ContainerStats& stats, int processors)
{
    return Json::object({
        {"cpu_usage", Json::object({{"total_usage", stats.cpu_ns}, {"usage_in_kernelmode", stats.cpu_system_ns}, {"usage_in_usermode", stats.cpu_user_ns}})},
        {"system_cpu_usage", stats.system_cpu_ns},
        {"online_cpus", processors},
        {"throttling_data", Json::object({{"periods", 0}, {"throttled_periods", 0}, {"throttled_time", 0}})},
    });
}

}  // namespace

Json container_metadata(const TaskView& view, std::size_t at, MetadataVersion version)
{
    const TaskSpec& spec = *view.record.spec;
    const ContainerSpec& container = spec.containers[at];
    const ContainerRecord& record = view.record.containers[at];
    Json json = Json::object({
        {"DockerId", record.runtime_id},
        {"Name", container.name},
        {"DockerName", "ecs-" + spec.family + "-" + spec.version + "-" + container.name + "-" + record.runtime_id.substr(0, 20)},
        {"Image", container.image},
        {"ImageID", record.image_id},
    });
    if (Json list = ports(spec, container, record); !list.as_array().empty()) json.set("Ports", std::move(list));
    json.set("Labels", labels(spec, container));
    json.set("DesiredStatus", desired_text(view.record.desired));
    json.set("KnownStatus", known_text(record));
    if (record.exit_code && record.life == Life::stopped) json.set("ExitCode", *record.exit_code);
    json.set("Limits", limits(container.cpu, container.memory));
    set_time(json, "CreatedAt", record.created);
    set_time(json, "StartedAt", record.started);
    set_time(json, "FinishedAt", record.finished);
    json.set("Type", "NORMAL");
    if (container.has_health_check) {
        const HealthFacts& facts = view.health[at];
        Json health = Json::object({{"status", to_text(facts.health)}});
        set_time(health, "statusSince", facts.since);
        health.set("exitCode", facts.exit_code);
        health.set("output", facts.output);
        json.set("Health", std::move(health));
    }
    if (Json list = volumes(spec, container); !list.as_array().empty()) json.set("Volumes", std::move(list));
    if (version == MetadataVersion::v4) {
        const Json& log = container.host_config["LogConfig"];
        const std::string driver = log.get_string("Type");
        json.set("LogDriver", driver.empty() ? "json-file" : driver);
        if (log["Config"].is_object() && !log["Config"].as_object().empty()) json.set("LogOptions", log["Config"]);
        json.set("ContainerARN", container.arn);
        if (container.restart.enabled) json.set("RestartCount", record.restarts);
    }
    json.set("Networks", networks(spec, version));
    return json;
}

Json task_metadata(const TaskView& view, MetadataVersion version, const MetadataContext& context)
{
    const TaskRecord& record = view.record;
    const TaskSpec& spec = *record.spec;
    const bool v4 = version == MetadataVersion::v4;
    Json json = Json::object({
        {"Cluster", spec.cluster},
        {"TaskARN", spec.arn},
        {"Family", spec.family},
        {"Revision", spec.version},
        {"DesiredStatus", desired_text(record.desired)},
        {"KnownStatus", record.life() == Life::waiting ? "NONE" : status_text(record.life())},
    });
    if (spec.cpu > 0 || spec.memory > 0) json.set("Limits", limits(spec.cpu, spec.memory));
    Time pull_started, pull_stopped;
    for (const ContainerRecord& container : record.containers) {
        if (container.pull_started && (!pull_started || container.pull_started < pull_started)) pull_started = container.pull_started;
        pull_stopped = std::max(pull_stopped, container.pull_stopped);
    }
    set_time(json, "PullStartedAt", pull_started);
    set_time(json, "PullStoppedAt", pull_stopped);
    set_time(json, "ExecutionStoppedAt", record.execution_stopped);
    json.set("AvailabilityZone", spec.zone.empty() ? context.zone : spec.zone);
    if (v4) {
        json.set("LaunchType", spec.launch_type);
        if (!spec.service.empty()) json.set("ServiceName", spec.service);
        if (!spec.group.empty()) json.set("Group", spec.group);
        if (spec.eni && !spec.eni->vpc_id.empty()) json.set("VPCID", spec.eni->vpc_id);
    }
    Json containers = Json::array();
    for (std::size_t at = 0; at < record.containers.size(); ++at) containers.push_back(container_metadata(view, at, version));
    json.set("Containers", std::move(containers));
    if (v4) json.set("FaultInjectionEnabled", false);
    return json;
}

Json stats_json(const TaskView& view, std::size_t at, const ContainerStats& now, const std::optional<ContainerStats>& before, int processors,
                MetadataVersion version)
{
    const ContainerStats previous = before.value_or(ContainerStats{});
    const auto bytes = [](const char* op, std::uint64_t value) { return Json::object({{"major", 0}, {"minor", 0}, {"op", op}, {"value", value}}); };
    const std::string& id = view.record.containers[at].runtime_id;
    Json json = Json::object({
        {"read", to_iso8601(now.at)},
        {"preread", previous.at ? to_iso8601(previous.at) : "0001-01-01T00:00:00Z"},
        {"pids_stats", Json::object({{"current", now.pids}})},
        {"blkio_stats", Json::object({{"io_service_bytes_recursive", Json::array({bytes("Read", now.io_read_bytes), bytes("Write", now.io_write_bytes)})}})},
        {"num_procs", 0},
        {"storage_stats", Json::object()},
        {"cpu_stats", usage(now, processors)},
        {"precpu_stats", usage(previous, processors)},
        {"memory_stats", Json::object({{"usage", now.memory_bytes + now.memory_cache_bytes}, {"max_usage", now.memory_max_bytes},
                                       {"stats", Json::object({{"cache", now.memory_cache_bytes}})}, {"limit", now.memory_limit_bytes}})},
        {"name", "/" + view.record.spec->containers[at].name},
        {"id", id},
    });
    if (now.has_network) {
        json.set("networks", Json::object({{"eth0", Json::object({{"rx_bytes", now.rx_bytes}, {"rx_packets", now.rx_packets},
                                                                  {"rx_errors", now.rx_errors}, {"rx_dropped", now.rx_dropped},
                                                                  {"tx_bytes", now.tx_bytes}, {"tx_packets", now.tx_packets},
                                                                  {"tx_errors", now.tx_errors}, {"tx_dropped", now.tx_dropped}})}}));
        const double seconds = static_cast<double>((now.at - previous.at).count()) / 1000.0;
        if (version == MetadataVersion::v4 && before && before->has_network && seconds > 0 && now.rx_bytes >= previous.rx_bytes &&
            now.tx_bytes >= previous.tx_bytes) {
            json.set("network_rate_stats", Json::object({{"rx_bytes_per_sec", static_cast<double>(now.rx_bytes - previous.rx_bytes) / seconds},
                                                         {"tx_bytes_per_sec", static_cast<double>(now.tx_bytes - previous.tx_bytes) / seconds}}));
        }
    }
    return json;
}

}  // namespace boxship::agent
