// What the control plane has not heard yet of a task, as one SubmitTaskStateChange. Pure functions of the record: after
// a restart the same report comes out again, and accepting it twice is harmless.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/record.h"
#include "shape/json_value.h"

namespace boxship::agent {

struct ContainerChange {
    std::size_t container = 0;       // index in the record
    std::string name;
    std::string runtime_id;
    Life life = Life::waiting;
    std::optional<int> exit_code;
    std::string reason;
    std::string image_digest;
    std::vector<PortBinding> ports;
};

struct TaskReport {
    std::string task;                // ARN
    Life life = Life::waiting;
    std::string reason;
    Time pull_started, pull_stopped, execution_stopped;
    std::vector<ContainerChange> containers;
    std::string attachment;          // ARN of an ENI that is attached now; "": none
    bool urgent = false;             // the task's own status changes; the others may wait for company
};

// Nothing when all is said. A task that ran is reported RUNNING before it is reported STOPPED.
std::optional<TaskReport> next_report(const TaskRecord& task);

// Marks what the report said as heard.
void on_accepted(TaskRecord& task, const TaskReport& report);

// A task that could not be read: STOPPED, with the reason, and nothing else.
TaskReport refusal(std::string task_arn, std::string reason);

shape::Json to_json(const TaskReport& report, const std::string& cluster);

}  // namespace boxship::agent
