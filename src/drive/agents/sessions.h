// Which agent is connected, by which conversation. The state's thread only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "drive/agents/acs_conversation.h"

namespace boxship::drive {

class Sessions {
public:
    explicit Sessions(state::Store& store) : store_(store) {}
    Sessions(const Sessions&) = delete;

    // Registers with the store's change feed; before the store's load().
    void follow();

    // Nobody is connected to a server that has just begun.
    static void disconnect_all(state::Txn& txn, Time now);

    // Whether an agent may speak for an instance: an error in the protocol's words, or nothing.
    struct Refusal {
        std::string type;
        std::string message;
        int status = 400;
    };
    static std::optional<Refusal> check(const state::View& view, const InstanceId& instance, const std::string& host);

    // A conversation begins, in a transaction: an older one of the instance is cut.
    void begin(state::Txn& txn, const std::shared_ptr<AcsConversation>& conversation);
    // To be repeated until it is durable: else the instance would be said to be connected, and be given tasks.
    void end(state::Txn& txn, const std::shared_ptr<AcsConversation>& conversation);
    void heartbeat();

private:
    state::Store& store_;
    std::map<InstanceId, std::shared_ptr<AcsConversation>> conversations_;
};

}  // namespace boxship::drive
