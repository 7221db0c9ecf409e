// Placement strategies and constraints as requests name them: checked, and as rows keep them.
#pragma once

#include <vector>

#include "ecs/types.h"
#include "model/service.h"
#include "services/ecs/names.h"

namespace boxship::services::ecs {

struct PlacementChoices {
    std::vector<model::PlacementChoice> strategies;
    std::vector<model::PlacementChoice> constraints;
};
Result<PlacementChoices> read_placement_choices(const shape::List<api::PlacementConstraint>& constraints,
                                                const shape::List<api::PlacementStrategy>& strategies, model::LaunchType launch_type);
// What says something else than "one on each instance".
Result<> check_daemon_placement(const shape::List<api::PlacementConstraint>& constraints, const shape::List<api::PlacementStrategy>& strategies);

}  // namespace boxship::services::ecs
