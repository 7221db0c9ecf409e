// The websocket by which metrics go (TCS). Each message is preceded by the header lines of a signature of its own.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "agent/acs_channel.h"
#include "agent/telemetry.h"
#include "agent/workers.h"

namespace boxship::agent {

class TcsChannel {
public:
    TcsChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, Telemetry& telemetry, Workers& workers,
               env::Clock& clock, env::Random& random, ChannelTimes times);

    http::Async<> run();   // for ever
    // A task changed: what a health check found out is told at once, not with the next metrics. From any thread.
    void look_at(const TaskView& view);

private:
    using Socket = std::shared_ptr<http::WebSocket>;
    http::Async<bool> connect_and_serve();              // true: it was a good connection
    http::Async<> publish(Socket socket, std::string url);
    http::Async<HostResult<>> send(Socket socket, std::string url, const char* type, shape::Json message);
    http::Async<> sample();
    http::Async<> tell_health();
    shape::Json status() const;

    http::TaskGroup& group_;
    Membership& membership_;
    ApiClient& api_;
    Telemetry& telemetry_;
    Workers& workers_;
    env::Clock& clock_;
    env::Random& random_;
    const ChannelTimes times_;

    std::mutex mutex_;                                    // of what follows
    std::map<std::string, std::string> told_;             // task → what its containers' checks last found
    std::weak_ptr<http::WebSocket> socket_;               // the open one
    std::string url_;
};

}  // namespace boxship::agent
