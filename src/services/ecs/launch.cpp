#include "services/ecs/launch.h"

#include <algorithm>

#include <fmt/format.h>

#include "decide/fargate_sizes.h"
#include "services/ecs/messages.h"
#include "shape/write.h"

namespace boxship::services::ecs {
namespace {

constexpr std::size_t overrides_bytes_max = 8192;
constexpr const char* platform_version_current = "1.4.0";

Result<DefinitionPtr> runnable_definition(const View& view, const Call& call, std::string_view name)
{
    auto definition = look_up_definition(view, call, name);
    if (!definition) return client_error(messages::definition_not_found);
    if (definition->status != model::DefinitionStatus::active) return client_error(messages::definition_inactive);
    return definition;
}

Result<> check_texts(const LaunchWish& wish)
{
    if (wish.group.starts_with("service:")) return invalid(messages::group_namespace);
    if (wish.group.size() > 255) return invalid(messages::group_length);
    const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '/' || c == '.'; };
    if (wish.started_by.size() > 128 || !std::ranges::all_of(wish.started_by, allowed)) return invalid(messages::started_by);
    if (wish.reference_id.size() > 1024) return invalid(messages::reference_id);
    if (wish.volumes) return invalid(messages::volumes_unsupported);
    return {};
}

// What containers reserve together, counted as an agent counts: the reservation, where there is one, else the limit.
std::int32_t memory_of(const std::vector<model::TaskContainer>& containers)
{
    std::int32_t sum = 0;
    for (const auto& container : containers) sum += container.memory_reservation ? *container.memory_reservation : container.memory.value_or(0);
    return sum;
}

std::vector<model::TaskContainer> containers_of(const model::TaskDefinition& definition)
{
    std::vector<model::TaskContainer> containers;
    for (const auto& facts : definition.containers) {
        model::TaskContainer container;
        container.name = facts.name;
        container.image = facts.image;
        container.essential = facts.essential;
        container.checked = facts.checked;
        container.cpu = facts.cpu;
        container.memory = facts.memory;
        container.memory_reservation = facts.memory_reservation;
        containers.push_back(std::move(container));
    }
    return containers;
}

Result<> override_containers(const api::TaskOverride& overrides, model::Task& task)
{
    for (const auto& entry : overrides.container_overrides) {
        if (entry.name.empty()) return invalid(messages::override_unnamed);
        const auto container = std::ranges::find_if(task.containers, [&](const auto& one) { return one.name == entry.name.view(); });
        if (container == task.containers.end()) return invalid(say(messages::override_unknown, entry.name));
        if (!entry.environment_files.empty()) return invalid(say(messages::container_member_unsupported, "environmentFiles", entry.name));
        if (!entry.resource_requirements.empty()) return invalid(say(messages::container_member_unsupported, "resourceRequirements", entry.name));
        if (entry.cpu) container->cpu = *entry.cpu;
        if (entry.memory) container->memory = *entry.memory;
        if (entry.memory_reservation) container->memory_reservation = *entry.memory_reservation;
    }
    return {};
}

Result<> override_task(const Call& call, const api::TaskOverride& overrides, model::Task& task)
{
    if (!overrides.inference_accelerator_overrides.empty()) return invalid(say(messages::member_unsupported, "inferenceAcceleratorOverrides"));
    if (!overrides.cpu.empty()) {
        const auto cpu = decide::parse_cpu(overrides.cpu);
        if (!cpu || *cpu < 1) return invalid(messages::task_cpu);
        task.cpu_text = std::to_string(*cpu);
    }
    if (!overrides.memory.empty()) {
        const auto memory = decide::parse_memory(overrides.memory);
        if (!memory || *memory < 1) return invalid(messages::task_memory);
        task.memory_text = std::to_string(*memory);
    }
    const auto set_role = [&](const shape::Str& name, Text& role) -> Result<> {
        if (name.empty()) return {};
        const auto full = role_arn(call.scope, name);
        if (!full) return client_error(messages::role_invalid);
        role = *full;
        return {};
    };
    RETURN_IF_ERROR(set_role(overrides.task_role_arn, task.task_role_arn));
    RETURN_IF_ERROR(set_role(overrides.execution_role_arn, task.execution_role_arn));
    if (overrides.ephemeral_storage) {
        const auto size = overrides.ephemeral_storage->size_in_gi_b.value_or(0);
        if (task.launch_type != model::LaunchType::fargate) return invalid(messages::storage_fargate_only);
        if (size < decide::fargate_storage_min_gib || size > decide::fargate_storage_max_gib) return invalid(messages::fargate_storage);
        task.ephemeral_storage_gib = size;
    }
    return override_containers(overrides, task);
}

Result<> set_platform(const LaunchWish& wish, const model::TaskDefinition& definition, model::Task& task)
{
    if (task.launch_type != model::LaunchType::fargate) {
        if (!wish.platform_version.empty()) return invalid(messages::platform_ec2);
        return {};
    }
    const auto version = wish.platform_version;
    if (!version.empty() && version != "LATEST" && version != platform_version_current) return ApiError{"PlatformUnknownException", messages::platform_unknown};
    task.platform_version = platform_version_current;
    task.ephemeral_storage_gib = definition.ephemeral_storage_gib ? definition.ephemeral_storage_gib : decide::fargate_storage_default_gib;
    return {};
}

Result<> set_tags(const Call& call, const LaunchWish& wish, const model::Cluster& cluster, const model::TaskDefinition& definition, model::Task& task)
{
    if (wish.propagate == api::PropagateTags::service) return invalid(messages::propagate_service);
    if (wish.propagate == api::PropagateTags::task_definition) task.tags = definition.tags;
    if (wish.tags) {
        ASSIGN_OR_RETURN(const auto own, read_tags(call, *wish.tags));
        RETURN_IF_ERROR(merge_tags(call, task.tags, own));
    }
    if (wish.managed_tags) task.tags.push_back({"aws:ecs:clusterName", cluster.name});
    return {};
}

// Sizes of the task as a whole; Fargate's must be one of the table, also after overrides.
Result<> set_sizes(model::Task& task)
{
    const std::int32_t cpu = decide::parse_cpu(task.cpu_text).value_or(0);
    const std::int32_t memory = decide::parse_memory(task.memory_text).value_or(0);
    if (task.launch_type == model::LaunchType::fargate && !decide::fargate_size_exists(cpu, memory))
        return client_error(say(messages::fargate_size, cpu, memory));
    std::int32_t cpu_sum = 0;
    for (const auto& container : task.containers) cpu_sum += container.cpu;
    task.cpu = cpu ? cpu : cpu_sum;
    task.memory = memory ? memory : memory_of(task.containers);
    return {};
}

}  // namespace

Result<Launch> prepare_launch(Txn& txn, const Call& call, const LaunchWish& wish)
{
    Launch launch;
    launch.scope = call.scope;
    launch.asked_by = asked_by(call, "asked for");
    ASSIGN_OR_RETURN(launch.cluster, find_cluster(txn, call, wish.cluster));
    ASSIGN_OR_RETURN(launch.definition, runnable_definition(txn, call, wish.task_definition));
    RETURN_IF_ERROR(check_texts(wish));
    const auto& definition = *launch.definition;
    if (std::ranges::find(definition.compatibilities, wish.launch_type) == definition.compatibilities.end())
        return invalid(say(messages::launch_type_unsupported, to_text(wish.launch_type)));
    if (definition.network_mode == model::NetworkMode::awsvpc) {
        ASSIGN_OR_RETURN(auto network, find_network(txn, call, wish.network));
        launch.subnets = std::move(network.subnets);
        launch.groups = std::move(network.groups);
    } else if (wish.network && wish.network->awsvpc_configuration) {
        return invalid(messages::network_unwanted);
    }

    model::Task& task = launch.pattern;
    task.cluster = launch.cluster->id;
    task.definition = definition.id;
    task.launch_type = wish.launch_type;
    task.group = wish.group.empty() ? Text("family:" + definition.family) : Text(wish.group);
    task.started_by = wish.started_by;
    task.reference_id = wish.reference_id;
    task.exec_enabled = wish.exec;
    task.containers = containers_of(definition);
    task.task_role_arn = definition.task_role_arn;
    task.execution_role_arn = definition.execution_role_arn;
    if (definition.cpu) task.cpu_text = std::to_string(definition.cpu);
    if (definition.memory) task.memory_text = std::to_string(definition.memory);
    RETURN_IF_ERROR(set_platform(wish, definition, task));
    RETURN_IF_ERROR(set_tags(call, wish, *launch.cluster, definition, task));
    if (wish.overrides) {
        task.overrides = shape::write_json(*wish.overrides);
        if (task.overrides.size() > overrides_bytes_max) return invalid(messages::override_size);
        RETURN_IF_ERROR(override_task(call, *wish.overrides, task));
    }
    RETURN_IF_ERROR(set_sizes(task));
    if (definition.network_mode != model::NetworkMode::awsvpc)
        for (const auto& container : definition.containers)
            for (const auto& port : container.ports)
                if (port.host_port != 0) task.reserved_ports.push_back(port);
    launch.need = decide::need_of(task, definition, launch.subnets, call.installation.fargate_overcommit);
    return launch;
}

std::string asked_by(const Call& call, std::string_view what)
{
    std::string text = fmt::format("{} by {}", what, call.principal.arn);
    if (!call.source.empty()) text += " from " + call.source;
    if (!call.request_id.empty()) text += ", request " + call.request_id;
    return text;
}

TaskPtr create_task(Txn& txn, const Call& call, const Launch& launch, const model::Instance& instance, std::string story)
{
    auto made = decide::make_task(txn, launch, instance, call.ids, call.now);
    if (!made) return nullptr;
    if (made->eni) txn.put(std::move(*made->eni));
    story.insert(0, launch.asked_by + "\n");
    return txn.put(std::move(made->task), std::move(story));
}

}  // namespace boxship::services::ecs
