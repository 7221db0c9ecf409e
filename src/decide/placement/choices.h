// Strategies and constraints, as they were checked and kept, into a request for a place.
#pragma once

#include <vector>

#include "decide/placement/placement.h"
#include "model/service.h"

namespace boxship::decide {

void apply_choices(const std::vector<model::PlacementChoice>& strategies, const std::vector<model::PlacementChoice>& constraints,
                   PlacementRequest& request);

}  // namespace boxship::decide
