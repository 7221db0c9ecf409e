// The agent's calls to the control plane: JSON over HTTP, signed with the host's key.
#pragma once

#include <string>

#include "agent/call_outcome.h"
#include "agent/host_credentials.h"
#include "env/clock.h"
#include "shape/json_value.h"
#include "wire/http/client.h"

namespace boxship::agent {

struct ApiOptions {
    std::string url;          // "http://127.0.0.1:4566"
    std::string region;
    std::string ca_file;      // trusted instead of the system's store
};

class ApiClient {
public:
    ApiClient(ApiOptions options, HostCredentials& credentials, env::Clock& clock);

    // An ECS operation.
    http::Async<CallOutcome<shape::Json>> call(std::string operation, shape::Json input);
    // GetAuthorizationToken of ECR, at `url` ("" the control plane itself). Blocks; not from an I/O thread.
    CallOutcome<shape::Json> ecr_token_blocking(std::string url, std::string registry_id);

    // The headers of a signed websocket upgrade of `url`.
    HostResult<http::Headers> sign_upgrade(const std::string& url);
    // A telemetry message on that connection, with the signature that goes before it.
    HostResult<std::string> sign_message(const std::string& url, std::string_view json);

    const ApiOptions& options() const { return options_; }

private:
    HostResult<http::ClientRequest> request(const std::string& url, const std::string& target, const std::string& service, const shape::Json& input);

    const ApiOptions options_;
    HostCredentials& credentials_;
    env::Clock& clock_;
    sigv4::KeyCache keys_;
    http::Client client_;
};

}  // namespace boxship::agent
