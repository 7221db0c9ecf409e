// Registers the host: what to ask of the control plane next, and what its answer means. Without the connection:
// membership.h asks over HTTP, the simulator in its own way.
#pragma once

#include <optional>
#include <string>

#include "agent/backoff.h"
#include "agent/call_outcome.h"
#include "agent/ledger.h"
#include "agent/registration.h"

namespace boxship::agent {

class Registrar {
public:
    // `instance_arn` of an earlier registration or "". Everything handed in outlives this.
    Registrar(Ledger& ledger, Ids& random, HostFacts facts, std::string instance_arn);

    struct Request {
        const char* operation;
        shape::Json input;
    };
    Request next() const;
    // The answer to next(). Nothing: the host is registered. Else how long to wait before the next request.
    std::optional<Milliseconds> heard(const CallOutcome<shape::Json>& answer);
    // The control plane does not know the instance any more: the next registration makes a new one.
    void forget_instance() { instance_arn_.clear(); }

    const std::string& instance_arn() const { return instance_arn_; }
    const HostFacts& facts() const { return facts_; }

private:
    std::optional<Milliseconds> registered(const std::string& arn);
    std::optional<Milliseconds> refused(const CallError& error);

    Ledger& ledger_;
    Ids& random_;
    const HostFacts facts_;
    std::string client_token_;         // one per life of the process and instance
    std::string instance_arn_;
    Backoff backoff_;
    bool told_ = false;
    bool making_cluster_ = false;
    bool cluster_made_ = false;
};

inline constexpr const char* instance_fact = "instance";   // of the ledger
inline constexpr const char* cluster_fact = "cluster";

}  // namespace boxship::agent
