// The API front: the bytes of a request to a call of one typed verb, and its answer back to bytes.
//
//     identify → find the key → read the body → verify the signature → scope → served? → read → refuse
//     → (the state's thread) authorise → check → verb → (I/O thread, once durable) render
//
// Owns nothing but counters and caches; everything it is given outlives it. Also answers /health and /metrics.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "front/authenticate.h"
#include "front/identify.h"
#include "front/metrics.h"
#include "services/served.h"
#include "state/store.h"
#include "wire/http/server.h"

namespace boxship::front {

struct Health {
    bool ready = true;
    std::string detail;  // shown as "detail"; "" leaves it out
};

struct Options {
    std::string account = "000000000000";
    std::vector<std::string> regions = {"us-east-1"};       // the first is the home region
    std::function<Health()> health;                         // may be empty; called on any I/O thread
    std::vector<std::function<std::string()>> metrics;      // more Prometheus text, one family after the other
};

class Front {
public:
    // Every path that `served` lists as ignored or refused must exist in the model; a wrong one is a CHECK failure.
    Front(state::Store& store, const services::Served& served, const services::Installation& installation,
          Authenticator& authenticator, env::Clock& clock, env::Random& random, Options options);

    // For http::Server. Reads the body itself.
    http::Async<http::Response> handle(http::Request& request, http::BodyReader& body);

private:
    struct Exchange;
    http::Async<http::Response> answer(Exchange& exchange, http::Request& request, http::BodyReader& body);
    Result<> verify(Exchange& exchange, const http::Request& request);
    Result<const services::ServedOperation*> find_served(const Exchange& exchange) const;
    http::Async<Result<http::Response>> call(Exchange& exchange, const services::ServedOperation& served,
                                             const http::Request& request);
    http::Response health() const;
    http::Response metrics() const;
    std::string new_request_id();

    state::Store& store_;
    const services::Installation& installation_;
    Authenticator& authenticator_;
    env::Clock& clock_;
    env::Random& random_;
    Options options_;
    std::map<const shape::OperationInfo*, const services::ServedOperation*> served_;
    Metrics metrics_;
};

}  // namespace boxship::front
