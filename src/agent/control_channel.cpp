#include "agent/control_channel.h"

#include <boost/asio/awaitable.hpp>

#include "base/log.h"

namespace boxship::agent {
namespace {

using shape::Json;

constexpr const char* path = "/_boxship/agent/ws?containerInstanceArn=";
constexpr std::size_t last_lines_max = 10;           // of each container, for the history
constexpr std::size_t lines_in_flight_max = 64;      // frames of a stream that are not with the kernel yet

}  // namespace

ControlChannel::ControlChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, LogStreams& logs, OnGroups on_groups, env::Random& random,
                               ChannelTimes times)
    : group_(group), membership_(membership), api_(api), logs_(logs), on_groups_(std::move(on_groups)), random_(random), times_(times)
{
}

http::Async<> ControlChannel::run()
{
    Backoff backoff(Milliseconds(250), 2.0, Milliseconds(60'000));
    for (;;) {
        if (!membership_.instance_arn().empty() && co_await connect_and_serve()) backoff.reset();
        const Milliseconds pause = backoff.pause(random_);
        co_await http::sleep_for(pause);
    }
}

http::Async<bool> ControlChannel::connect_and_serve()
{
    const std::string url = api_.options().url + path + http::percent_encode(membership_.instance_arn());
    http::ConnectRequest request;
    request.url = url;
    auto headers = api_.sign_upgrade(url);
    if (!headers) co_return false;
    request.headers = std::move(*headers);
    request.ca_file = api_.options().ca_file;
    auto connected = co_await http::connect_websocket(std::move(request));
    if (!connected) {
        log_debug("connect the control channel: {}", connected.error().error.message);
        co_return false;
    }
    Socket socket = std::move(*connected);
    {
        const std::lock_guard lock(mutex_);
        current_ = socket;
    }
    for (;;) {
        const auto message = co_await socket->read();
        if (!message || !*message) break;
        if (const auto frame = Json::parse(**message)) handle(socket, *frame);
    }
    logs_.cancel_all();
    co_return true;
}

void ControlChannel::handle(const Socket& socket, const Json& frame)
{
    const std::int64_t id = frame.get_int64("id");
    const std::string kind = frame.get_string("kind");
    if (kind == "cancel") return logs_.cancel(id);
    if (kind == "groups") {
        if (on_groups_) on_groups_(frame);
        return;
    }
    if (kind != "logs") {
        Json end = Json::object({{"id", id}, {"end", true}, {"error", "this agent does not know requests of kind " + kind}});
        return send(socket, end.dump());
    }
    LogRequest request{.task = frame.get_string("taskArn"), .container = frame.get_string("container"), .follow = frame.get_bool("follow")};
    if (frame["tail"].is_number()) request.tail = static_cast<std::size_t>(std::max<std::int64_t>(0, frame.get_int64("tail")));
    request.since = {frame.get_int64("since")};
    // A slow reader holds up its own stream's thread, not memory: so many frames wait at most.
    auto in_flight = std::make_shared<std::atomic<std::size_t>>(0);
    logs_.start(id, std::move(request), [this, id, weak = std::weak_ptr(socket), in_flight](Json out) {
        const auto alive = weak.lock();
        if (!alive) return false;
        out.set("id", id);
        if (*in_flight >= lines_in_flight_max) {
            out = Json::object({{"id", id}, {"end", true}, {"error", "the output came faster than it was read; try again with --since"}});
            send(alive, out.dump());
            return false;
        }
        ++*in_flight;
        group_.spawn("send log lines", [alive, in_flight, text = out.dump()]() -> http::Async<> {
            std::string copy = text;
            const Socket keep = alive;
            const auto count = in_flight;
            const auto sent = co_await keep->send(std::move(copy));
            --*count;
            if (!sent) log_debug("send log lines: {}", sent.error().message);
        });
        return true;
    });
}

void ControlChannel::timings(const std::string& task_arn, const std::vector<Phase>& phases)
{
    const Socket socket = current();
    if (!socket) return;
    Json list = Json::array();
    for (const Phase& phase : phases) list.push_back(Json::object({{"name", phase.name}, {"startMs", phase.start.ms}, {"ms", phase.ms}}));
    send(socket, Json::object({{"kind", "timings"}, {"taskArn", task_arn}, {"phases", std::move(list)}}).dump());
}

void ControlChannel::oom_kills(const std::string& task_arn, const std::vector<OomKills>& kills)
{
    const Socket socket = current();
    if (!socket || kills.empty()) return;
    Json containers = Json::object();
    for (const OomKills& kill : kills) containers.set(kill.container, kill.processes);
    send(socket, Json::object({{"kind", "oomKills"}, {"taskArn", task_arn}, {"containers", std::move(containers)}}).dump());
}

void ControlChannel::last_lines(const std::string& task_arn)
{
    const Socket socket = current();
    if (!socket) return;
    std::int64_t id = 0;
    {
        const std::lock_guard lock(mutex_);
        id = next_own_id_--;
    }
    LogRequest request{.task = task_arn, .container = "", .follow = false, .tail = last_lines_max, .since = {}};
    auto lines = std::make_shared<Json::Array>();
    logs_.start(id, std::move(request), [this, task_arn, lines, weak = std::weak_ptr(socket)](Json frame) {
        for (Json line : frame["lines"].as_array()) lines->push_back(std::move(line));
        if (!frame.get_bool("end")) return true;
        const auto alive = weak.lock();
        if (alive && !lines->empty()) send(alive, Json::object({{"kind", "lastLines"}, {"taskArn", task_arn}, {"lines", Json(std::move(*lines))}}).dump());
        return false;
    });
}

ControlChannel::Socket ControlChannel::current()
{
    const std::lock_guard lock(mutex_);
    return current_.lock();
}

void ControlChannel::send(const Socket& socket, std::string text)
{
    group_.spawn("send on the control channel", [socket, text = std::move(text)]() -> http::Async<> {
        std::string copy = text;
        const Socket keep = socket;
        const auto sent = co_await keep->send(std::move(copy));
        if (!sent) log_debug("send on the control channel: {}", sent.error().message);
    });
}

}  // namespace boxship::agent
