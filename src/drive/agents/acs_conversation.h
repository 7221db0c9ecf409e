// What is said on one agent's ACS connection, without the connection: a synchronous class that reads messages and says
// others through a link. acs_connection.h puts it on a websocket, the simulator on a link of its own.
//
// Lives on its connection's thread; what may be called from elsewhere says so.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drive/agents/payload.h"
#include "state/store.h"
#include "wire/acs/messages.h"
#include "wire/session_token.h"

namespace boxship::drive {

struct HubOptions {
    std::string registry_host;            // "localhost:4566"
    std::string endpoint;                 // "http://127.0.0.1:4566"
    crypto::Key server_key{};
    Milliseconds heartbeat_interval{30'000};
    int heartbeats_missed_max = 3;
    Milliseconds credentials_lifetime{6 * 3600 * 1000};
};

// What conversations share; outlives them.
struct AcsContext {
    state::Store& store;
    const wire::SessionTokens& tokens;
    const HubOptions& options;
};

// The connection. After its end nothing is sent any more and `post` goes on working.
class AcsLink {
public:
    virtual ~AcsLink() = default;
    virtual void send(std::string frame) = 0;                   // a failure shows as the connection's end
    virtual void cut() = 0;
    virtual void post(std::function<void()> work) = 0;          // from any thread: runs `work` on the connection's
};

class AcsConversation : public std::enable_shared_from_this<AcsConversation> {
public:
    AcsConversation(AcsContext context, std::shared_ptr<AcsLink> link, InstanceId instance, bool send_credentials);

    // On the state's thread, in the transaction that registers this conversation: what the agent should know.
    void take_snapshot(state::Txn& txn);

    void begin();                              // the transaction is durable: tells the agent all of it
    void on_message(std::string_view frame);

    // From any thread.
    void task_changed(Assignment assignment);  // of this instance; called on the state's thread, in the order of commits
    void heartbeat();                          // cuts the connection when too many were not answered
    void cut();

    const InstanceId& instance() const { return instance_; }

private:
    struct Sent {
        TaskId task;
        bool wanted = true;
    };

    void send_task(const Assignment& assignment);
    void send_manifest();
    void send_credentials(const Assignment& assignment);
    void acknowledged(const Sent& sent);
    void on(const acs::AckRequest& message);
    void on(const acs::NackRequest& message);
    void on(const acs::HeartbeatAckRequest&) { heartbeats_unanswered_ = 0; }
    void on(const acs::IamRoleCredentialsAckRequest&) {}
    void on(const acs::TaskStopVerificationMessage& message);   // what the agent would stop, because its manifest lacks it
    void on(const acs::UnknownMessage& message);
    std::optional<RoleCredentials> issue(const Assignment& assignment, const char* kind, const Text& role_arn);
    std::string next_message_id();

    AcsContext context_;
    const std::shared_ptr<AcsLink> link_;
    const InstanceId instance_;
    const bool send_credentials_;
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
