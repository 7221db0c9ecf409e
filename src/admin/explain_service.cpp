// A service's story: what it is to be, what is missing, and what it waits for now.
#include <algorithm>

#include <fmt/format.h>

#include "admin/admin.h"
#include "base/arn.h"
#include "decide/service/service.h"
#include "model/arns.h"

namespace boxship::admin {
namespace {

using shape::Json;

struct Sums {
    int live = 0, ready = 0, pending = 0, older = 0, stopping = 0;
};

Sums sums_of(const state::View& view, const model::Service& service)
{
    Sums sums;
    for (const auto& [number, counts] : view.revisions_in_use(service.id)) {
        sums.live += counts.live;
        sums.ready += counts.ready;
        sums.pending += counts.pending;
        sums.stopping += counts.live - counts.wanted;
        if (number != service.primary) sums.older += counts.wanted;
    }
    return sums;
}

// What a task's target groups say of it.
const char* in_target_groups(const model::Task& task)
{
    if (task.draining) return "draining";
    if (!task.wanted) return "deregistered";
    if (task.in_service) return "healthy";
    return task.unwell ? "unhealthy" : "initial";
}

std::string wait_for_health(const Sums& sums, const state::RevisionCounts& primary)
{
    if (primary.pending > 0) return fmt::format("It waits for {} tasks to come to RUNNING.", primary.pending);
    const int unwell = primary.wanted - primary.ready;
    if (unwell > 0) return fmt::format("It waits for {} tasks to be healthy.", unwell);
    if (sums.stopping > 0) return fmt::format("It waits for {} tasks to end.", sums.stopping);
    return "";
}

std::string waits_for(const state::View& view, const model::Service& service, Time now)
{
    const auto revision = view.get<model::ServiceRevision>({service.id, service.primary});
    if (!revision) return "";
    const Sums sums = sums_of(view, service);
    const auto& primary = view.counts(revision->id);
    if (const auto platform = view.get<model::Platform>(0); platform && platform->suspended) return "The platform is shutting down; nothing is replaced.";
    if (service.status == model::ServiceStatus::draining) return fmt::format("It is deleted and waits for {} tasks to end.", sums.live);
    if (revision->rollout == model::RolloutState::failed)
        return fmt::format("Its deployment failed ({}) and there was nothing to roll back to, or no rollback was asked for; no more tasks are started. "
                           "Update the service to go on.",
                           revision->rollout_reason);
    if (!service.complaint.empty()) return service.complaint;
    if (revision->start_after > now && primary.wanted < service.desired)
        return fmt::format("{} of its tasks failed to start; the next attempt is in {} s.", revision->start_failures, ((revision->start_after - now).count() + 999) / 1000);
    if (std::string waiting = wait_for_health(sums, primary); !waiting.empty()) {
        if (sums.older > 0)
            waiting += fmt::format(" {} older tasks serve meanwhile: at least {} must be healthy, at most {} there.", sums.older,
                                   decide::least_running(service.desired, service.rules.minimum_percent),
                                   decide::most_live(service.desired, service.rules.maximum_percent));
        return waiting;
    }
    return service.steady ? "It is steady: as many tasks run as are desired." : "";
}

Json deployments_json(const state::View& view, const model::Service& service)
{
    Json list = Json::array();
    const auto& entries = view.entries<state::DeploymentsByService>();
    auto at = entries.lower_bound({{service.id, Time{std::numeric_limits<std::int64_t>::max()}}, ServiceDeploymentId()});
    constexpr std::size_t shown_max = 5;
    while (list.as_array().size() < shown_max && at != entries.begin() && (--at)->first.service == service.id) {
        const auto deployment = view.get<model::ServiceDeployment>(at->second);
        const auto revision = view.get<model::ServiceRevision>({service.id, deployment->target});
        Json json = Json::object({{"id", model::deployment_id(deployment->target)}, {"status", model::to_text(deployment->status)},
                                  {"createdAt", deployment->created_at.ms}});
        if (revision) json.set("definition", revision->definition_arn.substr(revision->definition_arn.rfind('/') + 1));
        if (deployment->finished_at) json.set("finishedAt", deployment->finished_at.ms);
        if (!deployment->reason.empty()) json.set("reason", deployment->reason);
        list.push_back(std::move(json));
    }
    return list;
}

}  // namespace

std::shared_ptr<const model::Service> find_service(const state::View& view, const std::string& text)
{
    std::string name = text, cluster;
    if (const auto arn = Arn::parse(text)) {
        if (!arn->resource.starts_with("service/")) return nullptr;
        name = arn->resource.substr(arn->resource.rfind('/') + 1);
        cluster = arn->resource.substr(8, arn->resource.rfind('/') - 8);
    }
    std::shared_ptr<const model::Service> found;
    for (const auto& [id, service] : view.rows<model::Service>()) {
        if (service->name != name || service->status == model::ServiceStatus::inactive) continue;
        const auto in = view.get<model::Cluster>(service->cluster);
        if (!cluster.empty() && (!in || in->name != cluster)) continue;
        if (found) return nullptr;
        found = service;
    }
    return found;
}

Json service_json(const state::View& view, const model::Service& service)
{
    const Sums sums = sums_of(view, service);
    Json json = Json::object({{"name", service.name},
                              {"status", model::to_text(service.status)},
                              {"desired", service.desired},
                              {"running", sums.live - sums.pending - sums.stopping},
                              {"pending", sums.pending},
                              {"daemon", service.scheduling == model::Scheduling::daemon},
                              {"fargate", service.launch_type == model::LaunchType::fargate},
                              {"steady", service.steady},
                              {"createdAt", service.created_at.ms}});
    if (const auto cluster = view.get<model::Cluster>(service.cluster)) {
        json.set("cluster", cluster->name);
        json.set("serviceArn", model::service_arn(*cluster, service.name));
    }
    if (const auto revision = view.get<model::ServiceRevision>({service.id, service.primary})) {
        json.set("definition", revision->definition_arn.substr(revision->definition_arn.rfind('/') + 1));
        json.set("rollout", model::to_text(revision->rollout));
    }
    return json;
}

Json service_story(const state::View& view, const model::Service& service, Time now)
{
    Json json = Json::object({{"service", service_json(view, service)}, {"why", waits_for(view, service, now)}});
    json.set("deployments", deployments_json(view, service));
    Json tasks = Json::array();
    constexpr std::size_t tasks_shown_max = 50;
    for (const auto& task : view.all<state::TasksByService>(service.id)) {
        if (tasks.as_array().size() == tasks_shown_max) break;
        Json entry = task_json(view, *task);
        entry.set("deployment", model::deployment_id(task->revision));
        entry.set("health", model::to_text(task->health()));
        if (task->balanced) entry.set("targets", in_target_groups(*task));
        entry.set("why", explain_task(view, *task));
        tasks.push_back(std::move(entry));
    }
    json.set("tasks", std::move(tasks));
    Json events = Json::array();
    const auto& rows = view.rows<model::ServiceEvent>();
    for (auto at = rows.lower_bound({service.id, 0}); at != rows.end() && at->first.service == service.id; ++at)
        events.push_back(Json::object({{"time", at->second->created_at.ms}, {"text", at->second->message}}));
    json.set("events", std::move(events));
    return json;
}

}  // namespace boxship::admin
