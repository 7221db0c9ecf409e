// One agent's control channel: requests out, streams of answers back, and what either says by itself.
//
// Frames are JSON objects. Ours: {"id": n, "kind": "logs", …} and {"id": n, "kind": "cancel"}. The agent's: {"id": n, …}
// as often as it likes, the last with "end": true (and "error" when it failed); and without an id
// {"kind": "timings", "taskArn": …, "phases": […]}, {"kind": "oomKills", …, "containers": {…}} and {"kind": "lastLines", …, "lines": […]}.
// Ours without an id: security groups (group_feed.h).
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "base/id.h"
#include "shape/json_value.h"
#include "wire/http/io_threads.h"
#include "wire/http/websocket.h"

namespace boxship::drive {

class ControlSession : public std::enable_shared_from_this<ControlSession> {
public:
    using Each = std::function<bool(const shape::Json&)>;       // false: enough
    using Said = std::function<void(const shape::Json&)>;       // frames without an id

    ControlSession(http::Executor executor, InstanceId instance, Said said)
        : executor_(std::move(executor)), instance_(instance), said_(std::move(said))
    {
    }

    http::Async<> run(http::WebSocket& socket);
    void ask(shape::Json request, Each each);  // from any thread; an end frame comes in any case
    void tell(shape::Json frame);              // without an answer; from any thread, in order
    void cut();
    const InstanceId& instance() const { return instance_; }

private:
    void send(const shape::Json& frame);

    http::Executor executor_;
    const InstanceId instance_;
    Said said_;
    http::WebSocket* socket_ = nullptr;
    bool ended_ = false;
    std::int64_t last_id_ = 0;
    std::map<std::int64_t, Each> waiting_;
};

}  // namespace boxship::drive
