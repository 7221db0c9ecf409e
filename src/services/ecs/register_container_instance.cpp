// An agent registers its host, for the first time or again.
#include <algorithm>
#include <charconv>

#include "ecs/ops.h"
#include "services/ecs/hosts.h"
#include "services/ecs/messages.h"
#include "services/ecs/serve.h"
#include "shape/json_value.h"

namespace boxship::services::ecs {
namespace {

constexpr const char* zone_attribute = "ecs.availability-zone";

void set_attribute(model::Instance& instance, std::string name, std::string value)
{
    const auto found = std::ranges::find(instance.attributes, name, &model::KeyValue::key);
    if (found != instance.attributes.end())
        found->value = std::move(value);
    else
        instance.attributes.push_back({std::move(name), std::move(value)});
}

std::string attribute(const api::RegisterContainerInstanceRequest& request, std::string_view name)
{
    for (const auto& entry : request.attributes)
        if (entry.name == name) return entry.value.str();
    return {};
}

std::vector<std::int32_t> read_ports(const api::Resource& resource)
{
    std::vector<std::int32_t> ports;
    for (const auto& text : resource.string_set_value) {
        std::int32_t port = 0;
        const auto view = text.view();
        if (std::from_chars(view.data(), view.data() + view.size(), port).ec == std::errc()) ports.push_back(port);
    }
    return ports;
}

Result<> set_resources(model::Instance& instance, const shape::List<api::Resource>& resources)
{
    bool ports = false;
    instance.cpu = instance.memory = 0;
    for (const auto& resource : resources) {
        const auto number = resource.integer_value.value_or(0);
        if (resource.name == "CPU") instance.cpu = number;
        if (resource.name == "MEMORY") instance.memory = number;
        if (resource.name == "PORTS") {
            instance.ports = read_ports(resource);
            ports = true;
        }
        if (resource.name == "PORTS_UDP") instance.ports_udp = read_ports(resource);
    }
    if (instance.cpu <= 0 || instance.memory <= 0 || !ports) return invalid(messages::instance_resources);
    return {};
}

// The instance that this registration is about, when there is one already. An agent that lost its record comes without
// the ARN: then the EC2 instance id of the identity document tells, so that its tasks are not counted for ever.
Result<InstancePtr> known_instance(const View& view, const Call& call, const model::Cluster& cluster,
                                   const api::RegisterContainerInstanceRequest& request, const std::string& ec2_id)
{
    if (!request.container_instance_arn.empty()) {
        const auto id = id_of<InstanceId>(request.container_instance_arn);
        auto instance = id ? view.get<model::Instance>(*id) : nullptr;
        if (!instance) return client_error(messages::instance_not_found);
        RETURN_IF_ERROR(may_speak_for(call, *instance));
        if (instance->status == model::InstanceStatus::inactive) return client_error(messages::instance_inactive);
        if (instance->cluster != cluster.id) return client_error(messages::instance_cluster);
        return instance;
    }
    if (ec2_id.empty() || call.principal.host.empty()) return InstancePtr();
    for (auto& instance : view.all<state::InstancesByHost>(call.principal.host))
        if (instance->cluster == cluster.id && instance->ec2_instance_id == ec2_id) return std::move(instance);
    return InstancePtr();
}

Result<ClusterPtr> cluster_for(const View& view, const Call& call, std::string_view name, bool fargate)
{
    const bool internal = name == fargate_cluster;
    if (internal != fargate || (internal && call.principal.kind != Principal::Kind::host)) return invalid(messages::fargate_cluster_only);
    if (!internal) return find_cluster(view, call, name);
    auto cluster = internal_cluster(view, call.scope);
    if (!cluster) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
    return cluster;
}

Result<InstanceRow> register_container_instance(Txn& txn, const Call& call, const api::RegisterContainerInstanceRequest& request)
{
    const bool fargate = attribute(request, "boxship.fargate") == "true";
    ASSIGN_OR_RETURN(const auto cluster, cluster_for(txn, call, request.cluster, fargate));
    std::string ec2_id;
    if (const auto document = shape::Json::parse(request.instance_identity_document)) ec2_id = document->get_string("instanceId");
    ASSIGN_OR_RETURN(const auto known, known_instance(txn, call, *cluster, request, ec2_id));

    model::Instance instance;
    if (known) {
        instance = *known;
    } else {
        const auto most = call.quota(model::Quota::instances_per_cluster);
        if (static_cast<std::size_t>(txn.counts(cluster->id).instances) >= most) return client_error(say(messages::instances_quota, most));
        instance.id = call.ids.next<InstanceId>();
        instance.cluster = cluster->id;
        instance.registered_at = call.now;
        instance.fargate = fargate;
        instance.host_principal = call.principal.kind == Principal::Kind::host ? call.principal.host : "";
        instance.ec2_instance_id = !ec2_id.empty() ? ec2_id : to_short_text("i-", instance.id);
        ASSIGN_OR_RETURN(instance.tags, read_tags(call, request.tags));
    }
    RETURN_IF_ERROR(set_resources(instance, request.total_resources));
    // Custom attributes are sent the first time only: what is there stays.
    for (const auto& entry : request.attributes) set_attribute(instance, entry.name.str(), entry.value.str());
    const auto external = [](const model::KeyValue& entry) { return entry.key == "ecs.capability.external"; };
    instance.external = std::ranges::any_of(instance.attributes, external);
    const std::string zone = attribute(request, zone_attribute);
    if (!zone.empty())
        instance.zone = zone;
    else if (instance.zone.empty())
        instance.zone = call.installation.zone_default;
    set_attribute(instance, zone_attribute, instance.zone);
    instance.address = attribute(request, "boxship.address");
    if (request.version_info) {
        instance.agent_version = request.version_info->agent_version.str();
        instance.agent_hash = request.version_info->agent_hash.str();
        instance.runtime_version = request.version_info->docker_version.str();
    }
    ++instance.version;
    txn.put(instance);
    return instance_row(txn, txn.get<model::Instance>(instance.id));
}

api::RegisterContainerInstanceResponse render_registered(const InstanceRow& row)
{
    api::RegisterContainerInstanceResponse response;
    render_instance(row, true, response.container_instance.emplace());
    return response;
}

}  // namespace

void serve_register_container_instance(Served& served)
{
    served.add<api::ops::RegisterContainerInstance>(register_container_instance, render_registered)
        .ignores({"instanceIdentityDocumentSignature"})
        .refuses({"platformDevices"})
        .for_hosts();
}

}  // namespace boxship::services::ecs
