// An ACS conversation on a websocket.
#pragma once

#include "drive/agents/acs_conversation.h"
#include "wire/http/websocket.h"

namespace boxship::drive {

class AcsConnection : public AcsLink, public std::enable_shared_from_this<AcsConnection> {
public:
    explicit AcsConnection(http::Executor executor) : executor_(std::move(executor)) {}

    // Serves the connection until it ends.
    http::Async<> run(http::WebSocket& socket, std::shared_ptr<AcsConversation> conversation);

    void send(std::string frame) override;
    void cut() override;
    void post(std::function<void()> work) override;

private:
    http::Executor executor_;
    http::WebSocket* socket_ = nullptr;     // while run() runs
    bool cut_ = false;                      // also before it runs
};

}  // namespace boxship::drive
