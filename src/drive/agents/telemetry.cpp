// TCS: what agents measure.
#include "base/log.h"
#include "drive/agents/health.h"
#include "drive/agents/hub_impl.h"
#include "model/arns.h"

namespace boxship::drive {
namespace {

using shape::Json;

// Agents put signed header lines before each message; the upgrade was verified, so they are only cut off.
std::string_view without_prefix(std::string_view text)
{
    if (text.starts_with('{')) return text;
    const auto end = text.find("\r\n\r\n");
    return end == text.npos ? text : text.substr(end + 4);
}

const char* acknowledgement_of(const std::string& type)
{
    if (type == "PublishMetricsRequest") return "AckPublishMetric";
    if (type == "PublishHealthRequest") return "AckPublishHealth";
    if (type == "PublishInstanceStatusRequest") return "AckPublishInstanceStatus";
    return nullptr;
}

}  // namespace

void AgentHub::Impl::note_metrics(const Json& message)
{
    const std::lock_guard lock(metrics_mutex);
    for (const Json& task : message["taskMetrics"].as_array()) {
        if (const auto id = model::task_of_arn(task.get_string("taskArn"))) metrics[*id] = task;
    }
}

void AgentHub::Impl::note_health(const InstanceId& instance, const Json& message)
{
    const auto tasks = std::make_shared<const Json>(message["tasks"]);
    store.update(
        [instance, tasks](state::Txn& txn) {
            for (const Json& entry : tasks->as_array()) drive::note_health(txn, instance, entry);
        },
        [](HostResult<>) {});     // a journal that fails now: the agent says it again with its next metrics
}

http::Async<> AgentHub::Impl::serve_tcs(http::WebSocket& socket, InstanceId instance)
{
    for (;;) {
        const auto text = co_await socket.read();
        if (!text.ok() || !*text) co_return;
        const auto frame = Json::parse(without_prefix(**text));
        if (!frame.ok()) {
            log_warning("telemetry of {}: a message that is not JSON: {}", to_text(instance), frame.error());
            continue;
        }
        const std::string type = frame->get_string("type");
        if (type == "PublishMetricsRequest") note_metrics((*frame)["message"]);
        if (type == "PublishHealthRequest") note_health(instance, (*frame)["message"]);
        const char* acknowledgement = acknowledgement_of(type);
        if (!acknowledgement) continue;
        std::string answer = Json::object({{"type", acknowledgement}, {"message", Json::object({{"message", "ok"}})}}).dump();
        const auto sent = co_await socket.send(std::move(answer));
        if (!sent.ok()) co_return;
    }
}

http::Async<http::Response> AgentHub::accept_tcs(const http::Request& request, std::string host)
{
    const auto instance = instance_of_query(request, "containerInstance");
    if (!instance) co_return refuse_upgrade({"InvalidInstanceException", "containerInstance is missing or malformed.", 400});
    const auto refusal = co_await impl_->check(*instance, std::move(host));
    if (refusal) co_return refuse_upgrade(*refusal);
    http::Response response;
    response.upgrade = [impl = impl_.get(), id = *instance](http::WebSocket& socket) { return impl->serve_tcs(socket, id); };
    co_return response;
}

Json AgentHub::metrics_of(const TaskId& task) const
{
    const std::lock_guard lock(impl_->metrics_mutex);
    const auto found = impl_->metrics.find(task);
    return found == impl_->metrics.end() ? Json() : found->second;
}

}  // namespace boxship::drive
