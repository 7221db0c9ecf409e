// Signed calls from commands to the platform.
#pragma once

#include <string>

#include "bin/data_directory.h"
#include "shape/json_value.h"
#include "wire/http/client.h"

namespace boxship::bin {

class ApiClient {
public:
    explicit ApiClient(Connection connection) : connection_(std::move(connection)) {}

    // ECS in JSON ("ListTasks"). An error answer is a HostError with its message.
    HostResult<shape::Json> ecs(const std::string& operation, const shape::Json& request);
    // Our own calls: POST /_boxship/v1/<name>.
    HostResult<shape::Json> own(const std::string& name, const shape::Json& request);
    // The same with an answer that comes in pieces.
    HostResult<> own_stream(const std::string& name, const shape::Json& request, http::Sink sink);

    bool healthy();  // GET /health says so

    const Connection& connection() const { return connection_; }

private:
    http::ClientRequest signed_post(const std::string& path, const std::string& service, std::string body, http::Headers headers);
    HostResult<shape::Json> answer(HostResult<http::ClientResponse> response);

    Connection connection_;
    http::Client client_;
};

}  // namespace boxship::bin
