// The websocket by which metrics go (TCS). Each message is preceded by the header lines of a signature of its own.
#pragma once

#include <memory>

#include "agent/acs_channel.h"
#include "agent/telemetry.h"
#include "agent/workers.h"

namespace boxship::agent {

class TcsChannel {
public:
    TcsChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, Telemetry& telemetry, Workers& workers,
               env::Clock& clock, env::Random& random, ChannelTimes times);

    http::Async<> run();   // for ever

private:
    using Socket = std::shared_ptr<http::WebSocket>;
    http::Async<bool> connect_and_serve();              // true: it was a good connection
    http::Async<> publish(Socket socket, std::string url);
    http::Async<HostResult<>> send(Socket socket, std::string url, const char* type, shape::Json message);
    http::Async<> sample();
    shape::Json status() const;

    http::TaskGroup& group_;
    Membership& membership_;
    ApiClient& api_;
    Telemetry& telemetry_;
    Workers& workers_;
    env::Clock& clock_;
    env::Random& random_;
    const ChannelTimes times_;
};

}  // namespace boxship::agent
