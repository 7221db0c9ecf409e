#include "agent/acs_channel.h"

#include <boost/asio/awaitable.hpp>

#include <cerrno>

#include "base/log.h"
#include "wire/acs/session.h"

namespace boxship::agent {
namespace {

constexpr Milliseconds long_session{60'000};

std::int64_t monotonic_ms()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

AcsChannel::AcsChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, TaskCredentials& credentials, Board& board,
                       env::Random& random, ChannelTimes times)
    : group_(group), membership_(membership), api_(api), credentials_(credentials), board_(board), random_(random), times_(times)
{
}

Milliseconds AcsChannel::random_between(Milliseconds least, Milliseconds spread)
{
    return least + Milliseconds(random_.number(static_cast<std::uint64_t>(spread.count()) + 1));
}

http::Async<> AcsChannel::run(std::shared_ptr<Engine> engine)
{
    engine_ = std::move(engine);
    Reconnects reconnects(random_, times_.inactive_pause);
    for (;;) {
        session_was_long_ = false;
        const Ended ended = co_await connect_and_serve();
        if (ended == Ended::inactive) {
            log_warning("this instance was deregistered; its tasks are stopped; asking again in {} s", times_.inactive_pause.count() / 1000);
            engine_->stop_all("the container instance was deregistered");
        }
        if (ended == Ended::unknown_instance) membership_.forget_instance();
        const Milliseconds pause = reconnects.pause_after(ended, session_was_long_);
        if (pause.count() > 0) co_await http::sleep_for(pause);
        if (membership_.instance_arn().empty()) co_await membership_.join();
    }
}

http::Async<Ended> AcsChannel::connect_and_serve()
{
    const auto endpoints = co_await membership_.endpoints();
    if (!endpoints) {
        log_warning("ask for the control plane's endpoints: {}", endpoints.error().text());
        co_return Ended::broken;
    }
    http::ConnectRequest request;
    request.url = acs::acs_url(endpoints->acs, membership_.hello(!connected_once_));
    auto headers = api_.sign_upgrade(request.url);
    if (!headers) {
        log_error("sign the connection to the control plane: {}", headers.error().message);
        co_return Ended::broken;
    }
    request.headers = std::move(*headers);
    request.ca_file = api_.options().ca_file;
    auto connected = co_await http::connect_websocket(std::move(request));
    if (!connected) {
        const http::ConnectError& error = connected.error();
        const std::string type = acs::parse_refusal(error.body).value_or(acs::Refusal{}).type;
        const Ended ended = refused(type);
        if (ended != Ended::inactive) log_warning("connect to the control plane: {} {}", error.error.message, type);
        co_return ended;
    }
    connected_once_ = true;
    log_info("connected to the control plane");
    Socket socket = std::move(*connected);
    co_return co_await serve(std::move(socket));
}

http::Async<Ended> AcsChannel::serve(Socket socket)
{
    const std::int64_t begun = monotonic_ms();
    const std::int64_t until = begun + random_between(times_.lifetime, times_.lifetime_spread).count();
    const Milliseconds idle = random_between(times_.idle_least, times_.idle_spread);
    bool expired = false;
    // The socket is kept by weak pointer: a connection that has gone needs no acknowledgement.
    const auto conversation = std::make_shared<AcsConversation>(*engine_, credentials_, board_, [this, weak = std::weak_ptr(socket)](std::string text) {
        if (const auto alive = weak.lock()) send(alive, std::move(text));
    });
    for (;;) {
        const Milliseconds left(until - monotonic_ms());
        if (left.count() <= 0 && !expired) {
            expired = true;
            co_await socket->close(1000, "ConnectionExpired: Reconnect to continue");
        }
        const bool lifetime_first = !expired && left < idle;
        socket->set_read_timeout(lifetime_first ? std::max(left, Milliseconds(1)) : idle);
        const auto message = co_await socket->read();
        session_was_long_ = monotonic_ms() - begun > long_session.count();
        if (!message) {
            if (lifetime_first && message.error().code == ETIMEDOUT) co_return Ended::clean;
            log_warning("the control plane's connection: {}", message.error().message);
            co_return Ended::broken;
        }
        if (!*message) {
            const int code = socket->close_code();
            co_return expired || code == 1000 || code == 1001 || code == 1011 ? Ended::clean : Ended::broken;
        }
        conversation->on_message(**message);
    }
}

// From any thread. A failure shows in read() too, and the other side repeats what was not acknowledged.
void AcsChannel::send(const Socket& socket, std::string text)
{
    group_.spawn("send to the control plane", [socket, text = std::move(text)]() -> http::Async<> {
        std::string copy = text;
        const Socket keep = socket;
        const auto sent = co_await keep->send(std::move(copy));
        if (!sent) log_debug("send to the control plane: {}", sent.error().message);
    });
}

}  // namespace boxship::agent
