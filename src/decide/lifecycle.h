// What an agent's reports make of a task. Reports come late, twice and out of order; a task only ever moves forward, so
// applying one again changes nothing. stopCode and stoppedReason are derived here: agents know causes, not codes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/ecs.h"

namespace boxship::decide {

struct ContainerReport {
    std::string name;
    std::optional<model::ContainerStatus> status;
    std::string runtime_id;
    std::string image_digest;
    std::optional<std::int32_t> exit_code;
    std::string reason;
    std::vector<model::NetworkBinding> bindings;
};

struct TaskReport {
    std::optional<model::TaskStatus> status;   // pending, running or stopped
    std::string reason;                        // the agent's own, "" normally
    Time pull_started_at;
    Time pull_stopped_at;
    Time execution_stopped_at;
    std::vector<ContainerReport> containers;   // several for one container apply in order
    bool attached = false;                     // the network interface is in place
};

// True when the task changed. A task that became STOPPED holds nothing any more: its network interface is to be erased.
bool apply_report(model::Task& task, const TaskReport& report, Time now);

// The agent has stored the payload (wanted), or the order to stop.
bool acknowledge(model::Task& task);

// Asks for the task's end. Nothing changes when that was asked already.
bool stop(model::Task& task, model::StopCode code, std::string_view reason, Time now);

// Ends a task that no agent will ever report on again: its host is given up.
void give_up(model::Task& task, std::string_view reason, Time now);

constexpr const char* reason_essential_exited = "Essential container in task exited";
constexpr const char* reason_failed_to_start = "Task failed to start";
constexpr const char* reason_stopped_by_user = "Task stopped by user";
constexpr const char* reason_instance_lost = "Host EC2 (instance {}) terminated.";
constexpr const char* reason_agent_away = "The agent of the host has been disconnected for {}; the task counts as lost.";

}  // namespace boxship::decide
