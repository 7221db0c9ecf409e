// What containers reach at 169.254.170.2: metadata (versions 2 to 4), statistics and the keys of task roles.
//
// The listening sockets are opened inside routers by the host. An awsvpc task is known by the address it calls from, and
// gets its own answers only; the others share their instance's address and show an id nobody can guess.
#pragma once

#include <memory>
#include <string>

#include "agent/api_client.h"
#include "agent/metadata.h"
#include "agent/task_credentials.h"
#include "agent/telemetry.h"
#include "agent/workers.h"
#include "wire/http/server.h"

namespace boxship::agent {

struct EndpointParts {
    const Board& board;
    const TaskCredentials& credentials;
    Telemetry& telemetry;
    Host& host;
    Workers& workers;
    ApiClient& api;              // for tags
};

class Endpoints {
public:
    Endpoints(http::IoThreads& threads, EndpointParts parts, MetadataContext context, int processors);
    ~Endpoints();

    void adopt(env::UniqueFd listening_socket, std::string tag) { server_->adopt(std::move(listening_socket), std::move(tag)); }
    void release(const std::string& tag) { server_->release(tag); }

    // The answer to one request; what the sockets lead to.
    http::Async<http::Response> handle(http::Request& request, http::BodyReader& body);

private:
    struct Target;               // whom a request is about
    struct Caller;               // whose it is
    http::Async<http::Response> by_id(MetadataVersion version, Target target, std::string rest);
    http::Async<http::Response> by_address(std::string path, Caller caller);
    http::Response credentials(const std::string& id, const Caller& caller) const;
    http::Async<http::Response> stats(Target target, bool whole_task, MetadataVersion version);
    http::Async<http::Response> protection(std::string method, std::string body, std::string task_arn, std::string cluster);
    http::Async<shape::Json> with_tags(shape::Json task, std::string arn);
    bool belongs(const TaskView& task, const Caller& caller) const;

    EndpointParts parts_;
    const MetadataContext context_;
    const int processors_;
    std::unique_ptr<http::Server> server_;
};

}  // namespace boxship::agent
