// The control plane's end of every agent's channels: assignments go out over ACS, telemetry comes in over TCS, and what
// neither has words for (logs, timings, security groups) uses a third websocket of our own. State reports come as API calls, not here.
//
// What an agent should do is never queued anywhere: it is derived from the rows. A change of a task is sent when it is
// committed; on every connect all of it is sent again, which is harmless (agents raise a task's desired status, never
// lower it). An acknowledgement is a transaction.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "drive/agents/acs_conversation.h"
#include "drive/history/history.h"
#include "env/clock.h"
#include "state/store.h"
#include "wire/http/io_threads.h"
#include "wire/http/message.h"
#include "wire/session_token.h"

namespace boxship::drive {

class ControlSession;
class GroupFeed;   // group_feed.h

class AgentHub {
public:
    AgentHub(state::Store& store, http::IoThreads& threads, const wire::SessionTokens& tokens, History& history, HubOptions options);
    ~AgentHub();
    AgentHub(const AgentHub&) = delete;

    // Registers with the store's change feed; before the store's load().
    void follow();

    // The upgrades, for a caller that was authenticated as the host named `host`. Others' instances are refused.
    http::Async<http::Response> accept_acs(const http::Request& request, std::string host);
    http::Async<http::Response> accept_tcs(const http::Request& request, std::string host);
    http::Async<http::Response> accept_control(const http::Request& request, std::string host);

    // Sends a request ({"kind", …}) to the agent of an instance over the control channel; `each` is called for every answer
    // until one says "end": true, on any thread; it returns false to cancel. An error answer has "error".
    void ask_agent(const InstanceId& instance, shape::Json request, std::function<bool(const shape::Json&)> each);

    // What agents are told of security groups, for whoever else enforces them. On the state's thread.
    GroupFeed& groups();

    // The last metrics message's entry of a task (agent-protocol "taskMetrics"), or null.
    shape::Json metrics_of(const TaskId& task) const;

    struct Impl;

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace boxship::drive
