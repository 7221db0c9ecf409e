// What the files of the hub share.
#pragma once

#include <atomic>
#include <mutex>

#include "drive/agents/control_session.h"
#include "drive/agents/group_feed.h"
#include "drive/agents/hub.h"
#include "drive/agents/sessions.h"

namespace boxship::drive {

struct AgentHub::Impl {
    Impl(state::Store& the_store, http::IoThreads& threads, const wire::SessionTokens& tokens, History& the_history, HubOptions the_options);

    using Refusal = Sessions::Refusal;
    http::Async<std::optional<Refusal>> check(InstanceId instance, std::string host);
    http::Async<> serve_acs(http::WebSocket& socket, InstanceId instance, bool send_credentials);
    http::Async<> serve_tcs(http::WebSocket& socket, InstanceId instance);
    http::Async<> serve_control(http::WebSocket& socket, InstanceId instance);
    void note_health(const InstanceId& instance, const shape::Json& message);
    void note_metrics(const shape::Json& message);
    http::Async<> tick();

    state::Store& store;
    History& history;
    const HubOptions options;
    AcsContext acs;

    // The state's thread only.
    Sessions sessions;
    GroupFeed groups;
    std::map<InstanceId, std::shared_ptr<ControlSession>> controls;

    mutable std::mutex metrics_mutex;
    std::map<TaskId, shape::Json> metrics;

    http::TaskGroup tasks;  // last: its coroutines end before what they use
};

// "Type" and "message" as an agent reads a refused upgrade.
http::Response refuse_upgrade(const Sessions::Refusal& refusal);
std::optional<InstanceId> instance_of_query(const http::Request& request, std::string_view parameter);

}  // namespace boxship::drive
