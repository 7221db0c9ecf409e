// The host's place in its cluster: registering, and where the channels are. Runs on one I/O executor.
#pragma once

#include <optional>
#include <string>

#include "agent/api_client.h"
#include "agent/registrar.h"
#include "env/clock.h"
#include "wire/acs/session.h"

namespace boxship::agent {

struct PollEndpoints {
    std::string acs;            // "http://127.0.0.1:4566/acs/": "ws" is appended
    std::string telemetry;
};

class Membership {
public:
    Membership(ApiClient& api, Ledger& ledger, env::Clock& clock, env::Random& random, HostFacts facts, std::string instance_arn);

    // Registers, until it worked: a server that starts or is away is waited for.
    http::Async<> join();
    // The control plane does not know the instance any more: the next join() makes a new one.
    void forget_instance() { registrar_.forget_instance(); }
    http::Async<CallOutcome<PollEndpoints>> endpoints();

    const std::string& instance_arn() const { return registrar_.instance_arn(); }
    const HostFacts& facts() const { return registrar_.facts(); }
    acs::Hello hello(bool send_credentials) const;      // how both of the protocol's channels begin

private:
    ApiClient& api_;
    env::Clock& clock_;
    Registrar registrar_;
    std::optional<PollEndpoints> endpoints_;
    Time endpoints_until_;
};

}  // namespace boxship::agent
