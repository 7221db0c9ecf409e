// What leaves memory by age. Stopped tasks go on in the history; the rest is forgotten.
#pragma once

#include <optional>
#include <vector>

#include "state/view.h"

namespace boxship::decide {

constexpr Milliseconds stopped_task_kept = std::chrono::hours(1);
constexpr Milliseconds client_token_kept = std::chrono::hours(24);
// Longer than the tasks that ended with it, so that no task names an instance that is not there.
constexpr Milliseconds inactive_instance_kept = std::chrono::hours(2);

constexpr Milliseconds deleted_service_kept = std::chrono::hours(24);

struct Expired {
    std::vector<TaskId> tasks;
    std::vector<model::ClientToken::Key> tokens;
    std::vector<InstanceId> instances;
    std::vector<TaskDefinitionId> definitions;   // DELETE_IN_PROGRESS, and no task names them any more
    std::vector<ServiceId> services;             // deleted; with their revisions, deployments and events
    std::optional<Time> wake_at;                 // when there may be more; `now` when this turn's share was full
    bool empty() const { return tasks.empty() && tokens.empty() && instances.empty() && definitions.empty() && services.empty(); }
};
Expired plan_retention(const state::View& view, Time now);

}  // namespace boxship::decide
