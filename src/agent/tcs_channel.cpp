#include "agent/tcs_channel.h"

#include <boost/asio/awaitable.hpp>

#include "base/log.h"
#include "wire/crypto.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr int samples_per_message = 4;

}  // namespace

TcsChannel::TcsChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, Telemetry& telemetry, Workers& workers,
                       env::Clock& clock, env::Random& random, ChannelTimes times)
    : group_(group), membership_(membership), api_(api), telemetry_(telemetry), workers_(workers), clock_(clock), random_(random), times_(times)
{
}

http::Async<> TcsChannel::run()
{
    Backoff backoff(Milliseconds(1'000), 2.0, Milliseconds(60'000));
    for (;;) {
        if (!membership_.instance_arn().empty() && co_await connect_and_serve()) backoff.reset();
        const Milliseconds pause = backoff.pause(random_);
        co_await http::sleep_for(pause);
    }
}

http::Async<bool> TcsChannel::connect_and_serve()
{
    const auto endpoints = co_await membership_.endpoints();
    if (!endpoints) co_return false;
    const std::string url = acs::tcs_url(endpoints->telemetry, membership_.hello(false));
    http::ConnectRequest request;
    request.url = url;
    auto headers = api_.sign_upgrade(url);
    if (!headers) co_return false;
    request.headers = std::move(*headers);
    request.ca_file = api_.options().ca_file;
    auto connected = co_await http::connect_websocket(std::move(request));
    if (!connected) {
        log_debug("connect for telemetry: {}", connected.error().error.message);
        co_return false;
    }
    Socket socket = std::move(*connected);
    const auto spread = static_cast<std::uint64_t>(times_.idle_spread.count()) + 1;
    {
        const std::lock_guard lock(mutex_);
        socket_ = socket;
        url_ = url;
    }
    socket->set_read_timeout(times_.idle_least + Milliseconds(random_.number(spread)));
    group_.spawn("telemetry", [this, socket, url]() { return publish(socket, url); });
    bool good = false;
    for (;;) {
        const auto message = co_await socket->read();
        if (!message || !*message) break;
        good = true;
    }
    socket->cut();          // ends publish() too
    co_return good;
}

http::Async<> TcsChannel::publish(Socket socket, std::string url)
{
    Json state = status();
    auto sent = co_await send(socket, url, "PublishInstanceStatusRequest", std::move(state));
    while (sent) {
        const std::string id = crypto::random_hex(random_, 16);
        std::vector<Json> messages = telemetry_.take(membership_.facts().cluster, membership_.instance_arn(), clock_.now(), id);
        for (Json& message : messages) {
            sent = co_await send(socket, url, "PublishMetricsRequest", std::move(message));
            if (!sent) co_return;
        }
        auto health = telemetry_.health(membership_.facts().cluster, membership_.instance_arn(), clock_.now(), id);
        if (health) {
            Json message = std::move(*health);
            sent = co_await send(socket, url, "PublishHealthRequest", std::move(message));
            if (!sent) co_return;
        }
        for (int at = 0; at < samples_per_message; ++at) {
            const Milliseconds pause = times_.metrics_interval / samples_per_message;
            co_await http::sleep_for(pause);
            if (telemetry_.anything_runs()) co_await sample();
        }
    }
}

void TcsChannel::look_at(const TaskView& view)
{
    std::string found;
    bool checked = false;
    for (std::size_t at = 0; at < view.health.size(); ++at) {
        checked |= view.record.spec->containers[at].has_health_check;
        found += std::to_string(static_cast<int>(view.health[at].health));
    }
    if (!checked) return;
    {
        const std::lock_guard lock(mutex_);
        if (view.record.stopped) {
            told_.erase(view.record.spec->id);
            return;
        }
        std::string& last = told_[view.record.spec->id];
        if (last == found) return;
        const bool first = last.empty() && found.find_first_not_of('0') == std::string::npos;
        last = std::move(found);
        if (first) return;
    }
    group_.spawn("health", [this]() { return tell_health(); });
}

http::Async<> TcsChannel::tell_health()
{
    Socket socket;
    std::string url;
    {
        const std::lock_guard lock(mutex_);
        socket = socket_.lock();
        url = url_;
    }
    if (!socket) co_return;               // the next connection begins with it
    const std::string id = crypto::random_hex(random_, 16);
    auto health = telemetry_.health(membership_.facts().cluster, membership_.instance_arn(), clock_.now(), id);
    if (!health) co_return;
    Json message = std::move(*health);
    co_await send(socket, url, "PublishHealthRequest", std::move(message));
}

http::Async<> TcsChannel::sample()
{
    std::function<void(std::function<void()>)> start = [this](std::function<void()> resume) {
        workers_.post([this, resume] {
            telemetry_.sample();
            resume();
        });
    };
    co_await http::suspend(std::move(start));
}

http::Async<HostResult<>> TcsChannel::send(Socket socket, std::string url, const char* type, Json message)
{
    const std::string json = Json::object({{"type", type}, {"message", std::move(message)}}).dump();
    auto text = api_.sign_message(url, json);
    if (!text) co_return text.error();
    std::string ready = std::move(*text);
    co_return co_await socket->send(std::move(ready));
}

Json TcsChannel::status() const
{
    const double now = static_cast<double>(clock_.now().ms) / 1000.0;
    Json runtime = Json::object({{"type", "ContainerRuntime"}, {"status", "OK"}, {"lastUpdated", now}, {"lastStatusChange", now}});
    Json metadata = Json::object({{"cluster", membership_.facts().cluster}, {"containerInstance", membership_.instance_arn()},
                                  {"requestId", crypto::random_hex(random_, 16)}});
    return Json::object({{"metadata", std::move(metadata)}, {"timestamp", now}, {"statuses", Json::array({std::move(runtime)})}});
}

}  // namespace boxship::agent
