// Who asks, when, and where from: everything a handler may know besides its request and the state.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/ids.h"
#include "base/time.h"
#include "model/common.h"
#include "model/quotas.h"

namespace boxship::ecr {
class DataPath;
}

namespace boxship::services {

struct Principal {
    enum class Kind : std::uint8_t {
        root,  // the account's owner
        host,  // an agent, for its own instance and for pulls
        task,  // a task's session: GetCallerIdentity only, until there is IAM
    };
    Kind kind = Kind::root;
    std::string arn;          // arn:aws:iam::000000000000:root, …:assumed-role/<role>/<task id>
    std::string id;           // "AIDA…"/"AROA…:session"/account id, as GetCallerIdentity shows it
    TaskId task;              // for a task session
    std::string host;         // for a host: its identity's name
};

// Facts of the installation that handlers need, set once by bin/.
struct Installation {
    std::string registry_host = "localhost:4566";     // in repositoryUri and proxyEndpoint
    std::string endpoint = "http://127.0.0.1:4566";   // where this API answers: what DiscoverPollEndpoint hands to agents
    std::string zone_default = "us-east-1a";
    double fargate_overcommit = 8;
    // Makes a secret unreadable for whoever sees the journal. `context` must be the same when it is opened again.
    std::function<std::string(std::string_view plain, std::string_view context)> seal;
    ecr::DataPath* registry = nullptr;                // the registry's bytes, passwords and links; nullptr: no registry runs
    model::Quotas quotas;
};

struct Call {
    Time now;
    Ids& ids;
    const Principal& principal;
    model::Scope scope;       // account and region of the request
    std::string request_id;
    std::string source;       // address of the caller, no port
    const Installation& installation;

    std::size_t quota(model::Quota quota) const { return installation.quotas[quota]; }
};

}  // namespace boxship::services
