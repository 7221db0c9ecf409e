// HAProxy's configuration for a plan: a pure function. What users chose stands in it as words (words.h) or as files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "drive/haproxy/plan.h"

namespace boxship::drive::haproxy {

struct ConfigurationOptions {
    std::uint64_t generation = 0;               // what `show info` tells as description: "generation 12"
    std::string directory;                      // of the admin sockets, certificates, certificate lists
    std::set<int> loopback_ports;               // where 127.0.0.1 and ::1 may be listened on
    bool ipv6 = true;                           // there is a ::1
    std::map<TargetGroupId, int> places;        // how many targets a group can have without another configuration
    // As the `namespace` keyword wants it: relative to /var/run/netns.
    std::function<std::string(const std::string& vpc)> namespace_of;
};

// Ports of the load balancers, and the protocol that loopback speaks there: that of the oldest load balancer with a listener on
// it. The others on the port are not reachable by loopback.
std::map<int, model::ListenerProtocol> loopback_protocols(const Plan& plan);

std::string configuration(const Plan& plan, const ConfigurationOptions& options);

// The lists of certificates that the configuration names, by file name in `directory`.
std::map<std::string, std::string> certificate_lists(const Plan& plan, const std::string& directory);
std::string certificate_file(const model::Certificate& certificate);   // its name changes when it is imported anew

// Parts of configuration(), a file each.
struct Frontend {                               // one `frontend` section
    std::string lines;
    int rules = 0;                              // names its access lists
};
// The rules of a listener; `guard` is a condition that must hold besides ("" none).
void append_rules(Frontend& frontend, const ListenerPlan& listener, const std::string& guard);
void append_headers(Frontend& frontend, const BalancerPlan& balancer, const ListenerPlan& listener, const std::string& guard);
std::string backend(const Plan& plan, const GroupPlan& group, const ConfigurationOptions& options);

}  // namespace boxship::drive::haproxy
