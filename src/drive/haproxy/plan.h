// What the load balancers are to do, taken out of the rows: everything that HAProxy's configuration depends on, and the
// targets beside it, which come and go without a new configuration.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "decide/targets.h"
#include "state/view.h"

namespace boxship::drive::haproxy {

struct ListenerPlan {
    std::shared_ptr<const model::Listener> row;
    std::vector<std::shared_ptr<const model::ListenerRule>> rules;   // by priority
};

struct BalancerPlan {
    std::shared_ptr<const model::LoadBalancer> row;
    std::string name;                         // "app/web/0123456789abcdef"
    std::string dns_name;                     // lower case
    std::string vpc;                          // "vpc-0123456789abcdef0"
    std::vector<std::uint32_t> addresses;     // its own, one a zone
    std::vector<ListenerPlan> listeners;      // by port
};

struct TargetPlan {
    model::TargetKey key;
    decide::TargetAddress address;
    model::TargetState state = model::TargetState::initial;   // as it is written down now
    model::TargetReason reason = model::TargetReason::none;
    Time registered_at;
    bool drained = false;
    bool operator==(const TargetPlan&) const = default;
};

struct GroupPlan {
    std::shared_ptr<const model::TargetGroup> row;
    std::size_t balancer = 0;                 // in Plan::balancers: the one that forwards to it
    std::vector<TargetPlan> targets;          // in the order of their keys; without those that nobody can reach
};

struct VpcPlan {
    std::shared_ptr<const model::Vpc> row;
    std::vector<std::uint32_t> addresses;     // of all load balancers in it
};

struct Plan {
    std::vector<BalancerPlan> balancers;      // with listeners or without, oldest first
    std::map<TargetGroupId, GroupPlan> groups;   // those that something forwards to
    std::map<std::string, VpcPlan> vpcs;      // by "vpc-…"
    std::map<CertificateId, std::shared_ptr<const model::Certificate>> certificates;   // those that are shown
};

Plan make_plan(const state::View& view);

// Names in the configuration.
std::string listener_name(const ListenerId& id);   // "listener_0123456789abcdef"
std::string group_name(const TargetGroupId& id);   // "targets_0123456789abcdef"
std::string probe_name(const TargetGroupId& id);   // "probe_0123456789abcdef"
std::string open_name(const TargetGroupId& id);    // "open_0123456789abcdef": its unhealthy targets, asked while none is healthy

}  // namespace boxship::drive::haproxy
