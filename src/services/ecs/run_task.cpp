// RunTask and StartTask.
#include "base/mutant.h"
#include "decide/placement/choices.h"
#include "decide/placement/story.h"
#include "decide/retention.h"
#include "ecs/ops.h"
#include "services/ecs/capacity.h"
#include "services/ecs/launch.h"
#include "services/ecs/messages.h"
#include "services/ecs/placement_choices.h"
#include "services/ecs/serve.h"
#include "services/ecs/tokens.h"

namespace boxship::services::ecs {
namespace {

constexpr const char* operation = "RunTask";

void add_failures(const Launch& launch, const decide::Placement& placement, std::vector<FailureRow>& failures)
{
    if (launch.pattern.launch_type == model::LaunchType::fargate) {
        const std::string detail = placement.refusals.empty() ? "no Fargate host is registered" : placement.refusals.front().detail;
        failures.push_back({"", messages::capacity_unavailable, detail});
        return;
    }
    for (const auto& refusal : placement.refusals) {
        failures.push_back({instance_arn(*launch.cluster, refusal.instance), std::string(refusal.reason), refusal.detail});
    }
}

// The answer that was given under the same token before.
Result<TaskRows> repeat_answer(const View& view, const model::ClientToken& token, const std::string& digest)
{
    if (token.request_hash != digest) return ApiError{"ConflictException", messages::client_token_used};
    TaskRows rows;
    for (const auto& id : token.tasks)
        if (auto task = view.get<model::Task>(id)) rows.tasks.push_back(task_row(view, std::move(task)));
    for (const auto& [arn, reason] : token.failures) rows.failures.push_back({arn, reason, ""});
    return rows;
}

Result<TaskRows> run_new_tasks(Txn& txn, const Call& call, const api::RunTaskRequest& request)
{
    const std::int32_t count = request.count.value_or(1);
    if (const auto most = call.quota(model::Quota::tasks_per_run); count < 1 || static_cast<std::size_t>(count) > most) return invalid(say(messages::count_range, most));
    ASSIGN_OR_RETURN(const LaunchTarget target, choose_target(txn, call, request.cluster, request.launch_type, request.capacity_provider_strategy));
    LaunchWish wish = wish_of(request);
    wish.launch_type = target.launch_type;
    wish.platform_version = request.platform_version;
    ASSIGN_OR_RETURN(Launch launch, prepare_launch(txn, call, wish));

    decide::PlacementRequest placement{.cluster = launch.cluster->id, .launch_type = target.launch_type, .need = launch.need, .group = launch.pattern.group};
    ASSIGN_OR_RETURN(const auto choices, read_placement_choices(request.placement_constraints, request.placement_strategy, target.launch_type));
    decide::apply_choices(choices.strategies, choices.constraints, placement);
    if (target.launch_type == model::LaunchType::fargate) {
        if (const auto hosts = internal_cluster(txn, call.scope)) placement.cluster = hosts->id;
    } else if (txn.counts(launch.cluster->id).instances == 0) {
        return invalid(messages::no_instances);
    }
    TaskRows rows;
    for (std::int32_t n = 0; n < count; ++n) {
        const auto place = decide::place(txn, placement, call.ids);
        if (!place.instance) {
            add_failures(launch, place, rows.failures);
            break;  // the next one would fare the same
        }
        if (!target.strategy.empty()) launch.pattern.capacity_provider = provider_of(target.strategy, n);
        auto task = create_task(txn, call, launch, *place.instance, decide::tell_placement(txn, placement, *place.instance));
        if (!task) {
            rows.failures.push_back({instance_arn(*launch.cluster, place.instance->id), messages::no_addresses, "no subnet of the request has a free address"});
            break;
        }
        rows.tasks.push_back({std::move(task), launch.cluster, launch.definition, place.instance});
    }
    return rows;
}

Result<TaskRows> run_task(Txn& txn, const Call& call, const api::RunTaskRequest& request)
{
    if (!request.client_token.has()) return run_new_tasks(txn, call, request);
    if (request.client_token.empty() || request.client_token.size() > 64) return invalid(messages::client_token);
    const model::ClientToken::Key key{call.scope, operation, request.client_token.str()};
    api::RunTaskRequest without_token = request;
    without_token.client_token.reset();
    const std::string digest = request_digest(without_token);
    if (const auto token = txn.get<model::ClientToken>(key); token && token->created_at + decide::client_token_kept > call.now)
        return repeat_answer(txn, *token, digest);
    ASSIGN_OR_RETURN(TaskRows rows, run_new_tasks(txn, call, request));
    model::ClientToken token{.name = key, .request_hash = digest, .created_at = call.now};
    for (const auto& row : rows.tasks) token.tasks.push_back(row.task->id);
    for (const auto& failure : rows.failures) token.failures.push_back({failure.arn, failure.reason});
    if (!mutant("run_task: the token is not kept")) txn.put(token);
    return rows;
}

Result<TaskRows> start_task(Txn& txn, const Call& call, const api::StartTaskRequest& request)
{
    if (request.container_instances.empty()) return invalid(messages::start_instances_empty);
    if (const auto most = call.quota(model::Quota::instances_per_start); request.container_instances.size() > most) return invalid(say(messages::start_instances_max, most));
    ASSIGN_OR_RETURN(const Launch launch, prepare_launch(txn, call, wish_of(request)));
    TaskRows rows;
    for (const auto& name : request.container_instances) {
        const auto instance = look_up_instance(txn, *launch.cluster, name);
        if (!instance) {
            rows.failures.push_back({name.str(), decide::reason::missing, ""});
            continue;
        }
        const auto found = decide::obstacle(txn, *instance, launch.need);
        auto task = found.reason.empty() ? create_task(txn, call, launch, *instance, "placed where StartTask named it") : nullptr;
        if (task)
            rows.tasks.push_back(task_row(txn, std::move(task)));
        else
            rows.failures.push_back({instance_arn(*launch.cluster, instance->id),
                                     found.reason.empty() ? messages::no_addresses : std::string(found.reason), found.detail});
    }
    return rows;
}

template <class Response>
Response render_started(const TaskRows& rows)
{
    Response response;
    response.tasks.emplace();
    for (const auto& row : rows.tasks) render_task(row, rows.tags, response.tasks.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

}  // namespace

void serve_run_task(Served& served)
{
    served.add<api::ops::RunTask>(run_task, render_started<api::RunTaskResponse>)
        .ignores({"networkConfiguration.awsvpcConfiguration.assignPublicIp"});
    served.add<api::ops::StartTask>(start_task, render_started<api::StartTaskResponse>)
        .ignores({"networkConfiguration.awsvpcConfiguration.assignPublicIp"});
}

}  // namespace boxship::services::ecs
