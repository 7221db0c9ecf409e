// Our own websocket beside ACS, for what that has no words for. Without it tasks go on; what rules of security groups let pass
// stays as it was, and a new task is closed apart from the groups known here.
//
//   server: {"id": n, "kind": "logs", "taskArn", "container"?, "follow"?, "tail"?, "since"? (ms)}   {"id": n, "kind": "cancel"}
//   agent:  {"id": n, "lines": […]} …, {"id": n, "end": true, "error"?}
//           {"kind": "timings", "taskArn", "phases": [{"name", "startMs", "ms"}]}        unasked, once per launch
//           {"kind": "oomKills", "taskArn", "containers": {name: processes}}              unasked, when a task ended that had some
//           {"kind": "lastLines", "taskArn", "lines": [as of logs]}                       unasked, when a task ended
//   server: {"kind": "groups", …}     unasked: all security groups after each connect, then changes of them (group_news.h)
#pragma once

#include <memory>
#include <mutex>

#include "agent/acs_channel.h"
#include "agent/log_streams.h"

namespace boxship::agent {

class ControlChannel {
public:
    // `url`: of the server; the path of the channel is appended.
    using OnGroups = std::function<void(const shape::Json& frame)>;
    ControlChannel(http::TaskGroup& group, Membership& membership, ApiClient& api, LogStreams& logs, OnGroups on_groups, env::Random& random,
                   ChannelTimes times);

    http::Async<> run();    // for ever
    void timings(const std::string& task_arn, const std::vector<Phase>& phases);   // from any thread; lost while not connected
    void oom_kills(const std::string& task_arn, const std::vector<OomKills>& kills);   // the same
    void last_lines(const std::string& task_arn);          // reads and sends the end of the task's output; the same

private:
    using Socket = std::shared_ptr<http::WebSocket>;
    http::Async<bool> connect_and_serve();
    void handle(const Socket& socket, const shape::Json& frame);
    void send(const Socket& socket, std::string text);
    Socket current();

    http::TaskGroup& group_;
    Membership& membership_;
    ApiClient& api_;
    LogStreams& logs_;
    const OnGroups on_groups_;
    env::Random& random_;
    const ChannelTimes times_;
    std::mutex mutex_;
    std::weak_ptr<http::WebSocket> current_;
    std::int64_t next_own_id_ = -1;                        // of streams that nobody asked for: below the server's ids
};

}  // namespace boxship::agent
