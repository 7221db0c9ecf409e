// Protection of a service's tasks from being chosen when there are too many: UpdateTaskProtection and GetTaskProtection, for
// clients and for the tasks themselves, for whom their host asks.
#include "ecs/ops.h"
#include "services/ecs/hosts.h"
#include "services/ecs/messages.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

constexpr std::size_t update_max = 10, describe_max = 100;
constexpr std::int32_t minutes_default = 120, minutes_max = 2880;

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

// A host asks for its own tasks only.
Result<> may_protect(const View& view, const Call& call, const model::Task& task)
{
    const auto instance = view.get<model::Instance>(task.instance);
    return instance ? may_speak_for(call, *instance) : Result<>();
}

// Why this task has no protection; "" when it may.
const char* obstacle(const model::Task* task)
{
    if (!task || !task->live()) return "MISSING";
    return task->service ? "" : "TASK_NOT_VALID";
}

Result<ProtectionRows> update_task_protection(Txn& txn, const Call& call, const api::UpdateTaskProtectionRequest& request)
{
    if (request.tasks.empty()) return invalid(messages::tasks_empty);
    if (request.tasks.size() > update_max) return invalid(messages::protection_max);
    const std::int32_t minutes = request.expires_in_minutes.value_or(minutes_default);
    if (minutes < 1 || minutes > minutes_max) return invalid(messages::protection_minutes);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ProtectionRows rows;
    for (const auto& name : request.tasks) {
        const auto found = look_up_task(txn, *cluster, name);
        if (const std::string why = obstacle(found.get()); !why.empty()) {
            rows.failures.push_back({found ? task_arn(*cluster, found->id) : name.str(), why, why == "TASK_NOT_VALID" ? messages::protection_service : ""});
            continue;
        }
        RETURN_IF_ERROR(may_protect(txn, call, *found));
        model::Task task = *found;
        task.protected_until = request.protection_enabled.value_or(false) ? call.now + std::chrono::minutes(minutes) : Time{};
        if (!task.wanted && task.protected_until) {
            rows.failures.push_back({task_arn(*cluster, task.id), "DEPLOYMENT_BLOCKED", messages::protection_late});
            continue;
        }
        add(rows, *cluster, task, call.now);
        if (task.protected_until != found->protected_until) txn.put(std::move(task));
    }
    return rows;
}

Result<ProtectionRows> get_task_protection(Txn& txn, const Call& call, const api::GetTaskProtectionRequest& request)
{
    if (request.tasks.size() > describe_max) return invalid(messages::tasks_max);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ProtectionRows rows;
    for (const auto& name : request.tasks) {
        const auto found = look_up_task(txn, *cluster, name);
        if (const std::string why = obstacle(found.get()); !why.empty()) {
            rows.failures.push_back({found ? task_arn(*cluster, found->id) : name.str(), why, ""});
            continue;
        }
        RETURN_IF_ERROR(may_protect(txn, call, *found));
        add(rows, *cluster, *found, call.now);
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
