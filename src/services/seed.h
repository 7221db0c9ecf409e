// What is there before the first call: the platform's own row, the default VPC and the Fargate hosts' cluster.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/ipv4.h"
#include "base/result.h"
#include "state/txn.h"

namespace boxship::services {

struct Seed {
    model::Scope scope;
    Ipv4Range vpc;          // /16 to /20; each of the three zones gets a subnet of a sixteenth of it (a /20 of a /16)
};

// Adds what is missing, so it may run at every start. Fails when the VPC range is of no use, or not the one of before.
// The platform's boot id is left to whoever decides what a restart of the machine means.
HostResult<> seed_platform(state::Txn& txn, const Seed& seed, Ids& ids, Time now);

}  // namespace boxship::services
