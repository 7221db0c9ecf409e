#include "decide/lifecycle.h"

#include <algorithm>

#include "base/mutant.h"
namespace boxship::decide {

using model::ContainerStatus;
using model::StopCode;
using model::Task;
using model::TaskContainer;
using model::TaskStatus;

namespace {

template <class T>
bool raise(T& value, T next)
{
    if (next <= value) return false;
    value = next;
    return true;
}

template <class T, class Next>
bool fill(T& value, const Next& next)
{
    if (next == Next{} || !(value == T{})) return false;
    value = next;
    return true;
}

bool apply_container(TaskContainer& container, const ContainerReport& report)
{
    bool changed = fill(container.runtime_id, report.runtime_id);
    changed |= fill(container.image_digest, report.image_digest);
    changed |= fill(container.bindings, report.bindings);
    if (report.status) changed |= raise(container.status, *report.status);
    // An agent may know the exit code before it says STOPPED; the first cause is the one that counts.
    changed |= fill(container.exit_code, report.exit_code);
    changed |= fill(container.reason, report.reason);
    return changed;
}

const TaskContainer* essential_stopped(const Task& task)
{
    for (const auto& container : task.containers)
        if (container.essential && container.status == ContainerStatus::stopped) return &container;
    return nullptr;
}

// Nobody asked for this end: why did it come?
void derive_stop(Task& task, const std::string& agent_reason, Time now)
{
    const TaskContainer* cause = essential_stopped(task);
    const bool started = task.started_at || (cause && cause->exit_code);
    if (started && (cause || agent_reason.empty())) {
        stop(task, StopCode::essential_container_exited, reason_essential_exited, now);
        return;
    }
    if (started) {
        stop(task, StopCode::essential_container_exited, agent_reason, now);
        return;
    }
    // AWS names the error itself for Fargate, and for EC2 only on the container.
    std::string reason = agent_reason;
    if (reason.empty() && cause && task.launch_type == model::LaunchType::fargate) reason = cause->reason.str();
    stop(task, StopCode::task_failed_to_start, reason.empty() ? reason_failed_to_start : reason, now);
}

void end(Task& task, Time executed_until, Time now)
{
    task.status = TaskStatus::stopped;
    task.wanted = false;
    task.draining = task.in_service = false;
    task.stopped_at = now;
    if (!task.stopping_at) task.stopping_at = now;
    if (!task.execution_stopped_at) task.execution_stopped_at = executed_until ? executed_until : now;
    for (auto& container : task.containers) container.status = ContainerStatus::stopped;
}

}  // namespace

bool apply_report(Task& task, const TaskReport& report, Time now)
{
    if (!task.live()) return false;
    bool changed = false;
    for (const auto& entry : report.containers) {
        const auto found = std::ranges::find_if(task.containers, [&](const TaskContainer& container) { return container.name == entry.name; });
        if (found != task.containers.end()) changed |= apply_container(*found, entry);
    }
    changed |= fill(task.pull_started_at, report.pull_started_at);
    changed |= fill(task.pull_stopped_at, report.pull_stopped_at);
    if (report.attached || (report.status && task.eni)) changed |= raise(task.attached, true);
    if (report.status) changed |= raise(task.acknowledged, true);
    if (mutant("lifecycle: a late report takes the status back") && report.status == TaskStatus::pending && task.status != TaskStatus::pending) {
        task.status = TaskStatus::pending;
        changed = true;
    }
    if (report.status == TaskStatus::pending) changed |= raise(task.status, TaskStatus::pending);
    if (report.status == TaskStatus::running) {
        if (mutant("lifecycle: a report of RUNNING is a new wish")) task.wanted = true;
        if (!task.started_at) {
            task.started_at = now;
            changed = true;
        }
        changed |= raise(task.status, TaskStatus::running);
    }
    if (task.wanted && essential_stopped(task)) {
        derive_stop(task, report.reason, now);
        changed = true;
    }
    if (report.status == TaskStatus::stopped) {
        if (task.wanted) derive_stop(task, report.reason, now);
        end(task, report.execution_stopped_at, now);
        changed = true;
    } else {
        changed |= fill(task.execution_stopped_at, report.execution_stopped_at);
    }
    if (changed) ++task.version;
    return changed;
}

bool acknowledge(Task& task)
{
    if (!task.live()) return false;
    bool changed = raise(task.acknowledged, true);
    changed |= raise(task.status, task.runs_on() ? TaskStatus::pending : TaskStatus::stopping);
    if (changed) ++task.version;
    return changed;
}

bool stop(Task& task, StopCode code, std::string_view reason, Time now)
{
    if (!task.live() || !task.wanted) return false;
    task.wanted = false;
    task.stop_code = code;
    task.stopped_reason = reason;
    task.stopping_at = now;
    // What load balancers send requests to ends when these are answered; control/services says when.
    if (task.balanced && task.status == TaskStatus::running && code != StopCode::essential_container_exited && code != StopCode::termination_notice) {
        task.draining = true;
        raise(task.status, TaskStatus::deactivating);
    }
    return true;
}

void give_up(Task& task, std::string_view reason, Time now)
{
    if (!task.live()) return;
    stop(task, StopCode::termination_notice, reason, now);
    end(task, {}, now);
    ++task.version;
}

}  // namespace boxship::decide
