#include "agent/task_spec.h"

#include <cmath>

#include "base/arn.h"
#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::agent {
namespace {

using shape::Json;

// Collects the first thing that is wrong, so that the readers below stay a list of members.
struct Trouble {
    std::string first;
    void add(std::string what)
    {
        if (first.empty()) first = std::move(what);
    }
};

std::vector<std::string> strings(const Json& list)
{
    std::vector<std::string> texts;
    for (const Json& text : list.as_array()) texts.push_back(text.as_string());
    return texts;
}

// JSON text inside a string; an object is accepted as well.
Json nested(const Json& value, const std::string& where, Trouble& trouble)
{
    if (value.is_null() || value.is_object()) return value;
    if (!value.is_string()) {
        trouble.add(where + " is not JSON text");
        return {};
    }
    if (value.as_string().empty()) return {};
    auto parsed = Json::parse(value.as_string());
    if (!parsed) {
        trouble.add("Unable decode given docker config: " + where + ": " + parsed.error());
        return {};
    }
    return std::move(*parsed);
}

std::uint16_t port(const Json& value, const std::string& where, Trouble& trouble)
{
    const std::int64_t number = value.as_int64();
    if (number < 0 || number > 65535) trouble.add(where + " is not a port");
    return static_cast<std::uint16_t>(number);
}

void read_port_range(const std::string& range, const std::string& protocol, std::vector<PortMapping>& ports, Trouble& trouble)
{
    const auto ends = split(range, '-');
    const bool two = ends.size() == 2;
    const int low = two ? parse_number<int>(ends[0]).value_or(0) : 0, high = two ? parse_number<int>(ends[1]).value_or(0) : 0;
    if (low < 1 || high < low || high > 65535) return trouble.add("containerPortRange " + range + " is not a range of ports");
    for (int at = low; at <= high; ++at) ports.push_back({static_cast<std::uint16_t>(at), 0, protocol});
}

void read_ports(const Json& container, ContainerSpec& spec, Trouble& trouble)
{
    for (const Json& mapping : container["portMappings"].as_array()) {
        const std::string protocol = mapping.get_string("protocol", "tcp");
        if (protocol != "tcp" && protocol != "udp") trouble.add("protocol " + protocol + " of a port mapping is not tcp or udp");
        if (const std::string range = mapping.get_string("containerPortRange"); !range.empty()) {
            read_port_range(range, protocol, spec.ports, trouble);
            continue;
        }
        spec.ports.push_back({port(mapping["containerPort"], "containerPort", trouble),
                              port(mapping["hostPort"], "hostPort", trouble), protocol});
    }
}

void read_dependencies(const Json& container, ContainerSpec& spec, Trouble& trouble)
{
    static const std::map<std::string, Condition> conditions = {
        {"CREATE", Condition::create},     {"START", Condition::start},     {"COMPLETE", Condition::complete},
        {"SUCCESS", Condition::success},   {"HEALTHY", Condition::healthy},
    };
    for (const Json& dependency : container["dependsOn"].as_array()) {
        const auto condition = conditions.find(dependency.get_string("condition"));
        if (condition == conditions.end()) {
            trouble.add("dependsOn of " + spec.name + " has the unknown condition " + dependency.get_string("condition"));
            continue;
        }
        spec.depends_on.push_back({dependency.get_string("containerName"), condition->second});
    }
    for (const std::string& link : strings(container["links"])) {
        spec.links.push_back(link);
        spec.depends_on.push_back({split(link, ':').front(), Condition::start});
    }
    for (const Json& from : container["volumesFrom"].as_array()) {
        const std::string source = from.get_string("sourceContainer");
        spec.volumes_from.push_back({source, from.get_bool("readOnly")});
        spec.depends_on.push_back({source, Condition::create});
    }
}

void read_registry_auth(const Json& auth, ContainerSpec& spec)
{
    spec.registry_auth_type = auth.get_string("type");
    const Json& ecr = auth["ecrAuthData"];
    spec.ecr_endpoint = ecr.get_string("endpointOverride");
    spec.ecr_registry_id = ecr.get_string("registryId");
    spec.ecr_use_execution_role = ecr.get_bool("useExecutionRole");
}

// Of the overrides only the command is ours to apply; an unknown key is an error on the wire.
void apply_overrides(const Json& container, ContainerSpec& spec, Trouble& trouble)
{
    const Json overrides = nested(container["overrides"], "overrides of " + spec.name, trouble);
    for (const shape::JsonMember& member : overrides.as_object()) {
        if (member.value.is_null()) continue;
        if (member.key == "command")
            spec.command = strings(member.value);
        else
            trouble.add("overrides of " + spec.name + " have the unknown member " + member.key);
    }
}

ContainerSpec read_container(const Json& container, Trouble& trouble)
{
    ContainerSpec spec;
    spec.name = container.get_string("name");
    spec.arn = container.get_string("containerArn");
    spec.image = container.get_string("image");
    spec.essential = container.get_bool("essential", true);
    spec.cpu = static_cast<int>(container.get_int64("cpu"));
    spec.memory = static_cast<int>(container.get_int64("memory"));
    if (spec.name.empty()) trouble.add("a container has no name");
    if (spec.image.empty()) trouble.add("container " + spec.name + " has no image");
    if (container["entryPoint"].is_array()) spec.entry_point = strings(container["entryPoint"]);
    if (container["command"].is_array()) spec.command = strings(container["command"]);
    for (const shape::JsonMember& variable : container["environment"].as_object())
        spec.environment[variable.key] = variable.value.as_string();
    for (const Json& mount : container["mountPoints"].as_array())
        spec.mounts.push_back({mount.get_string("sourceVolume"), mount.get_string("containerPath"), mount.get_bool("readOnly")});
    read_ports(container, spec, trouble);
    read_dependencies(container, spec, trouble);
    spec.start_timeout_seconds = static_cast<int>(container.get_int64("startTimeout"));
    spec.stop_timeout_seconds = static_cast<int>(container.get_int64("stopTimeout"));
    spec.has_health_check = container.get_string("healthCheckType") == "docker";
    const Json& restart = container["restartPolicy"];
    spec.restart.enabled = restart.get_bool("enabled");
    for (const Json& code : restart["ignoredExitCodes"].as_array()) spec.restart.ignored_exit_codes.push_back(static_cast<int>(code.as_int64()));
    spec.restart.attempt_period_seconds = static_cast<int>(restart.get_int64("restartAttemptPeriod", 300));
    read_registry_auth(container["registryAuthentication"], spec);
    apply_overrides(container, spec, trouble);
    spec.docker_config = nested(container["dockerConfig"]["config"], "dockerConfig.config of " + spec.name, trouble);
    spec.host_config = nested(container["dockerConfig"]["hostConfig"], "dockerConfig.hostConfig of " + spec.name, trouble);

    for (const char* member : {"secrets", "environmentFiles", "credentialSpecs", "managedAgents"}) {
        if (!container[member].as_array().empty()) trouble.add(std::string(member) + " of " + spec.name + " cannot be provided by this agent");
    }
    if (container["firelensConfiguration"].is_object()) trouble.add("firelensConfiguration of " + spec.name + " cannot be provided by this agent");
    if (spec.registry_auth_type == "asm") trouble.add("repositoryCredentials of " + spec.name + " cannot be provided by this agent");
    return spec;
}

void read_volumes(const Json& task, TaskSpec& spec, Trouble& trouble)
{
    for (const Json& volume : task["volumes"].as_array()) {
        VolumeSpec out{.name = volume.get_string("name")};
        if (out.name.empty()) trouble.add("a volume has no name");
        const std::string type = volume.get_string("type", "host");
        if (type == "host") {
            out.source_path = volume["host"].get_string("sourcePath");
        } else if (type == "docker") {
            const Json& docker = volume["dockerVolumeConfiguration"];
            const std::string driver = docker.get_string("driver", "local");
            if (driver != "local" || !docker["driverOpts"].as_object().empty())
                trouble.add("volume " + out.name + " asks for driver options that this agent does not have");
            out.shared = docker.get_string("scope") == "shared";
        } else {
            trouble.add("volumes of type " + type + " cannot be provided by this agent");
        }
        spec.volumes.push_back(std::move(out));
    }
}

void read_eni(const Json& task, TaskSpec& spec, Trouble& trouble)
{
    const auto& interfaces = task["elasticNetworkInterfaces"].as_array();
    if (interfaces.empty()) {
        if (spec.network_mode == NetworkMode::awsvpc) trouble.add("networkMode awsvpc without a network interface");
        return;
    }
    const Json& eni = interfaces.front();
    EniSpec out;
    out.attachment_arn = eni.get_string("attachmentArn");
    out.id = eni.get_string("ec2Id");
    out.mac = eni.get_string("macAddress");
    for (const Json& address : eni["ipv4Addresses"].as_array()) {
        if (out.ipv4.empty() || address.get_bool("primary")) out.ipv4 = address.get_string("privateAddress");
    }
    out.gateway = eni.get_string("subnetGatewayIpv4Address");
    out.name_servers = strings(eni["domainNameServers"]);
    out.search_domains = strings(eni["domainName"]);
    out.private_dns_name = eni.get_string("privateDnsName");
    out.vpc_id = eni.get_string("vpcId");
    out.vpc_cidr = eni.get_string("vpcCidr");
    out.router = eni.get_string("router", "default");
    out.groups = strings(eni["securityGroups"]);
    if (out.id.empty() || out.mac.empty() || out.ipv4.empty()) trouble.add("eni: a member of the network interface is missing");
    spec.eni = std::move(out);
}

RoleSpec read_role(const Json& credentials)
{
    return {credentials.get_string("credentialsId"), credentials.get_string("roleArn")};
}

void check_references(const TaskSpec& spec, Trouble& trouble)
{
    for (const ContainerSpec& container : spec.containers) {
        for (const Dependency& dependency : container.depends_on) {
            if (!spec.find(dependency.container) || dependency.container == container.name)
                trouble.add("container " + container.name + " depends on " + dependency.container + ", which is not there");
        }
        for (const MountPoint& mount : container.mounts) {
            bool known = false;
            for (const VolumeSpec& volume : spec.volumes) known = known || volume.name == mount.volume;
            if (!known && !mount.volume.empty()) trouble.add("container " + container.name + " mounts the unknown volume " + mount.volume);
        }
    }
}

}  // namespace

std::string_view to_text(NetworkMode mode)
{
    switch (mode) {
        case NetworkMode::bridge: return "bridge";
        case NetworkMode::host: return "host";
        case NetworkMode::none: return "none";
        case NetworkMode::awsvpc: return "awsvpc";
    }
    return "bridge";
}

std::string task_id_of(std::string_view arn)
{
    const auto slash = arn.rfind('/');
    return std::string(slash == std::string_view::npos ? arn : arn.substr(slash + 1));
}

const ContainerSpec* TaskSpec::find(std::string_view container) const
{
    for (const ContainerSpec& spec : containers) {
        if (spec.name == container) return &spec;
    }
    return nullptr;
}

int TaskSpec::cpu_units() const
{
    if (cpu > 0) return static_cast<int>(std::lround(cpu * 1024));
    int sum = 0;
    for (const ContainerSpec& container : containers) sum += container.cpu;
    return sum;
}

int TaskSpec::memory_mib() const
{
    if (memory > 0) return memory;
    std::int64_t sum = 0;
    for (const ContainerSpec& container : containers) {
        const std::int64_t reservation = container.host_config.get_int64("MemoryReservation") >> 20;
        sum += reservation > 0 ? reservation : container.memory;
    }
    return static_cast<int>(sum);
}

Outcome<TaskSpec, std::string> read_task(const Json& task)
{
    TaskSpec spec;
    Trouble trouble;
    spec.arn = task.get_string("arn");
    if (!Arn::parse(spec.arn)) return std::string("the task has no ARN");
    spec.id = task_id_of(spec.arn);
    spec.cluster = task.get_string("taskClusterArn");
    spec.family = task.get_string("family");
    spec.version = task.get_string("version");
    spec.launch_type = task.get_string("launchType");
    spec.service = task.get_string("serviceName");
    spec.group = task.get_string("group");
    spec.zone = task.get_string("zone");
    spec.cpu = task.get_double("cpu");
    spec.memory = static_cast<int>(task.get_int64("memory"));
    spec.pid_mode = task.get_string("pidMode");
    spec.ipc_mode = task.get_string("ipcMode");
    spec.role = read_role(task["roleCredentials"]);
    spec.execution_role = read_role(task["executionRoleCredentials"]);

    const std::string desired = task.get_string("desiredStatus");
    if (desired == "STOPPED")
        spec.desired = Desired::stopped;
    else if (desired != "RUNNING")
        trouble.add("desiredStatus is neither RUNNING nor STOPPED");

    const std::string mode = task.get_string("networkMode", "bridge");
    if (mode == "host") spec.network_mode = NetworkMode::host;
    else if (mode == "none") spec.network_mode = NetworkMode::none;
    else if (mode == "awsvpc") spec.network_mode = NetworkMode::awsvpc;
    else if (mode != "bridge" && !mode.empty()) trouble.add("networkMode " + mode + " is unknown");

    for (const Json& container : task["containers"].as_array()) spec.containers.push_back(read_container(container, trouble));
    if (spec.containers.empty() && spec.desired == Desired::running) trouble.add("the task has no containers");
    read_volumes(task, spec, trouble);
    read_eni(task, spec, trouble);
    if (!task["associations"].as_array().empty()) trouble.add("associations cannot be provided by this agent");
    if (!task["proxyConfiguration"].is_null()) trouble.add("proxyConfiguration cannot be provided by this agent");
    for (const Json& attachment : task["attachments"].as_array())
        trouble.add("attachments of type " + attachment.get_string("attachmentType") + " cannot be provided by this agent");
    check_references(spec, trouble);
    if (!trouble.first.empty()) return trouble.first;
    return spec;
}

Json without_secrets(Json task)
{
    for (const char* member : {"roleCredentials", "executionRoleCredentials"}) {
        Json* credentials = task.find(member);
        if (!credentials) continue;
        for (const char* secret : {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"}) credentials->erase(secret);
    }
    return task;
}

}  // namespace boxship::agent
