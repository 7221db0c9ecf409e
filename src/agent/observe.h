// What came of an action, written into the task's record and facts. No decisions about what to do next: next_step.h.
#pragma once

#include "agent/next_step.h"

namespace boxship::agent {

// How long after a failed clean-up it is tried again.
inline constexpr Milliseconds retry_pause{2'000};

TaskFacts facts_for(const TaskSpec& spec);

void on_prepared(TaskRecord& task, TaskFacts& facts, const HostOutcome<TaskReady>& outcome, Time now);
void on_pulled(TaskRecord& task, TaskFacts& facts, std::size_t container, const HostOutcome<PulledImage>& outcome, Time now);
void on_started(TaskRecord& task, TaskFacts& facts, std::size_t container, const HostOutcome<Started>& outcome, Time now);
void on_stop_sent(TaskRecord& task, TaskFacts& facts, std::size_t container, const HostResult<>& outcome, Time now);
void on_exit(TaskRecord& task, TaskFacts& facts, std::size_t container, const Exit& exit, Time now);
void on_container_released(TaskFacts& facts, std::size_t container, const HostResult<>& outcome, Time now);
void on_task_released(TaskFacts& facts, const HostResult<>& outcome, Time now);

// The desired status only falls. `reason` is the agent's own cause, "" when the control plane asked.
void on_stop(TaskRecord& task, std::string reason);

// After a restart of the agent: what the host said of a container that had not stopped.
void on_found(TaskRecord& task, TaskFacts& facts, std::size_t container, const Found& found, const std::string& absent_reason, Time now);

}  // namespace boxship::agent
