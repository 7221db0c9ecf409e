// What tells the tasks of a service's revision apart when it is asked whom to stop, but for their age.
#pragma once

#include <compare>

#include "model/ecs.h"

namespace boxship::state {

struct Stand {
    bool serves = false;                        // ready()
    bool started = false;                       // RUNNING, at least
    Text zone;
    InstanceId instance;
    auto operator<=>(const Stand&) const = default;
};

inline Stand stand_of(const model::Task& task) { return {task.ready(), task.status >= model::TaskStatus::running, task.zone, task.instance}; }

}  // namespace boxship::state
