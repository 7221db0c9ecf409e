// What the agent knows of a task and must not forget: enough to take its containers back after a restart, and to say
// what the control plane has not heard yet. Facts that die with the process are in facts.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/host.h"
#include "agent/task_spec.h"
#include "base/time.h"

namespace boxship::agent {

enum class Life : std::uint8_t { waiting, running, stopped };

struct ContainerRecord {
    std::string runtime_id;               // 64 hexadecimal digits, as Docker's; for readers only
    std::string endpoint_id;              // in the container's metadata URLs; unguessable
    Life life = Life::waiting;
    std::string image_digest;             // once known
    std::string image_id;
    std::string stop_signal = "SIGTERM";  // the image's, unless the task definition names one
    Time pull_started, pull_stopped;
    Time created, started, finished;
    Time started_first;                   // of several starts under a restart policy
    std::optional<int> exit_code;
    std::string reason;                   // "ErrorName: text"
    std::vector<PortBinding> ports;       // chosen when the task was accepted
    Time stop_sent;                       // when the stop signal went out
    int restarts = 0;
    int oom_kills = 0;                    // of its processes, over all its starts
    bool digest_reported = false;
    Life reported = Life::waiting;        // the highest that was accepted
};

struct TaskRecord {
    std::shared_ptr<const TaskSpec> spec;
    Desired desired = Desired::running;
    std::string reason;                   // agent-side cause of the task's end
    std::vector<ContainerRecord> containers;   // as in the spec
    Time accepted;
    Time running;                         // all containers had started
    Time execution_stopped;               // the first essential container ended, or the stop was asked for
    Time stopped;                         // and everything was released
    bool attached = false;                // the network interface is in place
    bool attached_reported = false;       // and that was accepted
    Life reported = Life::waiting;

    bool all_stopped() const;             // containers only
    Life life() const;                    // of the task: running once all containers had started, stopped once released
};

std::string_view status_text(Life life);  // PENDING, RUNNING, STOPPED

// The changing part as JSON text; the spec is kept beside it.
std::string save(const TaskRecord& task);
HostResult<> load(const std::string& text, TaskRecord& task);   // `task.spec` is set already

}  // namespace boxship::agent
