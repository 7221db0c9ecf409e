// Alarms: set by whoever watches the metrics, looked at by deployments.
#include <boost/asio/awaitable.hpp>

#include "admin/admin.h"
#include "bridge/store_call.h"

namespace boxship::admin {

using shape::Json;

http::Async<http::Response> Admin::set_alarm(Json request)
{
    constexpr std::size_t name_max = 255, reason_max = 1024;
    const std::string name = request.get_string("name"), state = request.get_string("state"), reason = request.get_string("reason");
    if (name.empty() || name.size() > name_max) co_return json_error(400, "An alarm's name has 1 to 255 characters.");
    if (reason.size() > reason_max) co_return json_error(400, "The reason can have at most 1024 characters.");
    if (state != "ALARM" && state != "OK") co_return json_error(400, "An alarm's state is ALARM or OK.");
    const model::ScopedName id{facts_.scope, name};
    const Time now = store_.env().clock.now();
    const auto set = [id, state, reason, now](state::Txn& txn) {
        const auto standing = txn.get<model::Alarm>(id);
        const bool alarm = state == "ALARM";
        if (standing && standing->alarm == alarm && standing->reason == reason) return;
        model::Alarm row{.name = id, .alarm = alarm, .reason = reason, .since = now};
        if (standing && standing->alarm == alarm) row.since = standing->since;
        txn.put(std::move(row));
    };
    const HostResult<> durable = co_await bridge::update(store_, set);
    if (!durable.ok()) co_return json_error(500, durable.error().message);
    co_return json_answer(Json::object());
}

http::Async<http::Response> Admin::alarms()
{
    const auto list = [](state::Txn& txn) {
        Json alarms = Json::array();
        for (const auto& [id, alarm] : txn.rows<model::Alarm>())
            alarms.push_back(Json::object({{"name", id.name}, {"state", alarm->alarm ? "ALARM" : "OK"}, {"reason", alarm->reason}, {"since", alarm->since.ms}}));
        return Json::object({{"alarms", std::move(alarms)}});
    };
    const auto json = co_await bridge::update(store_, list);
    if (!json.ok()) co_return json_error(500, json.error().message);
    co_return json_answer(*json);
}

}  // namespace boxship::admin
