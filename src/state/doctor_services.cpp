#include "state/doctor_services.h"

#include <set>

#include <fmt/format.h>

namespace boxship::state {
namespace {

void examine_service(const View& view, const Service& service, std::vector<std::string>& complaints)
{
    const auto complain = [&](std::string_view what) { complaints.push_back(fmt::format("service {} {}", service.name, what)); };
    if (!view.get<Cluster>(service.cluster)) complain("is in a cluster that is not there");
    if (!view.get<ServiceRevision>({service.id, service.primary})) complain("has a primary revision that is not there");
    if (!view.get<ServiceDeployment>(service.deployment)) complain("has a deployment that is not there");
    if (service.desired < 0) complain("desires less than nothing");
    const bool over = service.status == ServiceStatus::inactive;
    if (over && !service.deleted_at) complain("is INACTIVE since an unknown time");
    if (over && view.any<TasksByService>(service.id)) complain("is INACTIVE and has live tasks");
}

}  // namespace

void examine_services(const View& view, std::vector<std::string>& complaints)
{
    std::set<ServiceName> names;
    for (const auto& [id, service] : view.rows<Service>()) {
        examine_service(view, *service, complaints);
        if (service->status != ServiceStatus::inactive && !names.insert({service->cluster, service->name}).second)
            complaints.push_back(fmt::format("two services are called {}", service->name));
    }
}

void examine_deployments(const View& view, const ServiceId& service, std::vector<std::string>& complaints)
{
    int under_way = 0;
    const auto& entries = view.entries<DeploymentsByService>();
    for (auto at = entries.lower_bound({{service, Time{}}, ServiceDeploymentId()}); at != entries.end() && at->first.service == service; ++at)
        under_way += !is_over(view.get<ServiceDeployment>(at->second)->status);
    if (under_way > 1) complaints.push_back("a service has two deployments under way");
}

void examine_revisions(const View& view, std::vector<std::string>& complaints)
{
    for (const auto& [id, revision] : view.rows<ServiceRevision>())
        if (!view.get<Service>(id.service)) complaints.push_back(fmt::format("revision {} is of a service that is not there", id.number));
    for (const auto& [id, deployment] : view.rows<ServiceDeployment>())
        if (!view.get<Service>(deployment->service)) complaints.push_back("a deployment is of a service that is not there");
    for (const auto& [id, service] : view.rows<Service>()) examine_deployments(view, id, complaints);
}

}  // namespace boxship::state
