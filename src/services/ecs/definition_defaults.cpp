#include <algorithm>

#include "decide/fargate_sizes.h"
#include "services/ecs/convert.h"
#include "services/ecs/definition.h"

namespace boxship::services::ecs {
namespace {

void complete_container(api::ContainerDefinition& container, api::NetworkMode mode)
{
    const bool own_ports = mode == api::NetworkMode::awsvpc || mode == api::NetworkMode::host;
    if (!container.cpu) container.cpu = 0;
    if (!container.essential) container.essential = true;
    for (auto& port : container.port_mappings) {
        if (!port.protocol) port.protocol = api::TransportProtocol::tcp;
        if (!port.host_port || (own_ports && *port.host_port == 0)) port.host_port = own_ports ? port.container_port.value_or(0) : 0;
    }
    if (container.health_check) {
        auto& check = *container.health_check;
        if (!check.interval) check.interval = 30;
        if (!check.timeout) check.timeout = 5;
        if (!check.retries) check.retries = 3;
    }
    container.port_mappings.mark();
    container.environment.mark();
    container.mount_points.mark();
    container.volumes_from.mark();
    container.system_controls.mark();
}

// EC2 first, as AWS lists them.
void complete_compatibilities(api::TaskDefinition& definition)
{
    const auto cpu = decide::parse_cpu(definition.cpu);
    const auto memory = decide::parse_memory(definition.memory);
    const bool awsvpc = definition.network_mode == api::NetworkMode::awsvpc;
    const bool plain = std::ranges::none_of(definition.container_definitions, [](const auto& c) { return c.privileged.value_or(false); }) &&
                       std::ranges::none_of(definition.volumes, [](const auto& v) { return v.host && !v.host->source_path.empty(); });
    definition.compatibilities = {};
    if (!awsvpc) definition.compatibilities.push_back(api::Compatibility::external);
    definition.compatibilities.push_back(api::Compatibility::ec2);
    if (awsvpc && plain && cpu && memory && decide::fargate_size_exists(*cpu, *memory))
        definition.compatibilities.push_back(api::Compatibility::fargate);
}

}  // namespace

api::TaskDefinition complete_definition(const api::RegisterTaskDefinitionRequest& request)
{
    api::TaskDefinition definition;
    definition.family = request.family;
    definition.task_role_arn = request.task_role_arn;
    definition.execution_role_arn = request.execution_role_arn;
    definition.network_mode = request.network_mode.value_or(api::NetworkMode::bridge);
    definition.volumes = request.volumes;
    definition.volumes.mark();
    definition.placement_constraints = request.placement_constraints;
    definition.placement_constraints.mark();
    definition.requires_compatibilities = request.requires_compatibilities;
    definition.runtime_platform = request.runtime_platform;
    definition.ephemeral_storage = request.ephemeral_storage;
    // Sizes are shown as numbers, however they were written: "1 vCPU" → "1024", "2 GB" → "2048".
    definition.cpu = request.cpu;
    if (const auto cpu = decide::parse_cpu(request.cpu)) definition.cpu = std::to_string(*cpu);
    definition.memory = request.memory;
    if (const auto memory = decide::parse_memory(request.memory)) definition.memory = std::to_string(*memory);
    definition.container_definitions = request.container_definitions;
    for (auto& container : definition.container_definitions) complete_container(container, *definition.network_mode);
    complete_compatibilities(definition);
    return definition;
}

}  // namespace boxship::services::ecs
