// How a service tells what happened to it: the last hundred sentences, shown by DescribeServices.
#pragma once

#include <string>

#include "base/ids.h"
#include "state/txn.h"

namespace boxship::control {

// Counts in the service, which the caller puts.
void add_event(state::Txn& txn, model::Service& service, std::string message, Ids& ids, Time now);

}  // namespace boxship::control
