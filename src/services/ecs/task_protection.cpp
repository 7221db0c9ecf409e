// Protection of a service's tasks from being chosen when there are too many: UpdateTaskProtection and GetTaskProtection, for
// clients and for the tasks themselves, for whom their host asks.
#include "ecs/ops.h"
#include "services/ecs/hosts.h"
#include "services/ecs/messages.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

constexpr std::size_t update_max = 10, describe_max = 100;
constexpr std::int32_t minutes_default = 120;

struct ProtectionRows {
    struct Protected {
        std::string arn;
        Time until;            // none: not protected
    };
    std::vector<Protected> tasks;
    std::vector<FailureRow> failures;
};

void add(ProtectionRows& rows, const model::Cluster& cluster, const model::Task& task, Time now)
{
    rows.tasks.push_back({task_arn(cluster, task.id), task.protected_until > now ? task.protected_until : Time{}});
}

// A live task of a service, for which the caller may speak: a host asks for its own tasks only. nullptr: it is among the
// failures.
Result<TaskPtr> find_task(const View& view, const Call& call, const model::Cluster& cluster, std::string_view name, const char* detail_without_service,
                          ProtectionRows& rows)
{
    const auto task = look_up_task(view, cluster, name);
    const bool missing = !task || !task->live();
    if (missing || !task->service) {
        rows.failures.push_back({task ? task_arn(cluster, task->id) : std::string(name), missing ? "MISSING" : "TASK_NOT_VALID",
                                 missing ? "" : detail_without_service});
        return TaskPtr();
    }
    if (const auto instance = view.get<model::Instance>(task->instance)) RETURN_IF_ERROR(may_speak_for(call, *instance));
    return task;
}

Result<ProtectionRows> update_task_protection(Txn& txn, const Call& call, const api::UpdateTaskProtectionRequest& request)
{
    if (request.tasks.empty()) return invalid(messages::tasks_empty);
    if (request.tasks.size() > update_max) return invalid(messages::protection_max);
    const std::int32_t minutes = request.expires_in_minutes.value_or(minutes_default);
    if (minutes < 1 || minutes > model::task_protection_max.count()) return invalid(messages::protection_minutes);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ProtectionRows rows;
    for (const auto& name : request.tasks) {
        ASSIGN_OR_RETURN(const auto found, find_task(txn, call, *cluster, name.view(), messages::protection_service, rows));
        if (!found) continue;
        model::Task task = *found;
        task.protected_until = request.protection_enabled.value_or(false) ? call.now + std::chrono::minutes(minutes) : Time{};
        if (!task.wanted && task.protected_until) {
            rows.failures.push_back({task_arn(*cluster, task.id), "DEPLOYMENT_BLOCKED", messages::protection_late});
            continue;
        }
        add(rows, *cluster, task, call.now);
        if (task.protected_until == found->protected_until) continue;
        ++task.version;
        txn.put(std::move(task));
    }
    return rows;
}

Result<ProtectionRows> get_task_protection(Txn& txn, const Call& call, const api::GetTaskProtectionRequest& request)
{
    if (request.tasks.size() > describe_max) return invalid(messages::tasks_max);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ProtectionRows rows;
    for (const auto& name : request.tasks) {
        ASSIGN_OR_RETURN(const auto found, find_task(txn, call, *cluster, name.view(), "", rows));
        if (found) add(rows, *cluster, *found, call.now);
    }
    return rows;
}

template <class Response>
Response render_protection(const ProtectionRows& rows)
{
    Response response;
    response.protected_tasks.emplace();
    for (const auto& task : rows.tasks) {
        auto& entry = response.protected_tasks.emplace_back();
        entry.task_arn = task.arn;
        entry.protection_enabled = static_cast<bool>(task.until);
        set_time(task.until, entry.expiration_date);
    }
    write_failures(rows.failures, response.failures);
    return response;
}

}  // namespace

void serve_task_protection(Served& served)
{
    served.add<api::ops::UpdateTaskProtection>(update_task_protection, render_protection<api::UpdateTaskProtectionResponse>).for_hosts();
    served.add<api::ops::GetTaskProtection>(get_task_protection, render_protection<api::GetTaskProtectionResponse>).for_hosts();
}

}  // namespace boxship::services::ecs
