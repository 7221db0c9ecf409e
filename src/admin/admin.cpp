#include "admin/admin.h"

#include <algorithm>
#include <cstring>

#include <boost/asio/awaitable.hpp>

#include "base/arn.h"
#include "bridge/store_call.h"
#include "decide/lifecycle.h"
#include "services/ecs/hosts.h"

namespace boxship::admin {

using shape::Json;

http::Response json_answer(const Json& json) { return http::text_response(200, json.dump(), "application/json"); }

http::Response json_error(int status, std::string message)
{
    return http::text_response(status, Json::object({{"message", std::move(message)}}).dump(), "application/json");
}

http::Async<http::Response> Admin::handle(std::string operation, std::string body)
{
    auto request = Json::parse(body.empty() ? "{}" : body);
    if (!request.ok() || !request->is_object()) co_return json_error(400, "The body must be a JSON object.");
    if (operation == "Status") co_return co_await status();
    if (operation == "Doctor") co_return co_await doctor();
    if (operation == "Explain") co_return co_await explain(std::move(*request));
    if (operation == "Logs") co_return co_await logs(std::move(*request));
    if (operation == "GiveUpHost") co_return co_await give_up_host(std::move(*request));
    if (operation == "SetAlarm") co_return co_await set_alarm(std::move(*request));
    if (operation == "Alarms") co_return co_await alarms();
    if (operation == "Quotas") co_return quotas();
    if (operation == "Suspend") co_return co_await suspend(std::move(*request));
    co_return json_error(404, "There is no call '" + operation + "' here.");
}

void Admin::resume(state::Txn& txn)
{
    const auto row = txn.get<model::Platform>(0);
    if (!row || !row->suspended) return;
    model::Platform platform = *row;
    platform.suspended = false;
    txn.put(std::move(platform));
}

http::Response Admin::quotas() const
{
    Json list = Json::array();
    for (const auto& facts : model::quota_facts())
        list.push_back(Json::object({{"name", facts.name}, {"code", facts.code}, {"title", facts.title},
                                     {"value", static_cast<std::int64_t>(facts_.quotas[facts.quota])}, {"default", facts.standard}, {"askedBy", facts.asked_by}}));
    return json_answer(Json::object({{"quotas", std::move(list)}}));
}

http::Async<http::Response> Admin::suspend(Json request)
{
    std::string reason = request.get_string("reason");
    if (reason.empty()) reason = "The platform was shut down.";
    const Time now = store_.env().clock.now();
    const auto stop_all = [reason, now](state::Txn& txn) {
        if (const auto row = txn.get<model::Platform>(0)) {
            model::Platform platform = *row;
            platform.suspended = true;
            txn.put(std::move(platform));
        }
        std::vector<model::Task> stopping;
        for (const auto& [id, task] : txn.rows<model::Task>())
            if (task->live() && task->wanted) stopping.push_back(*task);
        for (auto& task : stopping)
            if (decide::stop(task, model::StopCode::user_initiated, reason, now)) txn.put(std::move(task));
    };
    const HostResult<> durable = co_await bridge::update(store_, stop_all);
    if (!durable.ok()) co_return json_error(500, durable.error().message);
    co_return json_answer(Json::object());
}

http::Async<http::Response> Admin::give_up_host(Json request)
{
    const std::string name = request.get_string("host");
    const Time now = store_.env().clock.now();
    const auto give_up = [name, now](state::Txn& txn) {
        std::vector<std::shared_ptr<const model::Instance>> instances = txn.all<state::InstancesByHost>(name);
        const bool connected = std::ranges::any_of(instances, &model::Instance::agent_connected);
        if (!connected)
            for (const auto& instance : instances) services::ecs::deregister(txn, *instance, now);
        return Json::object({{"connected", connected}, {"instances", static_cast<int>(instances.size())}});
    };
    const auto json = co_await bridge::update(store_, give_up);
    if (!json.ok()) co_return json_error(500, json.error().message);
    co_return json_answer(*json);
}

std::optional<TaskId> find_task(const state::View& view, const std::string& text)
{
    std::string id = text;
    if (const auto arn = Arn::parse(text)) id = arn->resource.substr(arn->resource.rfind('/') + 1);
    if (const auto whole = TaskId::parse(id)) return whole;
    if (id.size() < 6 || id.size() > 32) return std::nullopt;
    const auto beginning = TaskId::parse(id + std::string(32 - id.size(), '0'));
    if (!beginning) return std::nullopt;
    // Ids of tasks are ordered by their time, so all are looked at: a twentieth of a second for a million.
    std::optional<TaskId> found;
    for (const auto& [key, task] : view.rows<model::Task>()) {
        if (std::memcmp(key.raw().data(), beginning->raw().data(), id.size() / 2) != 0 || !to_text(key).starts_with(id)) continue;
        if (found) return std::nullopt;
        found = key;
    }
    return found;
}

}  // namespace boxship::admin
