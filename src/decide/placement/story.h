// What `boxship explain` tells of a placement: which hosts there were, and why each other one was not taken.
#pragma once

#include "decide/placement/placement.h"

namespace boxship::decide {

// Before the task is created: its own reservations would count. Hosts are told one by one while they are few; of many,
// only how many there are, because looking at each would cost more than placing the task.
std::string tell_placement(const state::View& view, const PlacementRequest& request, const model::Instance& chosen);

}  // namespace boxship::decide
