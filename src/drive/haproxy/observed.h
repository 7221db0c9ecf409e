// What HAProxy says of its servers and listeners: `show stat`, read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/elbv2.h"

namespace boxship::drive::haproxy {

struct ServerSeen {
    std::string name;                 // "s3"
    std::string address;              // "172.31.5.9:80"; "0.0.0.0:0" in an empty place
    bool maintenance = false;         // takes nothing
    bool up = false;                  // its checks are passed (or it has not been checked since it was made ready)
    bool rising = false;              // up or down, with checks under way that may change it
    std::string check_status;         // "L7OK", "L4CON" …
    int check_code = 0;               // HTTP status
    std::int64_t sessions = 0;        // under way now
};

struct CountersSeen {                 // since HAProxy started or was reloaded
    std::int64_t requests = 0, bytes_in = 0, bytes_out = 0, errors = 0, sessions = 0;
    std::int64_t responses[6] = {};   // [2] is 2xx; [0] others
    std::int64_t response_ms = 0;     // mean over the last 1024 requests
    std::int64_t healthy = 0, unhealthy = 0;
};

struct Seen {
    std::map<std::string, std::vector<ServerSeen>> servers;   // by backend
    std::map<std::string, CountersSeen> frontends, backends;
    std::vector<std::string> listening;                       // frontends that take connections
};

// Unknown columns are skipped, so that another version of HAProxy is read as well.
Seen read_stat(std::string_view csv);

// Why a check failed, in AWS's words.
model::TargetReason reason_of(const ServerSeen& server);
std::string description_of(const ServerSeen& server);

}  // namespace boxship::drive::haproxy
