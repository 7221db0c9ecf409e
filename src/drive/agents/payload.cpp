#include "drive/agents/payload.h"

#include "base/ipv4.h"
#include "drive/agents/docker_config.h"
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

void copy(const Json& from, const char* name, Json& to)
{
    if (const Json* value = from.find(name); value && !value->is_null()) to.set(name, *value);
}

// The override of a container by name, or null.
const Json& override_of(const Json& overrides, const std::string& name)
{
    static const Json none;
    for (const Json& entry : overrides["containerOverrides"].as_array())
        if (entry.get_string("name") == name) return entry;
    return none;
}

Json environment(const Json& definition, const Json& override, const Assignment& assignment)
{
    Json map = Json::object();
    map.set("AWS_EXECUTION_ENV", assignment.task->launch_type == model::LaunchType::fargate ? "AWS_ECS_FARGATE" : "AWS_ECS_EC2");
    for (const auto* list : {&definition["environment"], &override["environment"]})
        for (const Json& pair : list->as_array()) map.set(pair.get_string("name"), pair.get_string("value"));
    return map;
}

Json port_mappings(const Json& definition)
{
    Json list = Json::array();
    for (const Json& port : definition["portMappings"].as_array())
        list.push_back(Json::object({{"containerPort", port.get_int64("containerPort")},
                                     {"hostPort", port.get_int64("hostPort")},
                                     {"protocol", port.get_string("protocol", "tcp")}}));
    return list;
}

Json container_payload(const Assignment& assignment, const Json& definition, const Json& override, const PayloadContext& context)
{
    const std::string name = definition.get_string("name");
    Json json = Json::object({{"name", name},
                              {"image", definition.get_string("image")},
                              {"essential", definition.get_bool("essential", true)},
                              {"cpu", override.get_int64("cpu", definition.get_int64("cpu"))},
                              {"memory", override.get_int64("memory", definition.get_int64("memory"))}});
    for (const auto& container : assignment.task->containers)
        if (container.name == name) json.set("containerArn", model::container_arn(*assignment.cluster, assignment.task->id, container.id));
    copy(definition, "entryPoint", json);
    copy(override.has("command") ? override : definition, "command", json);
    json.set("environment", environment(definition, override, assignment));
    json.set("portMappings", port_mappings(definition));
    for (const char* list : {"mountPoints", "volumesFrom", "links"})
        json.set(list, definition[list].is_array() ? definition[list] : Json::array());
    copy(definition, "startTimeout", json);
    copy(definition, "stopTimeout", json);
    json.set("overrides", "{}");  // merged above
    if (is_own_image(definition.get_string("image"), context.registry_host, assignment.cluster->scope.account))
        json.set("registryAuthentication",
                 Json::object({{"type", "ecr"},
                               {"ecrAuthData", Json::object({{"region", assignment.cluster->scope.region},
                                                             {"registryId", assignment.cluster->scope.account},
                                                             {"endpointOverride", context.endpoint},
                                                             {"useExecutionRole", false}})}}));
    json.set("dockerConfig", docker_config(definition, override, wire_name(assignment.definition->network_mode)));
    return json;
}

Json eni_payload(const Assignment& assignment)
{
    const model::Eni& eni = *assignment.eni;
    const model::Subnet& subnet = *assignment.subnet;
    std::string dns = "ip-" + ipv4_text(eni.address);
    for (char& c : dns)
        if (c == '.') c = '-';
    return Json::object({{"attachmentArn", model::attachment_arn(eni.scope, eni.attachment)},
                         {"ec2Id", to_short_text("eni-", eni.id)},
                         {"name", "eth0"},
                         {"macAddress", eni.mac},
                         {"index", 0},
                         {"interfaceAssociationProtocol", "default"},
                         {"ipv4Addresses", Json::array({Json::object({{"primary", true}, {"privateAddress", ipv4_text(eni.address)}})})},
                         {"subnetGatewayIpv4Address", ipv4_text(subnet.network + 1) + "/" + std::to_string(subnet.prefix)},
                         {"domainNameServers", Json::array()},
                         {"privateDnsName", dns + ".ec2.internal"}});
}

Json volumes(const Json& document)
{
    Json list = Json::array();
    for (const Json& volume : document["volumes"].as_array()) {
        Json host = Json::object();
        copy(volume["host"], "sourcePath", host);
        list.push_back(Json::object({{"name", volume.get_string("name")}, {"type", "host"}, {"host", std::move(host)}}));
    }
    return list;
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
        if (!assignment.subnet) return std::nullopt;
    }
    return assignment;
}

Json credentials_json(const RoleCredentials& credentials)
{
    return Json::object({{"credentialsId", credentials.id},
                         {"roleArn", credentials.role_arn},
                         {"accessKeyId", credentials.keys.access_key_id},
                         {"secretAccessKey", credentials.keys.secret_access_key},
                         {"sessionToken", credentials.keys.session_token},
                         {"expiration", to_iso8601(credentials.expires_at)}});
}

bool is_own_image(const std::string& image, const std::string& registry_host, const std::string& account)
{
    const std::string host = image.substr(0, image.find('/'));
    if (host.size() == image.size()) return false;  // no slash: a name on a public hub
    return host == registry_host || host.starts_with(account + ".dkr.ecr.");
}

Json task_payload(const Assignment& assignment, const PayloadContext& context)
{
    const model::Task& task = *assignment.task;
    const Json document = parse_own(assignment.definition->document);
    const Json overrides = parse_own(task.overrides);
    Json containers = Json::array();
    for (const Json& definition : document["containerDefinitions"].as_array())
        containers.push_back(container_payload(assignment, definition, override_of(overrides, definition.get_string("name")), context));

    Json json = Json::object({{"arn", model::task_arn(*assignment.cluster, task.id)},
                              {"taskClusterArn", model::cluster_arn(*assignment.cluster)},
                              {"family", assignment.definition->family},
                              {"version", std::to_string(assignment.definition->revision)},
                              {"desiredStatus", task.wanted ? "RUNNING" : "STOPPED"},
                              {"launchType", wire_name(task.launch_type)},
                              {"networkMode", wire_name(assignment.definition->network_mode)},
                              {"group", task.group},
                              {"taskDefinitionAccountId", assignment.cluster->scope.account},
                              {"zone", task.zone},
                              {"overrides", "{}"},
                              {"volumes", volumes(document)},
                              {"containers", std::move(containers)}});
    // Limits of the task as a whole exist only where the definition (or an override) names them.
    if (!task.cpu_text.empty()) json.set("cpu", static_cast<double>(task.cpu) / 1024);
    if (!task.memory_text.empty()) json.set("memory", task.memory);
    if (assignment.eni) json.set("elasticNetworkInterfaces", Json::array({eni_payload(assignment)}));
    if (context.task_role) json.set("roleCredentials", credentials_json(*context.task_role));
    if (context.execution_role) json.set("executionRoleCredentials", credentials_json(*context.execution_role));
    return json;
}

}  // namespace boxship::drive
