// Who signed a request. The keys are somebody else's: front asks for each by its id.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/clock.h"
#include "services/call.h"
#include "shape/info.h"
#include "wire/sigv4.h"

namespace boxship::front {

struct Identity {
    services::Principal principal;
    std::string secret;
};

enum class KeyProblem { unknown_key, bad_token, expired_token };

// The identity behind a claim's key id and session token. `source` is the caller's address, "" for a unix socket.
// Called on any I/O thread; must not block. keys.h has the usual one.
using FindKey = std::function<Outcome<Identity, KeyProblem>(const sigv4::Claim& claim, std::string_view source, Time now)>;

struct Signer {
    sigv4::Claim claim;
    Identity identity;
};

// Safe from any thread.
class Authenticator {
public:
    Authenticator(FindKey find_key, env::Clock& clock) : find_key_(std::move(find_key)), clock_(clock) {}

    // In two steps, so that nobody's body is read before their key is known: who claims to have signed …
    Result<Signer> find_signer(const http::Request& request, shape::Protocol protocol) const;
    // … and whether they did; the request has its body now. `signing_name` "" accepts any service.
    Result<> verify(const Signer& signer, const http::Request& request, std::string_view signing_name, shape::Protocol protocol);

    // Both, for calls that are no AWS API: websockets of agents, /_boxship/. Errors in the words of the JSON protocols.
    Result<services::Principal> authenticate(const http::Request& request, std::string_view signing_name);

private:
    FindKey find_key_;
    env::Clock& clock_;
    sigv4::KeyCache keys_;
};

// The words of each protocol for a request that is not, or wrongly, signed.
ApiError to_error(const sigv4::SigV4Error& error, shape::Protocol protocol);
ApiError to_error(KeyProblem problem, shape::Protocol protocol);
// The credential scope names another service or a region that is not served.
ApiError wrong_scope(std::string sentence, shape::Protocol protocol);
ApiError access_denied(const services::Principal& principal, const shape::OperationInfo& operation, shape::Protocol protocol);

}  // namespace boxship::front
