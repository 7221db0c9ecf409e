#include "drive/agents/payload.h"

#include "base/ipv4.h"
#include "drive/agents/docker_config.h"
#include "drive/agents/group_feed.h"
#include "model/arns.h"

namespace boxship::drive {
namespace {

using shape::Json;

const char* wire_name(model::NetworkMode mode)
{
    switch (mode) {
    case model::NetworkMode::bridge: return "bridge";
    case model::NetworkMode::host: return "host";
    case model::NetworkMode::awsvpc: return "awsvpc";
    case model::NetworkMode::none: return "none";
    }
    return "bridge";
}

const char* wire_name(model::LaunchType type)
{
    switch (type) {
    case model::LaunchType::ec2: return "EC2";
    case model::LaunchType::fargate: return "FARGATE";
    case model::LaunchType::external: return "EXTERNAL";
    }
    return "EC2";
}

std::vector<std::string> texts(const Json& list)
{
    std::vector<std::string> out;
    for (const Json& text : list.as_array()) out.push_back(text.as_string());
    return out;
}

std::optional<std::int64_t> maybe_number(const Json& from, const char* name)
{
    if (!from[name].is_number()) return std::nullopt;
    return from.get_int64(name);
}

// The override of a container by name, or null.
const Json& override_of(const Json& overrides, const std::string& name)
{
    static const Json none;
    for (const Json& entry : overrides["containerOverrides"].as_array())
        if (entry.get_string("name") == name) return entry;
    return none;
}

acs::TextMap environment(const Json& definition, const Json& override, const Assignment& assignment)
{
    acs::TextMap map{{"AWS_EXECUTION_ENV", assignment.task->launch_type == model::LaunchType::fargate ? "AWS_ECS_FARGATE" : "AWS_ECS_EC2"}};
    for (const auto* list : {&definition["environment"], &override["environment"]})
        for (const Json& pair : list->as_array()) map[pair.get_string("name")] = pair.get_string("value");
    return map;
}

const model::TaskContainer* find_row(const Assignment& assignment, const std::string& name)
{
    for (const auto& container : assignment.task->containers)
        if (container.name == name) return &container;
    return nullptr;
}

// "nginx:1.25" → "nginx@sha256:…": what a service's deployment began with, whatever the tag names by now.
std::string pinned(const std::string& image, const std::string& digest)
{
    const auto colon = image.rfind(':');
    const bool tagged = colon != std::string::npos && image.find('/', colon) == std::string::npos;
    return image.substr(0, tagged ? colon : std::string::npos) + "@" + digest;
}

acs::Container container_payload(const Assignment& assignment, const Json& definition, const Json& override, const PayloadContext& context)
{
    acs::Container out;
    out.name = definition.get_string("name");
    out.image = definition.get_string("image");
    if (const model::TaskContainer* row = find_row(assignment, out.name)) {
        out.container_arn = model::container_arn(*assignment.cluster, assignment.task->id, row->id);
        if (!row->pinned_digest.empty()) out.image = pinned(out.image, row->pinned_digest);
    }
    out.essential = definition.get_bool("essential", true);
    out.cpu = override.get_int64("cpu", definition.get_int64("cpu"));
    out.memory = override.get_int64("memory", definition.get_int64("memory"));
    out.entry_point = texts(definition["entryPoint"]);
    out.command = texts((override.has("command") ? override : definition)["command"]);
    out.environment = environment(definition, override, assignment);
    for (const Json& port : definition["portMappings"].as_array())
        out.port_mappings.push_back({port.get_int64("containerPort"), port.get_int64("hostPort"), port.get_string("protocol", "tcp"), ""});
    for (const Json& mount : definition["mountPoints"].as_array())
        out.mount_points.push_back({mount.get_string("sourceVolume"), mount.get_string("containerPath"), mount.get_bool("readOnly")});
    for (const Json& from : definition["volumesFrom"].as_array())
        out.volumes_from.push_back({from.get_string("sourceContainer"), from.get_bool("readOnly")});
    for (const Json& on : definition["dependsOn"].as_array()) out.depends_on.push_back({on.get_string("containerName"), on.get_string("condition")});
    if (definition["healthCheck"].is_object()) out.health_check_type = "docker";
    if (const Json& policy = definition["restartPolicy"]; policy.get_bool("enabled")) {
        acs::RestartPolicy& restart = out.restart_policy.emplace();
        restart.enabled = true;
        for (const Json& code : policy["ignoredExitCodes"].as_array()) restart.ignored_exit_codes.push_back(code.as_int64());
        restart.restart_attempt_period = maybe_number(policy, "restartAttemptPeriod");
    }
    out.links = texts(definition["links"]);
    out.start_timeout = maybe_number(definition, "startTimeout");
    out.stop_timeout = maybe_number(definition, "stopTimeout");
    out.overrides = "{}";  // merged above
    if (is_own_image(out.image, context.registry_host, assignment.cluster->scope.account)) {
        const auto& scope = assignment.cluster->scope;
        out.registry_authentication = {.type = "ecr", .ecr = acs::EcrAuth{scope.region, scope.account, context.endpoint, false}, .asm_ = {}};
    }
    out.docker_config = docker_config(definition, override, wire_name(assignment.definition->network_mode));
    return out;
}

acs::NetworkInterface eni_payload(const Assignment& assignment)
{
    const model::Eni& eni = *assignment.eni;
    const model::Subnet& subnet = *assignment.subnet;
    std::string dns = "ip-" + ipv4_text(eni.address);
    for (char& c : dns)
        if (c == '.') c = '-';
    acs::NetworkInterface out;
    out.attachment_arn = model::attachment_arn(eni.scope, eni.attachment);
    out.ec2_id = to_short_text("eni-", eni.id);
    out.name = "eth0";
    out.mac_address = eni.mac;
    out.interface_association_protocol = "default";
    out.ipv4_addresses = {{true, ipv4_text(eni.address)}};
    out.subnet_gateway_ipv4 = ipv4_text(subnet.network + 1) + "/" + std::to_string(subnet.prefix);
    out.private_dns_name = dns + ".ec2.internal";
    out.vpc_id = to_short_text("vpc-", assignment.vpc->id);
    out.vpc_cidr = to_text(Ipv4Range{assignment.vpc->network, assignment.vpc->prefix});
    out.router = router_name(*assignment.vpc);
    for (const auto& group : eni.groups) out.security_groups.push_back(to_short_text("sg-", group));
    return out;
}

Json parse_own(const std::string& text)  // JSON that we wrote ourselves
{
    if (text.empty()) return Json::object();
    auto json = Json::parse(text);
    CHECK(json.ok());
    return std::move(json).value();
}

}  // namespace

std::optional<Assignment> find_assignment(const state::View& view, const std::shared_ptr<const model::Task>& task)
{
    Assignment assignment{.task = task};
    assignment.definition = view.get<model::TaskDefinition>(task->definition);
    assignment.cluster = view.get<model::Cluster>(task->cluster);
    if (!assignment.definition || !assignment.cluster) return std::nullopt;
    if (task->eni && (assignment.eni = view.get<model::Eni>(task->eni))) {
        assignment.subnet = view.get<model::Subnet>(assignment.eni->subnet);
        assignment.vpc = view.get<model::Vpc>(assignment.eni->vpc);
        if (!assignment.subnet || !assignment.vpc) return std::nullopt;
    }
    return assignment;
}

acs::Credentials credentials_payload(const RoleCredentials& credentials)
{
    return {credentials.id,
            credentials.role_arn,
            credentials.keys.access_key_id,
            credentials.keys.secret_access_key,
            credentials.keys.session_token,
            to_iso8601(credentials.expires_at)};
}

bool is_own_image(const std::string& image, const std::string& registry_host, const std::string& account)
{
    const std::string host = image.substr(0, image.find('/'));
    if (host.size() == image.size()) return false;  // no slash: a name on a public hub
    return host == registry_host || host.starts_with(account + ".dkr.ecr.");
}

acs::Task task_payload(const Assignment& assignment, const PayloadContext& context)
{
    const model::Task& task = *assignment.task;
    const Json document = parse_own(assignment.definition->document);
    const Json overrides = parse_own(task.overrides.str());
    acs::Task out;
    out.arn = model::task_arn(*assignment.cluster, task.id);
    out.cluster_arn = model::cluster_arn(*assignment.cluster);
    out.family = assignment.definition->family;
    out.version = std::to_string(assignment.definition->revision);
    out.desired_status = task.runs_on() ? "RUNNING" : "STOPPED";
    out.launch_type = wire_name(task.launch_type);
    out.network_mode = wire_name(assignment.definition->network_mode);
    out.group = task.group;
    if (task.group.starts_with("service:")) out.service_name = task.group.view().substr(8);
    out.task_definition_account_id = assignment.cluster->scope.account;
    out.zone = task.zone;
    out.overrides = "{}";
    for (const Json& volume : document["volumes"].as_array())
        out.volumes.push_back({.name = volume.get_string("name"), .type = "host", .host_source_path = volume["host"].get_string("sourcePath"), .docker = {}, .efs = {}});
    for (const Json& definition : document["containerDefinitions"].as_array())
        out.containers.push_back(container_payload(assignment, definition, override_of(overrides, definition.get_string("name")), context));
    // Limits of the task as a whole exist only where the definition (or an override) names them.
    if (!task.cpu_text.empty()) out.cpu = static_cast<double>(task.cpu) / 1024;
    if (!task.memory_text.empty()) out.memory = task.memory;
    if (assignment.eni) out.network_interfaces = {eni_payload(assignment)};
    if (context.task_role) out.role_credentials = credentials_payload(*context.task_role);
    if (context.execution_role) out.execution_role_credentials = credentials_payload(*context.execution_role);
    return out;
}

}  // namespace boxship::drive
