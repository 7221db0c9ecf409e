// Tasks on hosts whose agents have been away for too long. Whether they still run there nobody can tell; they count as ended,
// so that others may take their place, and an agent that comes back after all is told to stop them.
#pragma once

#include "state/view.h"

namespace boxship::decide {

struct Lost {
    std::vector<model::Task> tasks;      // ended now; at most 64, the rest on the next turn
    std::optional<model::Instance> since_now;     // the clock was set back while its agent was away: its absence counts from now on
    std::optional<Time> wake_at;         // when to look again
};

// `after` zero: never.
Lost plan_lost(const state::View& view, const InstanceId& instance, Milliseconds after, Time now);

}  // namespace boxship::decide
