// From what should be and what HAProxy says there is: what to tell HAProxy, and what to write down of the targets. Pure, and the
// same on an ordinary day, after a reload and after a crash of either side: nothing is remembered between two calls.
//
// A place is known by its target's address. "Maintenance" is HAProxy's word for a server that takes no new request while
// those under way end: so stand targets that drain, and those whose first check has not been passed.
#pragma once

#include <string>
#include <vector>

#include "drive/haproxy/observed.h"
#include "drive/haproxy/plan.h"

namespace boxship::drive::haproxy {

struct TargetReport {
    model::TargetKey key;
    model::TargetState was = model::TargetState::initial;   // as the plan had it: a report about anything else is stale
    model::TargetState state = model::TargetState::initial;
    model::TargetReason reason = model::TargetReason::none;
    std::string description;
    bool drained = false;
};

struct Reconciled {
    std::vector<std::string> commands;     // in order; each a command of the admin socket
    std::vector<TargetReport> reports;     // changes only
    bool busy = false;                     // something is on its way: look again soon
};

// `older`: what generations of before say, which still end requests.
Reconciled reconcile(const Plan& plan, const Seen& seen, const std::vector<const Seen*>& older, Time now);

// For a generation of before: it looks at no new target; its places are made ready or emptied as is written down. `listens`: it still
// may, for a moment.
std::vector<std::string> reconcile_older(const Plan& plan, const Seen& seen, bool listens);

}  // namespace boxship::drive::haproxy
