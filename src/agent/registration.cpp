#include "agent/registration.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <vector>

#include "agent/version.h"
#include "wire/crypto.h"

namespace boxship::agent {
namespace {

using shape::Json;

void add(Json& list, const std::string& name, const std::string& value = {})
{
    Json attribute = Json::object({{"name", name}});
    if (!value.empty()) attribute.set("value", value);
    list.push_back(std::move(attribute));
}

std::string architecture()
{
    utsname name;
    if (::uname(&name) != 0) return "x86_64";
    return std::string(name.machine) == "aarch64" ? "arm64" : name.machine;
}

// Only what the agent and its runtime do. Where Docker's API version stands for a feature, the feature is there.
Json attributes(const HostFacts& facts)
{
    Json list = Json::array();
    for (const int minor : {17, 18, 19, 20, 21, 22, 23, 24, 25, 28, 29, 30, 32})
        add(list, "com.amazonaws.ecs.capability.docker-remote-api.1." + std::to_string(minor));
    for (const char* name : {"logging-driver.json-file", "logging-driver.awslogs", "logging-driver.none", "ecr-auth", "task-iam-role"})
        add(list, std::string("com.amazonaws.ecs.capability.") + name);
    if (!facts.fargate) add(list, "com.amazonaws.ecs.capability.privileged-container");
    for (const char* name : {"execution-role-ecr-pull", "execution-role-awslogs", "ecr-endpoint", "container-ordering", "container-health-check", "container-restart-policy",
                             "network.container-port-range", "full-sync", "task-cpu-mem-limit", "increased-task-cpu-limit", "docker-plugin.local"})
        add(list, std::string("ecs.capability.") + name);
    if (facts.awsvpc) {
        add(list, "ecs.capability.task-eni");
        add(list, "boxship.eni-inline");
    }
    add(list, "ecs.os-type", "linux");
    add(list, "ecs.os-family", "LINUX");
    add(list, "ecs.cpu-architecture", architecture());
    if (!facts.zone.empty()) add(list, "ecs.availability-zone", facts.zone);
    if (!facts.instance_type.empty()) add(list, "ecs.instance-type", facts.instance_type);
    if (facts.fargate) add(list, "boxship.fargate", "true");
    if (!facts.vpc_address.empty()) add(list, "boxship.address", facts.vpc_address);
    for (const auto& [name, value] : facts.attributes) add(list, name, value);
    return list;
}

Json ports(const std::set<std::uint16_t>& numbers)
{
    Json list = Json::array();
    for (const std::uint16_t port : numbers) list.push_back(std::to_string(port));
    return list;
}

Json resources(const HostFacts& facts)
{
    const auto integer = [](const char* name, int value) {
        return Json::object({{"name", name}, {"type", "INTEGER"}, {"integerValue", value}});
    };
    const auto set = [](const char* name, Json values) {
        return Json::object({{"name", name}, {"type", "STRINGSET"}, {"stringSetValue", std::move(values)}});
    };
    return Json::array({integer("CPU", facts.registered_cpu_units), integer("MEMORY", facts.resources.memory_mib),
                        set("PORTS", ports(facts.resources.tcp)), set("PORTS_UDP", ports(facts.resources.udp))});
}

}  // namespace

shape::Json registration(const HostFacts& facts, const std::string& instance_arn, const std::string& client_token)
{
    const std::string instance_id = "i-" + crypto::sha256_hex(facts.identity).substr(0, 17);
    const Json document = Json::object({{"instanceId", instance_id}, {"region", facts.region}, {"accountId", facts.account},
                                        {"availabilityZone", facts.zone}});
    Json input = Json::object({
        {"cluster", facts.cluster},
        {"clientToken", client_token},
        {"instanceIdentityDocument", document.dump()},
        {"instanceIdentityDocumentSignature", ""},
        {"totalResources", resources(facts)},
        {"attributes", attributes(facts)},
        {"versionInfo", Json::object({{"agentVersion", agent_version}, {"agentHash", agent_hash}, {"dockerVersion", runtime_version}})},
    });
    if (!instance_arn.empty()) input.set("containerInstanceArn", instance_arn);
    return input;
}

MachineSize machine_size()
{
    const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
    const long long bytes = static_cast<long long>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
    return {static_cast<int>(cpus * 1024), static_cast<int>(bytes >> 20)};
}

}  // namespace boxship::agent
