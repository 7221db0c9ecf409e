// Describing, listing and deleting services.
#include <algorithm>

#include "ecs/ops.h"
#include "services/ecs/messages.h"
#include "services/ecs/serve.h"
#include "services/ecs/service_request.h"
#include "services/ecs/service_rows.h"

namespace boxship::services::ecs {
namespace {

struct ServiceRows {
    std::vector<ServiceRow> services;
    std::vector<FailureRow> failures;
    bool tags = false;
};

Result<ServiceRows> describe_services(Txn& txn, const Call& call, const api::DescribeServicesRequest& request)
{
    constexpr std::size_t services_max = 10;
    if (request.services.empty()) return invalid(messages::services_empty);
    if (request.services.size() > services_max) return invalid(messages::services_max);
    const auto cluster = look_up_cluster(txn, call, request.cluster);
    if (!cluster) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
    ServiceRows rows;
    rows.tags = std::ranges::find(request.include, api::ServiceField::tags) != request.include.end();
    for (const auto& name : request.services) {
        if (auto service = look_up_service(txn, *cluster, name))
            rows.services.push_back(service_row(txn, std::move(service)));
        else
            rows.failures.push_back({name.view().starts_with("arn:") ? name.str() : model::service_arn(*cluster, name.str()), "MISSING", ""});
    }
    return rows;
}

api::DescribeServicesResponse render_described(const ServiceRows& rows)
{
    api::DescribeServicesResponse response;
    response.services.emplace();
    for (const auto& row : rows.services) render_service(row, rows.tags, response.services.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

Result<ListRows> list_services(Txn& txn, const Call& call, const api::ListServicesRequest& request)
{
    constexpr std::size_t page_default = 10;
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ASSIGN_OR_RETURN(Page page, read_page(request.next_token, request.max_results));
    if (!request.max_results) page.max = page_default;
    const auto matches = [&](const model::Service& service) {
        if (service.status == model::ServiceStatus::inactive) return false;
        if (request.launch_type && to_api(service.launch_type) != *request.launch_type) return false;
        if (request.resource_management_type && *request.resource_management_type != api::ResourceManagementType::customer) return false;
        const bool daemon = service.scheduling == model::Scheduling::daemon;
        return !request.scheduling_strategy || daemon == (*request.scheduling_strategy == api::SchedulingStrategy::daemon);
    };
    PageBuilder builder(page);
    const auto& entries = txn.entries<state::ServicesByName>();
    for (auto at = entries.lower_bound({{cluster->id, page.after}, ServiceId()}); at != entries.end() && at->first.cluster == cluster->id; ++at) {
        const auto service = txn.get<model::Service>(at->second);
        if (service->name == page.after || !matches(*service)) continue;
        if (!builder.add(service->name, model::service_arn(*cluster, service->name))) break;
    }
    return builder.take();
}

api::ListServicesResponse render_service_arns(const ListRows& rows)
{
    api::ListServicesResponse response;
    response.service_arns.assign(rows.items);
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

// Services are in a namespace by way of Service Connect, which there is not; so no namespace has any.
Result<ListRows> list_services_by_namespace(Txn&, const Call&, const api::ListServicesByNamespaceRequest& request)
{
    RETURN_IF_ERROR(read_page(request.next_token, request.max_results));
    return ApiError{"NamespaceNotFoundException", say(messages::namespace_unknown, request.namespace_)};
}

api::ListServicesByNamespaceResponse render_by_namespace(const ListRows& rows)
{
    api::ListServicesByNamespaceResponse response;
    response.service_arns.assign(rows.items);
    return response;
}

Result<ServiceRow> delete_service(Txn& txn, const Call& call, const api::DeleteServiceRequest& request)
{
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    const auto found = look_up_service(txn, *cluster, request.service);
    if (!found) return ApiError{"ServiceNotFoundException", messages::service_not_found};
    if (found->status != model::ServiceStatus::active) return service_row(txn, found);
    if (!request.force.value_or(false) && found->scheduling == model::Scheduling::replica) {
        if (found->desired > 0) return invalid(messages::service_scaled);
        if (txn.revisions_in_use(found->id).size() > 1) return invalid(messages::service_deploying);
    }
    model::Service service = *found;
    service.status = model::ServiceStatus::draining;
    service.desired = 0;
    stop_deployment(txn, service, messages::deployment_of_deleted, call.now);
    txn.put(std::move(service));
    return service_row(txn, txn.get<model::Service>(found->id));
}

api::DeleteServiceResponse render_deleted(const ServiceRow& row)
{
    api::DeleteServiceResponse response;
    render_service(row, true, response.service.emplace());
    return response;
}

}  // namespace

void serve_services(Served& served)
{
    served.add<api::ops::DescribeServices>(describe_services, render_described);
    served.add<api::ops::ListServices>(list_services, render_service_arns);
    served.add<api::ops::ListServicesByNamespace>(list_services_by_namespace, render_by_namespace);
    served.add<api::ops::DeleteService>(delete_service, render_deleted);
}

}  // namespace boxship::services::ecs
