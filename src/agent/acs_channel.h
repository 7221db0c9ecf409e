// The websocket by which tasks come (ACS): payloads, manifests, credentials, heartbeats. Lives on one I/O executor.
//
// What comes is read as free JSON, not as acs::PayloadMessage: a task is recorded as it was sent.
#pragma once

#include <memory>
#include <string>

#include "agent/engine.h"
#include "agent/membership.h"
#include "agent/task_credentials.h"
#include "wire/http/io_threads.h"
#include "wire/http/websocket.h"

namespace boxship::agent {

struct ChannelTimes {
    Milliseconds idle_least{60'000};            // silence after which the connection is given up: so long
    Milliseconds idle_spread{60'000};           // and up to that much longer
    Milliseconds lifetime{30 * 60'000};         // then the connection is renewed
    Milliseconds lifetime_spread{5 * 60'000};
    Milliseconds inactive_pause{3'600'000};     // a deregistered instance asks again after that
    Milliseconds metrics_interval{20'000};
};

class AcsChannel {
public:
    AcsChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, TaskCredentials& credentials, Board& board,
               env::Random& random, ChannelTimes times);

    // Connects, serves and connects again, for ever.
    http::Async<> run(std::shared_ptr<Engine> engine);
    void forget_engine() { engine_.reset(); }    // when run() has ended

private:
    using Socket = std::shared_ptr<http::WebSocket>;
    enum class Ended { clean, broken, inactive, unknown_instance };

    http::Async<Ended> connect_and_serve();
    http::Async<Ended> serve(Socket socket);
    void handle(const Socket& socket, const std::string& type, const shape::Json& message);
    void on_payload(const Socket& socket, const shape::Json& message);
    void on_credentials(const Socket& socket, const shape::Json& message);
    void on_manifest(const Socket& socket, const shape::Json& message);
    void send(const Socket& socket, std::string text);
    void acknowledge_credentials(const Socket& socket, const std::string& message_id, const shape::Json& credentials);
    Milliseconds random_between(Milliseconds least, Milliseconds spread);

    http::TaskGroup& group_;
    Membership& membership_;
    ApiClient& api_;
    TaskCredentials& credentials_;
    Board& board_;
    env::Random& random_;
    const ChannelTimes times_;
    std::shared_ptr<Engine> engine_;
    bool connected_once_ = false;
    bool session_was_long_ = false;      // the last connection lasted long enough to forget earlier failures
    std::string manifest_id_;            // messageId of the latest manifest
};

}  // namespace boxship::agent
