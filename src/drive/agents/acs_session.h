// One agent's ACS connection. Lives on its connection's executor; its owner is the coroutine that serves the websocket.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drive/agents/hub.h"
#include "wire/http/websocket.h"

namespace boxship::drive {

// What sessions share; outlives them.
struct AcsContext {
    state::Store& store;
    const wire::SessionTokens& tokens;
    const HubOptions& options;
};

class AcsSession : public std::enable_shared_from_this<AcsSession> {
public:
    AcsSession(AcsContext context, http::Executor executor, InstanceId instance, bool send_credentials);

    // Serves the connection until it ends.
    http::Async<> run(http::WebSocket& socket);

    // A task of this instance changed; from the state's thread.
    void task_changed(Assignment assignment);
    void heartbeat();  // from any thread; cuts the connection when too many were not answered
    void cut();        // from any thread

    const InstanceId& instance() const { return instance_; }
    // On the state's thread, in the transaction that registers this session: what the agent should know.
    void take_snapshot(state::Txn& txn);

private:
    struct Sent {
        TaskId task;
        bool wanted = true;
    };

    void send(const std::string& type, shape::Json message);
    void send_task(const Assignment& assignment);
    void send_manifest();
    void send_credentials(const Assignment& assignment);
    void handle(const std::string& type, const shape::Json& message);
    void acknowledged(const Sent& sent);
    void verify_stops(const shape::Json& message);
    std::optional<RoleCredentials> issue(const Assignment& assignment, const char* kind, const std::string& role_arn);
    std::string next_message_id();

    AcsContext context_;
    http::Executor executor_;
    const InstanceId instance_;
    const bool send_credentials_;
    http::WebSocket* socket_ = nullptr;     // while run() runs
    bool ready_ = false;                    // the snapshot is sent; changes go out as they come
    std::vector<Assignment> snapshot_;
    std::string cluster_arn_;
    std::string instance_arn_;
    std::int64_t sequence_ = 0;             // the last seqNum or timeline sent
    std::uint64_t messages_ = 0;
    int heartbeats_unanswered_ = 0;
    std::map<std::string, Sent> outstanding_;              // by messageId
    struct WithRole {
        Assignment assignment;
        Time refresh_at;
    };
    std::map<TaskId, WithRole> with_roles_;                // live tasks whose credentials must be kept fresh
    std::string manifest_id_;
};

}  // namespace boxship::drive
