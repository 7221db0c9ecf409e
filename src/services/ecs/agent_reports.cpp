// What agents tell us: the state of tasks, containers and attachments; and where they ask for their channels.
#include "decide/lifecycle.h"
#include "ecs/ops.h"
#include "services/ecs/hosts.h"
#include "services/ecs/messages.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

// Agents repeat a report until it is answered with 200, some for ever. What cannot be used any more (a task that is
// forgotten or stopped) is therefore accepted and does nothing.
struct Accepted {};

// The task of a report, if it may be changed by it.
Result<TaskPtr> reported_task(const View& view, const Call& call, std::string_view name)
{
    const auto id = id_of<TaskId>(name);
    auto task = id ? view.get<model::Task>(*id) : nullptr;
    if (!task || !task->live()) return TaskPtr();
    const auto instance = view.get<model::Instance>(task->instance);
    if (!instance) return TaskPtr();
    RETURN_IF_ERROR(may_speak_for(call, *instance));
    return task;
}

std::optional<model::TaskStatus> task_status(std::string_view text)
{
    if (text == "PENDING") return model::TaskStatus::pending;
    if (text == "RUNNING") return model::TaskStatus::running;
    if (text == "STOPPED") return model::TaskStatus::stopped;
    return std::nullopt;
}

std::optional<model::ContainerStatus> container_status(std::string_view text)
{
    if (text == "PENDING") return model::ContainerStatus::pending;
    if (text == "RUNNING") return model::ContainerStatus::running;
    if (text == "STOPPED") return model::ContainerStatus::stopped;
    return std::nullopt;
}

std::vector<model::NetworkBinding> read_bindings(const shape::List<api::NetworkBinding>& list)
{
    std::vector<model::NetworkBinding> bindings;
    for (const auto& entry : list) {
        const bool udp = entry.protocol == api::TransportProtocol::udp;
        bindings.push_back({.bind_ip = entry.bind_ip.str(),
                            .port = {entry.container_port.value_or(0), entry.host_port.value_or(0), udp ? model::Protocol::udp : model::Protocol::tcp}});
    }
    return bindings;
}

template <class Entry>
decide::ContainerReport read_container(const Entry& entry)
{
    decide::ContainerReport report;
    report.name = entry.container_name.str();
    report.status = container_status(entry.status);
    report.runtime_id = entry.runtime_id.str();
    report.exit_code = entry.exit_code;
    report.reason = entry.reason.str();
    report.bindings = read_bindings(entry.network_bindings);
    return report;
}

void apply(Txn& txn, const Call& call, const model::Task& found, const decide::TaskReport& report)
{
    model::Task task = found;
    if (decide::apply_report(task, report, call.now)) put_task(txn, std::move(task));
}

bool says_attached(const shape::List<api::AttachmentStateChange>& attachments, const model::Task& task)
{
    if (!task.attachment.id) return false;
    const std::string own = model::to_uuid_text(task.attachment.id);
    for (const auto& entry : attachments)
        if (entry.status == "ATTACHED" && entry.attachment_arn.view().ends_with(own)) return true;
    return false;
}

Result<Accepted> submit_task_state_change(Txn& txn, const Call& call, const api::SubmitTaskStateChangeRequest& request)
{
    ASSIGN_OR_RETURN(const auto task, reported_task(txn, call, request.task));
    if (!task) return Accepted{};
    decide::TaskReport report;
    report.status = task_status(request.status);
    report.reason = request.reason.str();
    report.pull_started_at = request.pull_started_at.value_or({});
    report.pull_stopped_at = request.pull_stopped_at.value_or({});
    report.execution_stopped_at = request.execution_stopped_at.value_or({});
    report.attached = says_attached(request.attachments, *task);
    for (const auto& entry : request.containers) {
        auto& container = report.containers.emplace_back(read_container(entry));
        container.image_digest = entry.image_digest.str();
    }
    apply(txn, call, *task, report);
    return Accepted{};
}

Result<Accepted> submit_container_state_change(Txn& txn, const Call& call, const api::SubmitContainerStateChangeRequest& request)
{
    ASSIGN_OR_RETURN(const auto task, reported_task(txn, call, request.task));
    if (!task) return Accepted{};
    decide::TaskReport report;
    report.containers.push_back(read_container(request));
    apply(txn, call, *task, report);
    return Accepted{};
}

Result<Accepted> submit_attachment_state_changes(Txn& txn, const Call& call, const api::SubmitAttachmentStateChangesRequest& request)
{
    for (const auto& instance : txn.all<state::InstancesByHost>(call.principal.host))
        for (const auto& task : txn.all<state::TasksByInstance>(instance->id))
            if (says_attached(request.attachments, *task)) apply(txn, call, *task, {.attached = true});
    return Accepted{};
}

template <class Response>
Response render_accepted(const Accepted&)
{
    Response response;
    response.acknowledgment = "ACCEPT";
    return response;
}

Result<std::string> discover_poll_endpoint(Txn& txn, const Call& call, const api::DiscoverPollEndpointRequest& request)
{
    if (const auto id = id_of<InstanceId>(request.container_instance); id && !request.container_instance.empty())
        if (const auto instance = txn.get<model::Instance>(*id)) RETURN_IF_ERROR(may_speak_for(call, *instance));
    return call.installation.endpoint;
}

api::DiscoverPollEndpointResponse render_endpoint(const std::string& endpoint)
{
    api::DiscoverPollEndpointResponse response;
    response.endpoint = endpoint + "/acs/";
    response.telemetry_endpoint = endpoint + "/tcs/";
    return response;
}

}  // namespace

void serve_agent_reports(Served& served)
{
    served.add<api::ops::SubmitTaskStateChange>(submit_task_state_change, render_accepted<api::SubmitTaskStateChangeResponse>)
        .ignores({"managedAgents"})
        .for_hosts();
    served.add<api::ops::SubmitContainerStateChange>(submit_container_state_change, render_accepted<api::SubmitContainerStateChangeResponse>)
        .for_hosts();
    served.add<api::ops::SubmitAttachmentStateChanges>(submit_attachment_state_changes, render_accepted<api::SubmitAttachmentStateChangesResponse>)
        .for_hosts();
    served.add<api::ops::DiscoverPollEndpoint>(discover_poll_endpoint, render_endpoint).for_hosts();
}

}  // namespace boxship::services::ecs
