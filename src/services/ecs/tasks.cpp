// Describing, listing and stopping tasks.
#include <algorithm>

#include "decide/lifecycle.h"
#include "ecs/ops.h"
#include "services/ecs/launch.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"
#include "shape/write.h"

namespace boxship::services::ecs {
namespace {

Result<TaskRow> stop_task(Txn& txn, const Call& call, const api::StopTaskRequest& request)
{
    constexpr std::size_t reason_max = 1024;
    if (request.reason.size() > reason_max) return invalid(messages::stop_reason_length);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    if (const std::string other = cluster_in(request.task); !other.empty() && other != cluster->name)
        return invalid(say(messages::identifier_cluster, other, cluster->name));
    const auto found = look_up_task(txn, *cluster, request.task);
    if (!found) return invalid(messages::task_not_found);
    model::Task task = *found;
    const std::string reason = request.reason.empty() ? decide::reason_stopped_by_user : request.reason.str();
    if (decide::stop(task, model::StopCode::user_initiated, reason, call.now)) {
        ++task.version;
        txn.put(task, asked_by(call, "StopTask"));
    }
    return task_row(txn, txn.get<model::Task>(task.id));
}

api::StopTaskResponse render_stopped(const TaskRow& row)
{
    api::StopTaskResponse response;
    render_task(row, true, response.task.emplace());
    return response;
}

Result<TaskRows> describe_tasks(Txn& txn, const Call& call, const api::DescribeTasksRequest& request)
{
    constexpr std::size_t tasks_max = 100;
    if (request.tasks.empty()) return invalid(messages::tasks_empty);
    if (request.tasks.size() > tasks_max) return invalid(messages::tasks_max);
    const auto cluster = look_up_cluster(txn, call, request.cluster);
    if (!cluster) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
    TaskRows rows;
    rows.tags = std::ranges::find(request.include, api::TaskField::tags) != request.include.end();
    for (const auto& name : request.tasks) {
        if (auto task = look_up_task(txn, *cluster, name)) {
            rows.tasks.push_back(task_row(txn, std::move(task)));
            continue;
        }
        const auto id = TaskId::parse(name);
        rows.failures.push_back({id ? task_arn(*cluster, *id) : name.str(), "MISSING", ""});
    }
    return rows;
}

api::DescribeTasksResponse render_described(const TaskRows& rows)
{
    api::DescribeTasksResponse response;
    response.tasks.emplace();
    for (const auto& row : rows.tasks) render_task(row, rows.tags, response.tasks.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

// The same as text, with the texts of tasks that have been described before.
std::string write_described(const TaskRows& rows)
{
    constexpr std::size_t usual_bytes = 3 << 10;  // of a task
    api::DescribeTasksResponse rest;
    write_failures(rows.failures, rest.failures);
    std::string out;
    out.reserve((rows.tasks.size() + 1) * usual_bytes);
    out = "{\"tasks\":[";
    for (const auto& row : rows.tasks) {
        if (&row != &rows.tasks.front()) out += ',';
        append_task_json(row, rows.tags, out);
    }
    out += "],";
    return out += std::string_view(shape::write_json(rest)).substr(1);
}

// Filters that are given must all hold; what started a task goes with its desired status only.
Result<ListRows> list_tasks(Txn& txn, const Call& call, const api::ListTasksRequest& request)
{
    const bool others = request.family.has() || request.container_instance.has() || request.service_name.has() || request.launch_type;
    if (request.started_by.has() && others) return invalid(messages::started_by_alone);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    ServicePtr service;
    if (!request.service_name.empty()) {
        service = look_up_service(txn, *cluster, request.service_name);
        if (!service) return ApiError{"ServiceNotFoundException", messages::service_not_found};
    }
    InstanceId instance;
    if (!request.container_instance.empty()) {
        const auto found = look_up_instance(txn, *cluster, request.container_instance);
        if (!found) return invalid(messages::instance_not_found);
        instance = found->id;
    }
    TaskId after;
    if (!page.after.empty()) {
        const auto id = TaskId::parse(page.after);
        if (!id) return invalid(messages::page_token);
        after = *id;
    }
    const auto desired = request.desired_status.value_or(api::DesiredStatus::running);
    const auto matches = [&](const model::Task& task) {
        if (desired == api::DesiredStatus::pending) return false;  // no task is ever wanted to be pending
        if (task.wanted != (desired == api::DesiredStatus::running)) return false;
        if (instance && task.instance != instance) return false;
        if (service && task.service != service->id) return false;
        if (request.launch_type && to_api(task.launch_type) != *request.launch_type) return false;
        if (!request.started_by.empty() && task.started_by != request.started_by.view()) return false;
        return request.family.empty() || txn.get<model::TaskDefinition>(task.definition)->family == request.family.view();
    };
    PageBuilder builder(page);
    const auto& entries = txn.entries<state::TasksByCluster>();
    for (auto at = entries.lower_bound({cluster->id, after}); at != entries.end() && at->first == cluster->id; ++at) {
        if (at->second == after) continue;
        const auto task = txn.get<model::Task>(at->second);
        if (matches(*task) && !builder.add(to_text(task->id), task_arn(*cluster, task->id))) break;
    }
    return builder.take();
}

api::ListTasksResponse render_task_arns(const ListRows& rows)
{
    api::ListTasksResponse response;
    response.task_arns.assign(rows.items);
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

void serve_tasks(Served& served)
{
    served.add<api::ops::StopTask>(stop_task, render_stopped);
    served.add<api::ops::DescribeTasks>(describe_tasks, render_described, write_described);
    served.add<api::ops::ListTasks>(list_tasks, render_task_arns).refuses({"daemonName"});
}

}  // namespace boxship::services::ecs
