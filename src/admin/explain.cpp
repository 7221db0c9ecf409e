#include <boost/asio/awaitable.hpp>

#include <fmt/format.h>

#include "admin/admin.h"
#include "base/arn.h"
#include "bridge/store_call.h"

namespace boxship::admin {
namespace {

using shape::Json;

std::string explain_stopped(const model::Task& task)
{
    std::string text = fmt::format("It stopped: {} ({}).", task.stopped_reason, to_text(task.stop_code));
    for (const auto& container : task.containers) {
        if (!container.exit_code && container.reason.empty()) continue;
        text += fmt::format(" Container {}", container.name);
        if (container.exit_code) {
            text += fmt::format(" ended with exit code {}", *container.exit_code);
            if (const std::string hint = exit_code_hint(*container.exit_code); !hint.empty() && container.reason.empty()) text += " (" + hint + ")";
        }
        if (!container.reason.empty()) text += (container.exit_code ? ", " : ": ") + container.reason;
        if (!text.ends_with('.')) text += ".";
    }
    return text;
}

}  // namespace

std::string exit_code_hint(int code)
{
    switch (code) {
    case 0: return "it finished by itself";
    case 1: return "a failure of the program itself; boxship logs shows what it said";
    case 126: return "the command is there but cannot be executed";
    case 127: return "the command was not found in the image";
    case 134: return "it aborted";
    case 137: return "killed by SIGKILL: out of memory, or it did not end within its stop timeout";
    case 139: return "it crashed with a segmentation fault";
    case 143: return "it ended on SIGTERM";
    default: return "";
    }
}

std::string explain_task(const state::View& view, const model::Task& task)
{
    if (!task.live()) return explain_stopped(task);
    const auto instance = view.get<model::Instance>(task.instance);
    const std::string host = instance ? instance->host_principal : "its host";
    const bool connected = instance && instance->agent_connected;
    if (!task.wanted) {
        const std::string why = task.stopped_reason.empty() ? "" : " (" + task.stopped_reason + ")";
        return connected ? fmt::format("It was asked to stop{}; {} is ending its containers, each within its stop timeout.", why, host)
                         : fmt::format("It was asked to stop{}, but {} is not connected; it stops when the agent is back.", why, host);
    }
    if (task.status == model::TaskStatus::running)
        return connected ? fmt::format("It is running on {}.", host)
                         : fmt::format("It was running on {} when that host was last heard of; the host is not connected now.", host);
    if (!connected) return fmt::format("It is placed on {}, which is not connected; it starts when the agent is back.", host);
    if (!task.acknowledged) return fmt::format("It is placed on {}, which has not confirmed it yet.", host);
    std::string text = fmt::format("{} is preparing it", host);
    for (const auto& container : task.containers)
        if (container.image_digest.empty()) text += fmt::format(", image {} is being resolved", container.image);
    return text + ".";
}

http::Async<http::Response> Admin::explain(Json request)
{
    struct Found {
        std::optional<TaskId> id;
        Json task;
        std::string why;
    };
    const std::string text = request.get_string("task");
    const Time now = store_.env().clock.now();
    const std::function<Json(state::Txn&)> look_for_service = [text, now](state::Txn& txn) {
        const auto service = find_service(txn, text);
        return service ? service_story(txn, *service, now) : Json();
    };
    const auto story = co_await bridge::update(store_, look_for_service);
    if (!story.ok()) co_return json_error(500, story.error().message);
    if (!story->is_null()) co_return json_answer(*story);
    const auto look = [text](state::Txn& txn) {
        Found found;
        found.id = find_task(txn, text);
        const auto task = found.id ? txn.get<model::Task>(*found.id) : nullptr;
        if (!task) return found;
        found.task = task_json(txn, *task);
        found.why = explain_task(txn, *task);
        return found;
    };
    const auto found = co_await bridge::update(store_, look);
    if (!found.ok()) co_return json_error(500, found.error().message);
    if (!found->id) co_return json_error(404, "No service or task is called '" + text + "'; name a service, or give all 32 digits of a task's id, or enough of a recent one's to be unique.");
    std::function<void(std::function<void(Json)>)> read = [this, id = *found->id](std::function<void(Json)> done) { history_.read(id, std::move(done)); };
    const Json history = co_await http::from_callback<Json>(std::move(read));
    if (history.is_null() && found->task.is_null())
        co_return json_error(404, "No task " + text + " is known, now or in the last 30 days.");
    Json answer = Json::object();
    answer.set("task", found->task.is_null() ? history["summary"] : found->task);
    if (!found->why.empty()) answer.set("why", found->why);
    else answer.set("why", fmt::format("It stopped: {} ({}).", history["summary"].get_string("stoppedReason"), history["summary"].get_string("stopCode")));
    answer.set("containers", history["summary"]["containers"]);
    answer.set("events", history["events"]);
    answer.set("timings", history["timings"]);
    answer.set("oomKills", history["oomKills"]);
    answer.set("lastLines", history["lastLines"]);
    co_return json_answer(answer);
}

}  // namespace boxship::admin
