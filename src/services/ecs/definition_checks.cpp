#include <algorithm>
#include <set>

#include "decide/fargate_sizes.h"
#include "services/ecs/convert.h"
#include "services/ecs/definition.h"
#include "services/ecs/expression.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {
namespace {

constexpr std::int32_t container_memory_min_mib = 6;

ApiError about(const char* message, const api::ContainerDefinition& container)
{
    return client_error(fmt::format(fmt::runtime(message), container.name.view()));
}

Result<> check_ports(const api::TaskDefinition& definition, const api::ContainerDefinition& container)
{
    const auto mode = *definition.network_mode;
    if (mode == api::NetworkMode::none && !container.port_mappings.empty()) return about(messages::container_ports_none, container);
    std::set<std::pair<std::int32_t, api::TransportProtocol>> host_ports;
    for (const auto& port : container.port_mappings) {
        const std::int32_t inside = port.container_port.value_or(0), outside = *port.host_port;
        if (inside < 1 || inside > 65535) return client_error(say(messages::container_port, container.name, inside));
        if (outside < 0 || outside > 65535) return client_error(say(messages::container_port, container.name, outside));
        if (mode == api::NetworkMode::awsvpc && inside != outside) return client_error(messages::awsvpc_ports);
        if (mode == api::NetworkMode::host && inside != outside) return client_error(messages::host_ports);
        if (outside != 0 && !host_ports.emplace(outside, *port.protocol).second)
            return client_error(say(messages::container_port_twice, container.name, outside));
    }
    return {};
}

Result<> check_memory(const api::TaskDefinition& definition, const api::ContainerDefinition& container)
{
    if (!container.memory && !container.memory_reservation && definition.memory.empty()) return about(messages::container_memory_missing, container);
    for (const auto& memory : {container.memory, container.memory_reservation})
        if (memory && *memory < container_memory_min_mib) return about(messages::container_memory_min, container);
    if (container.memory && container.memory_reservation && *container.memory < *container.memory_reservation)
        return about(messages::container_memory_order, container);
    return {};
}

Result<> check_mounts(const api::TaskDefinition& definition, const api::ContainerDefinition& container)
{
    for (const auto& mount : container.mount_points) {
        if (std::ranges::find(definition.volumes, mount.source_volume, &api::Volume::name) == definition.volumes.end())
            return client_error(say(messages::volume_unknown, mount.source_volume));
        if (!mount.container_path.view().starts_with('/')) return about(messages::container_mount_path, container);
    }
    return {};
}

Result<> check_container(const api::TaskDefinition& definition, const api::ContainerDefinition& container)
{
    if (container.name.empty()) return client_error(messages::container_name_empty);
    if (!is_plain_name(container.name)) return about(messages::container_name, container);
    if (container.image.empty()) return client_error(messages::container_image_empty);
    if (*container.cpu < 0) return about(messages::container_cpu, container);
    RETURN_IF_ERROR(check_memory(definition, container));
    RETURN_IF_ERROR(check_ports(definition, container));
    RETURN_IF_ERROR(check_mounts(definition, container));
    for (const auto& from : container.volumes_from) {
        const bool known = std::ranges::any_of(definition.container_definitions, [&](const auto& other) { return other.name == from.source_container; });
        if (!known || from.source_container == container.name)
            return client_error(say(messages::volumes_from_unknown, container.name, from.source_container));
    }
    for (const auto& variable : container.environment)
        if (variable.name.empty()) return about(messages::container_environment, container);
    if (definition.network_mode == api::NetworkMode::awsvpc && !container.hostname.empty()) return about(messages::container_hostname, container);
    return {};
}

Result<> check_volumes(const api::TaskDefinition& definition)
{
    std::set<std::string_view> names;
    for (const auto& volume : definition.volumes) {
        if (!is_plain_name(volume.name)) return client_error(messages::volume_name);
        if (!names.insert(volume.name).second) return client_error(say(messages::volume_twice, volume.name));
        if (volume.host && !volume.host->source_path.empty() && !volume.host->source_path.view().starts_with('/'))
            return client_error(say(messages::volume_host_path, volume.name));
    }
    return {};
}

// Task sizes, and that the containers stay within them.
Result<> check_sizes(const api::TaskDefinition& definition)
{
    const auto cpu = decide::parse_cpu(definition.cpu);
    const auto memory = decide::parse_memory(definition.memory);
    if (!definition.cpu.empty() && (!cpu || *cpu < 1)) return client_error(messages::task_cpu);
    if (!definition.memory.empty() && (!memory || *memory < container_memory_min_mib)) return client_error(messages::task_memory);
    std::int64_t cpu_sum = 0;
    for (const auto& container : definition.container_definitions) {
        cpu_sum += *container.cpu;
        const std::int32_t needed = std::max(container.memory.value_or(0), container.memory_reservation.value_or(0));
        if (memory && needed > *memory) return client_error(say(messages::task_memory_containers, container.name, needed, *memory));
    }
    if (cpu && cpu_sum > *cpu) return client_error(say(messages::task_cpu_containers, cpu_sum, *cpu));
    return {};
}

Result<> check_fargate(const api::TaskDefinition& definition)
{
    if (definition.network_mode != api::NetworkMode::awsvpc) return client_error(messages::fargate_network_mode);
    if (definition.cpu.empty()) return client_error(messages::fargate_cpu);
    if (definition.memory.empty()) return client_error(messages::fargate_memory);
    const auto cpu = decide::parse_cpu(definition.cpu);
    const auto memory = decide::parse_memory(definition.memory);
    if (!cpu || !memory || !decide::fargate_size_exists(*cpu, *memory))
        return client_error(say(messages::fargate_size, definition.cpu, definition.memory));
    if (!definition.placement_constraints.empty()) return client_error(messages::fargate_definition_constraints);
    for (const auto& container : definition.container_definitions) {
        if (container.privileged.value_or(false)) return client_error(messages::fargate_privileged);
        if (container.stop_timeout && (*container.stop_timeout < 0 || *container.stop_timeout > 120))
            return about(messages::container_stop_timeout, container);
    }
    for (const auto& volume : definition.volumes)
        if (volume.host && !volume.host->source_path.empty()) return client_error(messages::volume_host_fargate);
    return {};
}

// Members of a group of instances alone: where its own tasks are is the request's business.
Result<> check_constraints(const api::TaskDefinition& definition)
{
    constexpr std::size_t constraints_max = 10;
    if (definition.placement_constraints.size() > constraints_max) return client_error(messages::constraints_max);
    for (const auto& constraint : definition.placement_constraints) {
        if (constraint.type != api::TaskDefinitionPlacementConstraintType::member_of) return client_error(messages::constraint_type);
        if (constraint.expression.empty()) return client_error(messages::constraint_member);
        const auto expression = read_expression(constraint.expression);
        if (!expression.ok()) return client_error(expression.error().message);
    }
    return {};
}

}  // namespace

Result<> check_definition(const Call& call, const api::TaskDefinition& definition)
{
    if (!is_plain_name(definition.family)) return client_error(messages::family_name);
    const auto& containers = definition.container_definitions;
    if (containers.empty()) return client_error(messages::containers_empty);
    if (const auto most = call.quota(model::Quota::containers_per_definition); containers.size() > most) return client_error(say(messages::containers_max, most));
    RETURN_IF_ERROR(check_volumes(definition));
    std::set<std::string_view> names;
    for (const auto& container : containers) {
        RETURN_IF_ERROR(check_container(definition, container));
        if (!names.insert(container.name).second) return about(messages::container_name_twice, container);
    }
    RETURN_IF_ERROR(check_order(definition));
    if (std::ranges::none_of(containers, [](const auto& container) { return *container.essential; })) return client_error(messages::essential_none);
    for (const auto& role : {definition.task_role_arn, definition.execution_role_arn})
        if (!role.empty() && !role_arn({}, role)) return client_error(messages::role_invalid);
    const bool fargate = std::ranges::find(definition.requires_compatibilities, api::Compatibility::fargate) != definition.requires_compatibilities.end();
    if (fargate) RETURN_IF_ERROR(check_fargate(definition));
    RETURN_IF_ERROR(check_constraints(definition));
    RETURN_IF_ERROR(check_sizes(definition));
    if (definition.ephemeral_storage) {
        const bool compatible = std::ranges::find(definition.compatibilities, api::Compatibility::fargate) != definition.compatibilities.end();
        if (!compatible) return client_error(messages::storage_fargate_only);
        const auto size = definition.ephemeral_storage->size_in_gi_b.value_or(0);
        if (size < decide::fargate_storage_min_gib || size > decide::fargate_storage_max_gib) return client_error(messages::fargate_storage);
    }
    return {};
}

}  // namespace boxship::services::ecs
