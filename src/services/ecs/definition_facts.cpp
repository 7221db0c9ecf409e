#include <algorithm>

#include "base/strings.h"
#include "decide/fargate_sizes.h"
#include "services/ecs/convert.h"
#include "services/ecs/definition.h"

namespace boxship::services::ecs {
namespace {

// What an instance must advertise to run a task: agents say what they can do in attributes, definitions imply what they
// need. Follows what the public service answers; an agent has no say in it.
class Attributes {
public:
    void need(std::string name)
    {
        if (std::ranges::find(names_, name) == names_.end()) names_.push_back(std::move(name));
    }
    void need_docker(int minor) { need("com.amazonaws.ecs.capability.docker-remote-api.1." + std::to_string(minor)); }
    std::vector<std::string> take() { return std::move(names_); }

private:
    std::vector<std::string> names_;
};

bool is_ecr_image(std::string_view image, const Call& call)
{
    const auto host = image.substr(0, image.find('/'));
    return host.find(".dkr.ecr.") != std::string_view::npos || host == call.installation.registry_host;
}

void need_for_container(const api::TaskDefinition& definition, const api::ContainerDefinition& container, const Call& call, Attributes& attributes)
{
    const bool execution_role = !definition.execution_role_arn.empty();
    if (container.log_configuration) {
        const auto driver = *container.log_configuration->log_driver;
        attributes.need("com.amazonaws.ecs.capability.logging-driver." + std::string(api::to_text(driver)));
        attributes.need_docker(driver == api::LogDriver::awslogs ? 19 : 18);
        if (driver == api::LogDriver::awslogs && execution_role) attributes.need("ecs.capability.execution-role-awslogs");
    }
    if (is_ecr_image(container.image, call)) {
        attributes.need("com.amazonaws.ecs.capability.ecr-auth");
        attributes.need_docker(19);
        if (execution_role) attributes.need("ecs.capability.execution-role-ecr-pull");
    }
    if (container.privileged.value_or(false)) attributes.need("com.amazonaws.ecs.capability.privileged-container");
    if (!container.ulimits.empty()) attributes.need_docker(18);
    if (container.memory_reservation) attributes.need_docker(21);
    if (container.health_check) attributes.need("ecs.capability.container-health-check");
    if (container.restart_policy && container.restart_policy->enabled.value_or(false)) attributes.need("ecs.capability.container-restart-policy");
    if (container.start_timeout || container.stop_timeout || !container.depends_on.empty()) attributes.need("ecs.capability.container-ordering");
    if (container.linux_parameters) {
        const auto& linux = *container.linux_parameters;
        if (!linux.tmpfs.empty() || linux.shared_memory_size) attributes.need_docker(22);
        if (linux.init_process_enabled.value_or(false)) attributes.need_docker(25);
    }
}

std::vector<std::string> required_attributes(const api::TaskDefinition& definition, const Call& call)
{
    Attributes attributes;
    for (const auto& container : definition.container_definitions) need_for_container(definition, container, call, attributes);
    if (!definition.task_role_arn.empty()) {
        attributes.need("com.amazonaws.ecs.capability.task-iam-role");
        if (definition.network_mode == api::NetworkMode::host) attributes.need("com.amazonaws.ecs.capability.task-iam-role-network-host");
    }
    if (definition.network_mode == api::NetworkMode::awsvpc) {
        attributes.need("ecs.capability.task-eni");
        attributes.need_docker(18);
    }
    if (!definition.cpu.empty() || !definition.memory.empty()) {
        attributes.need("ecs.capability.task-cpu-mem-limit");
        attributes.need_docker(22);
    }
    if (definition.runtime_platform && definition.runtime_platform->cpu_architecture)
        attributes.need("ecs.cpu-architecture=" + to_lower(api::to_text(*definition.runtime_platform->cpu_architecture)));
    return attributes.take();
}

model::ContainerFacts facts_of(const api::ContainerDefinition& container)
{
    model::ContainerFacts facts;
    facts.name = container.name.str();
    facts.image = container.image.str();
    facts.essential = *container.essential;
    facts.cpu = *container.cpu;
    facts.memory = container.memory;
    facts.memory_reservation = container.memory_reservation;
    facts.checked = container.health_check.has();
    facts.versioned = container.version_consistency.value_or(api::VersionConsistency::enabled) == api::VersionConsistency::enabled;
    for (const auto& port : container.port_mappings) {
        const bool udp = port.protocol == api::TransportProtocol::udp;
        facts.ports.push_back({*port.container_port, *port.host_port, udp ? model::Protocol::udp : model::Protocol::tcp});
    }
    return facts;
}

std::vector<model::LaunchType> launch_types(const shape::List<api::Compatibility>& list)
{
    std::vector<model::LaunchType> types;
    for (const auto compatibility : list) {
        if (compatibility == api::Compatibility::fargate) types.push_back(model::LaunchType::fargate);
        if (compatibility == api::Compatibility::external) types.push_back(model::LaunchType::external);
        if (compatibility == api::Compatibility::ec2) types.push_back(model::LaunchType::ec2);
    }
    return types;
}

}  // namespace

void take_facts(const api::TaskDefinition& definition, const Call& call, model::TaskDefinition& row)
{
    row.network_mode = to_model(*definition.network_mode);
    row.cpu = decide::parse_cpu(definition.cpu).value_or(0);
    row.memory = decide::parse_memory(definition.memory).value_or(0);
    row.compatibilities = launch_types(definition.compatibilities);
    row.requires_compatibilities = launch_types(definition.requires_compatibilities);
    row.requires_attributes = required_attributes(definition, call);
    for (const auto& constraint : definition.placement_constraints) row.constraints.push_back(constraint.expression.str());
    for (const auto& container : definition.container_definitions) row.containers.push_back(facts_of(container));
    row.task_role_arn = role_arn(call.scope, definition.task_role_arn).value_or("");
    row.execution_role_arn = role_arn(call.scope, definition.execution_role_arn).value_or("");
    row.ephemeral_storage_gib = definition.ephemeral_storage ? definition.ephemeral_storage->size_in_gi_b.value_or(0) : 0;
}

}  // namespace boxship::services::ecs
