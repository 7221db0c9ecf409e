// The websocket by which tasks come (ACS), connected again and again. Lives on one I/O executor. What is said on it:
// acs_conversation.h.
#pragma once

#include <memory>
#include <string>

#include "agent/acs_conversation.h"
#include "agent/membership.h"
#include "agent/reconnects.h"
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
    http::Async<Ended> connect_and_serve();
    http::Async<Ended> serve(Socket socket);
    void send(const Socket& socket, std::string text);
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
};

}  // namespace boxship::agent
