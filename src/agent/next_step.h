// What to do next for one task: pure functions of its record, of the facts that hold while this process lives, and of
// the time. The engine carries the actions out and writes what came of them into record and facts (observe.h).
//
//     settle(task, facts, now);                        // what follows without touching the host
//     const Steps steps = next_step(task, facts, now); // what the host must do
#pragma once

#include <optional>
#include <vector>

#include "agent/health.h"
#include "agent/record.h"

namespace boxship::agent {

struct ContainerFacts {
    bool pulling = false;
    bool starting = false;
    bool stopping = false;         // the host is told
    bool releasing = false;
    bool touched = false;          // something of it may be on the host
    std::optional<PulledImage> image;
    std::optional<Exit> early_exit;  // came before the start's own answer
    Time release_after;            // the last release failed: not before
    Time stop_after;               // telling it failed: not before
    HealthFacts health;
};

struct TaskFacts {
    bool admitted = false;
    bool preparing = false;
    bool prepared = false;
    bool releasing = false;
    bool touched = false;
    Time prepare_after;
    Time release_after;
    std::vector<ContainerFacts> containers;

    bool busy() const;             // something is under way on the host
};

enum class ActionKind : std::uint8_t { prepare, pull, start, probe, stop, release_container, release_task };

struct Action {
    ActionKind kind;
    std::size_t container = 0;     // of those that concern one
    bool operator==(const Action&) const = default;
};

struct Steps {
    std::vector<Action> actions;
    std::optional<Time> wake_at;   // look again then, at the latest
};

// The essential rule, containers that will never start, the task's own milestones. Repeating it changes nothing.
void settle(TaskRecord& task, const TaskFacts& facts, Time now);

Steps next_step(const TaskRecord& task, const TaskFacts& facts, Time now);

// True when the containers can be put in an order: nobody waits for himself.
bool can_be_ordered(const TaskSpec& spec);

}  // namespace boxship::agent
