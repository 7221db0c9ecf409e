#include <algorithm>

#include <boost/asio/awaitable.hpp>

#include "admin/admin.h"
#include "base/ipv4.h"
#include "bridge/store_call.h"
#include "model/arns.h"
#include "model/elbv2_arns.h"

namespace boxship::admin {
namespace {

using shape::Json;

Json host_json(const state::View& view, const model::Instance& instance)
{
    const auto& load = view.load(instance.id);
    Json json = Json::object({{"id", to_text(instance.id)},
                              {"name", instance.host_principal},
                              {"fargate", instance.fargate},
                              {"zone", instance.zone},
                              {"connected", instance.agent_connected},
                              {"cpu", Json::object({{"total", instance.cpu}, {"used", load.cpu}})},
                              {"memoryMiB", Json::object({{"total", instance.memory}, {"used", load.memory}})},
                              {"running", load.running},
                              {"pending", load.pending}});
    if (!instance.address.empty()) json.set("address", instance.address);
    if (const auto cluster = view.get<model::Cluster>(instance.cluster); cluster && !cluster->internal) json.set("cluster", cluster->name);
    switch (instance.status) {
    case model::InstanceStatus::registering: json.set("status", "REGISTERING"); break;
    case model::InstanceStatus::active: json.set("status", "ACTIVE"); break;
    case model::InstanceStatus::draining: json.set("status", "DRAINING"); break;
    case model::InstanceStatus::deregistering: json.set("status", "DEREGISTERING"); break;
    case model::InstanceStatus::inactive: json.set("status", "INACTIVE"); break;
    }
    return json;
}

Json balancer_json(const state::View& view, const model::LoadBalancer& balancer)
{
    static constexpr const char* states[] = {"provisioning", "active", "active_impaired", "failed"};
    Json json = Json::object({{"name", balancer.name},
                              {"dnsName", model::dns_name(balancer)},
                              {"arn", model::load_balancer_arn(balancer)},
                              {"state", states[static_cast<std::size_t>(balancer.state)]}});
    if (!balancer.state_reason.empty()) json.set("reason", balancer.state_reason);
    Json addresses = Json::array(), urls = Json::array();
    for (const auto& zone : balancer.zones)
        if (const auto eni = view.get<model::Eni>(zone.eni)) addresses.push_back(ipv4_text(eni->address));
    auto listeners = view.all<state::ListenersByLoadBalancer>(balancer.id);
    std::ranges::sort(listeners, {}, [](const auto& listener) { return listener->port; });
    for (const auto& listener : listeners) {
        const bool https = listener->protocol == model::ListenerProtocol::https;
        const bool usual = listener->port == (https ? 443 : 80);
        urls.push_back((https ? "https://" : "http://") + model::dns_name(balancer) + (usual ? "" : ":" + std::to_string(listener->port)));
    }
    json.set("addresses", std::move(addresses));
    json.set("urls", std::move(urls));
    return json;
}

}  // namespace

Json task_json(const state::View& view, const model::Task& task)
{
    Json json = Json::object({{"id", to_text(task.id)},
                              {"lastStatus", to_text(task.status)},
                              {"desiredStatus", task.wanted ? "RUNNING" : "STOPPED"},
                              {"fargate", task.launch_type == model::LaunchType::fargate},
                              {"zone", task.zone.str()},
                              {"createdAt", task.created_at.ms}});
    if (const auto cluster = view.get<model::Cluster>(task.cluster)) {
        json.set("cluster", cluster->name);
        json.set("taskArn", model::task_arn(*cluster, task.id));
    }
    if (const auto definition = view.get<model::TaskDefinition>(task.definition))
        json.set("definition", definition->family + ":" + std::to_string(definition->revision));
    if (const auto eni = task.eni ? view.get<model::Eni>(task.eni) : nullptr) json.set("address", ipv4_text(eni->address));
    if (const auto instance = view.get<model::Instance>(task.instance)) {
        json.set("host", instance->host_principal);
        if (!instance->address.empty()) json.set("hostAddress", instance->address);
    }
    if (task.started_at) json.set("startedAt", task.started_at.ms);
    if (task.stopped_at) json.set("stoppedAt", task.stopped_at.ms);
    Json ports = Json::array();
    for (const auto& container : task.containers)
        for (const auto& binding : container.bindings)
            ports.push_back(Json::object({{"containerPort", binding.port.container_port}, {"hostPort", binding.port.host_port}}));
    if (!ports.as_array().empty()) json.set("ports", std::move(ports));
    return json;
}

http::Async<http::Response> Admin::status()
{
    const auto look = [this](state::Txn& txn) {
        Json hosts = Json::array(), tasks = Json::array(), balancers = Json::array();
        int connected = 0, live = 0;
        for (const auto& [id, instance] : txn.rows<model::Instance>()) {
            if (instance->status == model::InstanceStatus::inactive) continue;
            connected += instance->agent_connected;
            hosts.push_back(host_json(txn, *instance));
        }
        for (const auto& [id, task] : txn.rows<model::Task>()) {
            if (!task->live()) continue;
            ++live;
            tasks.push_back(task_json(txn, *task));
        }
        for (const auto& [id, balancer] : txn.rows<model::LoadBalancer>()) balancers.push_back(balancer_json(txn, *balancer));
        Json services = Json::array();
        for (const auto& [id, service] : txn.rows<model::Service>())
            if (service->status != model::ServiceStatus::inactive) services.push_back(service_json(txn, *service));
        const auto platform = txn.get<model::Platform>(0);
        Json json = Json::object({{"version", facts_.version},
                                  {"endpoint", facts_.endpoint},
                                  {"registryHost", facts_.registry_host},
                                  {"region", facts_.scope.region},
                                  {"account", facts_.scope.account},
                                  {"vpcCidr", facts_.vpc_cidr},
                                  {"suspended", platform && platform->suspended},
                                  {"connectedAgents", connected},
                                  {"liveTasks", live}});
        json.set("hosts", std::move(hosts));
        json.set("services", std::move(services));
        json.set("tasks", std::move(tasks));
        json.set("loadBalancers", std::move(balancers));
        return json;
    };
    const auto json = co_await bridge::update(store_, look);
    if (!json.ok()) co_return json_error(500, json.error().message);
    co_return json_answer(*json);
}

}  // namespace boxship::admin
