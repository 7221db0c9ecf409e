#include <algorithm>

#include "base/ipv4.h"
#include "decide/addresses.h"
#include "decide/placement/placement.h"
#include "services/ecs/rows.h"

namespace boxship::services::ecs {
namespace {

constexpr const char* architecture = "ecs.cpu-architecture";

const char* attachment_status(const model::Task& task)
{
    if (!task.live()) return "DELETED";
    if (task.attached) return "ATTACHED";
    return task.acknowledged ? "ATTACHING" : "PRECREATED";
}

void add_detail(api::Attachment& attachment, const char* name, std::string_view value)
{
    auto& detail = attachment.details.emplace_back();
    detail.name = name;
    detail.value = value;
}

void render_attachment(const TaskRow& row, api::Task& out)
{
    out.attachments.emplace();
    const auto& own = row.task->attachment;
    if (!own.id) return;
    auto& attachment = out.attachments.emplace_back();
    attachment.id = model::to_uuid_text(own.id);
    attachment.type = "ElasticNetworkInterface";
    attachment.status = attachment_status(*row.task);
    add_detail(attachment, "subnetId", to_short_text("subnet-", own.subnet));
    add_detail(attachment, "networkInterfaceId", to_short_text("eni-", own.eni));
    add_detail(attachment, "macAddress", own.mac);
    add_detail(attachment, "privateDnsName", decide::private_dns_name(own.address, row.cluster->scope.region));
    add_detail(attachment, "privateIPv4Address", ipv4_text(own.address));
}

void render_container(const TaskRow& row, const model::TaskContainer& container, api::Container& out)
{
    const auto& task = *row.task;
    out.container_arn = container_arn(*row.cluster, task.id, container.id);
    out.task_arn = task_arn(*row.cluster, task.id);
    out.name = container.name;
    out.image = container.image;
    set_text(container.image_digest, out.image_digest);
    set_text(container.runtime_id, out.runtime_id);
    out.last_status = model::to_text(container.status);
    out.exit_code = container.exit_code;
    set_text(container.reason, out.reason);
    out.health_status = shape::parse_enum<api::HealthStatus>(model::to_text(container.health));
    out.cpu = std::to_string(container.cpu);
    if (container.memory) out.memory = std::to_string(*container.memory);
    if (container.memory_reservation) out.memory_reservation = std::to_string(*container.memory_reservation);
    out.network_bindings.emplace();
    for (const auto& binding : container.bindings) {
        auto& entry = out.network_bindings.emplace_back();
        entry.bind_ip = binding.bind_ip;
        entry.container_port = binding.port.container_port;
        entry.host_port = binding.port.host_port;
        entry.protocol = binding.port.protocol == model::Protocol::udp ? api::TransportProtocol::udp : api::TransportProtocol::tcp;
    }
    out.network_interfaces.emplace();
    if (task.attachment.id) {
        auto& entry = out.network_interfaces.emplace_back();
        entry.attachment_id = model::to_uuid_text(task.attachment.id);
        entry.private_ipv4_address = ipv4_text(task.attachment.address);
    }
}

// As it was sent, and an entry for every container that it leaves alone.
void render_overrides(const model::Task& task, api::TaskOverride& out)
{
    read_back(task.overrides, out);
    out.container_overrides.emplace();
    out.inference_accelerator_overrides.emplace();
    for (const auto& container : task.containers) {
        const bool named = std::ranges::any_of(out.container_overrides, [&](const auto& entry) { return entry.name == container.name; });
        if (!named) out.container_overrides.emplace_back().name = container.name;
    }
}

}  // namespace

TaskRow task_row(const View& view, TaskPtr task)
{
    TaskRow row{.task = task};
    row.cluster = view.get<model::Cluster>(task->cluster);
    row.definition = view.get<model::TaskDefinition>(task->definition);
    row.instance = view.get<model::Instance>(task->instance);
    return row;
}

void render_task(const TaskRow& row, bool tags, api::Task& out)
{
    const auto& task = *row.task;
    const bool fargate = task.launch_type == model::LaunchType::fargate;
    render_attachment(row, out);
    out.attributes.emplace();
    if (const auto value = row.instance ? decide::attribute_value(*row.instance, architecture) : ""; !value.empty()) {
        auto& entry = out.attributes.emplace_back();
        entry.name = architecture;
        entry.value = value;
    }
    set_text(task.zone, out.availability_zone);
    set_text(task.capacity_provider, out.capacity_provider_name);
    out.cluster_arn = cluster_arn(*row.cluster);
    if (task.acknowledged) out.connectivity = api::Connectivity::connected;
    if (!fargate) out.container_instance_arn = instance_arn(*row.cluster, task.instance);
    for (const auto& container : task.containers) render_container(row, container, out.containers.emplace_back());
    set_text(task.cpu_text, out.cpu);
    set_text(task.memory_text, out.memory);
    set_time(task.created_at, out.created_at);
    out.desired_status = task.wanted ? "RUNNING" : "STOPPED";
    out.enable_execute_command = task.exec_enabled;
    set_time(task.execution_stopped_at, out.execution_stopped_at);
    out.group = task.group;
    out.health_status = shape::parse_enum<api::HealthStatus>(model::to_text(task.health()));
    out.inference_accelerators.emplace();
    out.last_status = model::to_text(task.status);
    out.launch_type = to_api(task.launch_type);
    render_overrides(task, out.overrides.emplace());
    if (fargate) {
        out.platform_version = task.platform_version;
        out.platform_family = "Linux";
        out.ephemeral_storage->size_in_gi_b = task.ephemeral_storage_gib;
        out.fargate_ephemeral_storage->size_in_gi_b = task.ephemeral_storage_gib;
    }
    set_time(task.pull_started_at, out.pull_started_at);
    set_time(task.pull_stopped_at, out.pull_stopped_at);
    set_time(task.started_at, out.started_at);
    set_text(task.started_by, out.started_by);
    if (task.stop_code != model::StopCode::none) out.stop_code = shape::parse_enum<api::TaskStopCode>(model::to_text(task.stop_code));
    set_time(task.stopped_at, out.stopped_at);
    set_text(task.stopped_reason, out.stopped_reason);
    set_time(task.stopping_at, out.stopping_at);
    if (tags) write_tags(task.tags, out.tags);
    out.task_arn = task_arn(*row.cluster, task.id);
    out.task_definition_arn = definition_arn(*row.definition);
    out.version = task.version;
}

}  // namespace boxship::services::ecs
