// Calls of the API without HTTP: through reading, checking, verb and rendering as they do behind the server.
#pragma once

#include <functional>
#include <string>

#include "services/served.h"
#include "state/store.h"

namespace boxship::tests {

void serve_all(services::Served& served);

// "root", "host <name>", "task <id>".
services::Principal root_principal();
services::Principal host_principal(const std::string& host);
services::Principal task_principal(const TaskId& task);

// `done` with the answer as JSON, or the error, where dispatch() calls back: once all of it is durable. `installation`
// outlives the call.
using CallDone = std::function<void(Result<std::string>)>;
struct ApiCall {
    std::string service, operation;      // "ecs", "RunTask"
    std::string request;                 // JSON
    services::Principal principal;
};
void call_api(state::Store& store, const services::Served& served, const services::Installation& installation, const ApiCall& call,
              CallDone done);

}  // namespace boxship::tests
