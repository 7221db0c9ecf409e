// What is said on one ACS connection: payloads, manifests, credentials, heartbeats. A synchronous class, without the
// connection: acs_channel.h puts it on a websocket, the simulator on a link of its own.
//
// What comes is read as free JSON, not as acs::PayloadMessage: a task is recorded as it was sent.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agent/engine.h"
#include "agent/task_credentials.h"

namespace boxship::agent {

class AcsConversation : public std::enable_shared_from_this<AcsConversation> {
public:
    // Called from any thread. What cannot be sent is lost: the other side repeats what was not acknowledged.
    using Send = std::function<void(std::string frame)>;

    // Everything handed in outlives this. Once the last pointer has gone, nothing is said any more.
    AcsConversation(Engine& engine, TaskCredentials& credentials, Board& board, Send send);

    void on_message(std::string_view frame);

private:
    void on_payload(const shape::Json& message);
    void on_credentials(const shape::Json& message);
    void on_manifest(const shape::Json& message);
    bool is_over(const std::string& task_arn) const;
    void acknowledge_credentials(const std::string& message_id, const shape::Json& credentials);

    Engine& engine_;
    TaskCredentials& credentials_;
    Board& board_;
    const Send send_;
    std::string manifest_id_;            // messageId of the latest manifest
};

}  // namespace boxship::agent
