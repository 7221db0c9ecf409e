#include <algorithm>
#include <set>

#include "services/ecs/rows.h"

namespace boxship::services::ecs {
namespace {

void add_number(shape::List<api::Resource>& out, const char* name, std::int64_t value)
{
    auto& resource = out.emplace_back();
    resource.name = name;
    resource.type = "INTEGER";
    resource.double_value = 0;
    resource.long_value = 0;
    resource.integer_value = static_cast<std::int32_t>(value);
}

void add_ports(shape::List<api::Resource>& out, const char* name, const std::set<std::int32_t>& ports)
{
    auto& resource = out.emplace_back();
    resource.name = name;
    resource.type = "STRINGSET";
    resource.double_value = 0;
    resource.long_value = 0;
    resource.integer_value = 0;
    resource.string_set_value.emplace();
    for (const std::int32_t port : ports) resource.string_set_value.push_back(std::to_string(port));
}

// Ports are listed as they are taken: by the host when registered, by the host and its tasks in what remains.
void add_resources(shape::List<api::Resource>& out, const model::Instance& instance, const state::InstanceLoad& load)
{
    add_number(out, "CPU", instance.cpu - load.cpu);
    add_number(out, "MEMORY", instance.memory - load.memory);
    std::set<std::int32_t> tcp(instance.ports.begin(), instance.ports.end());
    std::set<std::int32_t> udp(instance.ports_udp.begin(), instance.ports_udp.end());
    for (const auto& [port, count] : load.ports) (port.first == model::Protocol::udp ? udp : tcp).insert(port.second);
    add_ports(out, "PORTS", tcp);
    add_ports(out, "PORTS_UDP", udp);
}

}  // namespace

InstanceRow instance_row(const View& view, InstancePtr instance)
{
    return {.instance = instance, .cluster = view.get<model::Cluster>(instance->cluster), .load = view.load(instance->id)};
}

void render_instance(const InstanceRow& row, bool tags, api::ContainerInstance& out)
{
    const auto& instance = *row.instance;
    out.container_instance_arn = instance_arn(*row.cluster, instance.id);
    out.ec2_instance_id = instance.ec2_instance_id;
    out.version = instance.version;
    out.version_info->agent_version = instance.agent_version;
    out.version_info->agent_hash = instance.agent_hash;
    out.version_info->docker_version = instance.runtime_version;
    add_resources(out.remaining_resources, instance, row.load);
    add_resources(out.registered_resources, instance, {});
    out.status = to_text(instance.status);
    if (!instance.status_reason.empty()) out.status_reason = instance.status_reason;
    out.agent_connected = instance.agent_connected;
    out.running_tasks_count = row.load.running;
    out.pending_tasks_count = row.load.pending;
    out.attributes.emplace();
    for (const auto& attribute : instance.attributes) {
        auto& entry = out.attributes.emplace_back();
        entry.name = attribute.key;
        if (!attribute.value.empty()) entry.value = attribute.value;
    }
    out.registered_at = instance.registered_at;
    out.attachments.emplace();
    if (tags) write_tags(instance.tags, out.tags);
}

}  // namespace boxship::services::ecs
