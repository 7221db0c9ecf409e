// Describing, listing, draining and deregistering container instances.
#include <algorithm>

#include "ecs/ops.h"
#include "services/ecs/expression.h"
#include "services/ecs/hosts.h"
#include "services/ecs/messages.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

using model::InstanceStatus;

struct InstanceRows {
    std::vector<InstanceRow> instances;
    std::vector<FailureRow> failures;
    bool tags = true;
};

template <class Response>
Response render_instances(const InstanceRows& rows)
{
    Response response;
    response.container_instances.emplace();
    for (const auto& row : rows.instances) render_instance(row, rows.tags, response.container_instances.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

FailureRow missing(const model::Cluster& cluster, const shape::Str& name)
{
    const auto id = InstanceId::parse(name);
    return {id ? instance_arn(cluster, *id) : name.str(), "MISSING", ""};
}

Result<InstanceRows> describe_container_instances(Txn& txn, const Call& call, const api::DescribeContainerInstancesRequest& request)
{
    constexpr std::size_t instances_max = 100;
    if (request.container_instances.empty()) return invalid(messages::instances_empty);
    if (request.container_instances.size() > instances_max) return invalid(messages::instances_max);
    const auto cluster = look_up_cluster(txn, call, request.cluster);
    if (!cluster) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
    InstanceRows rows;
    rows.tags = std::ranges::find(request.include, api::ContainerInstanceField::tags) != request.include.end();
    for (const auto& name : request.container_instances) {
        if (auto instance = look_up_instance(txn, *cluster, name))
            rows.instances.push_back(instance_row(txn, std::move(instance)));
        else
            rows.failures.push_back(missing(*cluster, name));
    }
    return rows;
}

Result<ListRows> list_container_instances(Txn& txn, const Call& call, const api::ListContainerInstancesRequest& request)
{
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    decide::query::ExpressionPtr filter;
    if (!request.filter.empty()) {
        ASSIGN_OR_RETURN(filter, read_expression(request.filter));
    }
    PageBuilder builder(page);
    for (const auto& instance : txn.all<state::InstancesByCluster>(cluster->id)) {
        const std::string key = to_text(instance->id);
        if (instance->status == InstanceStatus::inactive || key <= page.after) continue;
        if (filter && !filter->selects(*instance, txn.load(instance->id))) continue;
        if (request.status && api::to_text(*request.status) != to_text(instance->status)) continue;
        if (!builder.add(key, instance_arn(*cluster, instance->id))) break;
    }
    return builder.take();
}

api::ListContainerInstancesResponse render_instance_arns(const ListRows& rows)
{
    api::ListContainerInstancesResponse response;
    response.container_instance_arns.assign(rows.items);
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

Result<InstanceRows> update_container_instances_state(Txn& txn, const Call& call, const api::UpdateContainerInstancesStateRequest& request)
{
    constexpr std::size_t instances_max = 10;
    if (request.container_instances.empty()) return invalid(messages::instances_empty);
    if (request.container_instances.size() > instances_max) return invalid(messages::instance_state_max);
    if (request.status != api::ContainerInstanceStatus::active && request.status != api::ContainerInstanceStatus::draining)
        return invalid(messages::instance_state);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    InstanceRows rows;
    for (const auto& name : request.container_instances) {
        const auto found = look_up_instance(txn, *cluster, name);
        if (!found) {
            rows.failures.push_back(missing(*cluster, name));
            continue;
        }
        if (found->status == InstanceStatus::inactive) {
            rows.failures.push_back({instance_arn(*cluster, found->id), "INACTIVE", ""});
            continue;
        }
        model::Instance instance = *found;
        instance.status = request.status == api::ContainerInstanceStatus::active ? InstanceStatus::active : InstanceStatus::draining;
        if (instance.status != found->status) {
            ++instance.version;
            txn.put(instance);
        }
        rows.instances.push_back(instance_row(txn, txn.get<model::Instance>(instance.id)));
    }
    return rows;
}

Result<InstanceRow> deregister_container_instance(Txn& txn, const Call& call, const api::DeregisterContainerInstanceRequest& request)
{
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    const auto found = look_up_instance(txn, *cluster, request.container_instance);
    if (!found) return invalid(messages::instance_not_found);
    if (found->status == InstanceStatus::inactive) return instance_row(txn, found);
    if (txn.any<state::TasksByInstance>(found->id) && !request.force.value_or(false)) return invalid(messages::instance_has_tasks);
    deregister(txn, *found, call.now);
    return instance_row(txn, txn.get<model::Instance>(found->id));
}

api::DeregisterContainerInstanceResponse render_deregistered(const InstanceRow& row)
{
    api::DeregisterContainerInstanceResponse response;
    render_instance(row, true, response.container_instance.emplace());
    return response;
}

Result<std::monostate> update_container_agent(Txn&, const Call&, const api::UpdateContainerAgentRequest&)
{
    return ApiError{"NoUpdateAvailableException", messages::agent_update};
}

api::UpdateContainerAgentResponse render_agent(const std::monostate&) { return {}; }

}  // namespace

void serve_container_instances(Served& served)
{
    served.add<api::ops::DescribeContainerInstances>(describe_container_instances, render_instances<api::DescribeContainerInstancesResponse>);
    served.add<api::ops::ListContainerInstances>(list_container_instances, render_instance_arns);
    served.add<api::ops::UpdateContainerInstancesState>(update_container_instances_state,
                                                        render_instances<api::UpdateContainerInstancesStateResponse>);
    served.add<api::ops::DeregisterContainerInstance>(deregister_container_instance, render_deregistered);
    served.add<api::ops::UpdateContainerAgent>(update_container_agent, render_agent);
}

}  // namespace boxship::services::ecs
