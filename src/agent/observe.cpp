#include "agent/observe.h"

#include <algorithm>

#include "base/log.h"

namespace boxship::agent {
namespace {

constexpr const char* out_of_memory = "OutOfMemoryError: Container killed due to memory usage";

void stop_container(ContainerRecord& container, std::string reason, Time at)
{
    container.life = Life::stopped;
    container.finished = at;
    if (!reason.empty()) container.reason = std::move(reason);
}

bool restarts(const TaskRecord& task, std::size_t at, const Exit& exit, Time now)
{
    const RestartPolicy& policy = task.spec->containers[at].restart;
    const ContainerRecord& container = task.containers[at];
    if (!policy.enabled || task.desired == Desired::stopped || !exit.code) return false;
    const auto& ignored = policy.ignored_exit_codes;
    if (std::find(ignored.begin(), ignored.end(), *exit.code) != ignored.end()) return false;
    return now - container.started >= std::chrono::seconds(policy.attempt_period_seconds);
}

void begin_run(ContainerRecord& container, ContainerFacts& facts, Time created, Time started)
{
    facts.health = {};
    container.life = Life::running;
    container.created = created;
    container.started = started;
    if (!container.started_first) container.started_first = started;
    container.finished = {};
    container.exit_code.reset();
    container.stop_sent = {};
}

void end_run(TaskRecord& task, std::size_t at, const Exit& exit, Time now)
{
    ContainerRecord& container = task.containers[at];
    container.exit_code = exit.code;
    container.oom_kills += exit.oom_kills;
    if (restarts(task, at, exit, now)) {
        container.life = Life::waiting;      // its leavings are released before it starts again
        ++container.restarts;
        return;
    }
    stop_container(container, exit.oom_kills > 0 ? out_of_memory : exit.reason, exit.at ? exit.at : now);
}

}  // namespace

TaskFacts facts_for(const TaskSpec& spec)
{
    TaskFacts facts;
    facts.containers.resize(spec.containers.size());
    return facts;
}

void on_prepared(TaskRecord& task, TaskFacts& facts, const HostOutcome<TaskReady>& outcome, Time now)
{
    facts.preparing = false;
    if (outcome) {
        facts.prepared = true;
        task.attached = task.spec->eni.has_value();
        return;
    }
    // With containers that run already (the agent was restarted) this is a repair: they are not stopped for it.
    const bool running = std::any_of(task.containers.begin(), task.containers.end(),
                                     [](const ContainerRecord& c) { return c.life == Life::running; });
    if (running) {
        log_warning("task {}: {}; trying again", task.spec->id, outcome.error().text());
        facts.prepare_after = now + retry_pause;
        return;
    }
    on_stop(task, outcome.error().text());
}

void on_pulled(TaskRecord& task, TaskFacts& facts, std::size_t at, const HostOutcome<PulledImage>& outcome, Time now)
{
    ContainerRecord& container = task.containers[at];
    facts.containers[at].pulling = false;
    if (container.life != Life::waiting) return;      // stopped meanwhile
    container.pull_stopped = now;
    if (!outcome) return stop_container(container, outcome.error().text(), now);
    facts.containers[at].image = *outcome;
    container.image_digest = outcome->digest;
    container.image_id = outcome->id;
    if (!outcome->config.stop_signal.empty()) container.stop_signal = outcome->config.stop_signal;
}

void on_started(TaskRecord& task, TaskFacts& facts, std::size_t at, const HostOutcome<Started>& outcome, Time now)
{
    ContainerRecord& container = task.containers[at];
    ContainerFacts& fact = facts.containers[at];
    fact.starting = false;
    if (!outcome) {
        fact.early_exit.reset();
        return stop_container(container, outcome.error().text(), now);
    }
    begin_run(container, fact, now, outcome->started ? outcome->started : now);
    if (!fact.early_exit) return;
    const Exit exit = *fact.early_exit;
    fact.early_exit.reset();
    end_run(task, at, exit, now);
}

void on_stop_sent(TaskRecord& task, TaskFacts& facts, std::size_t at, const HostResult<>& outcome, Time now)
{
    facts.containers[at].stopping = false;
    if (outcome) {
        task.containers[at].stop_sent = now;
        return;
    }
    log_warning("task {}: stop container {}: {}; trying again", task.spec->id, task.spec->containers[at].name, outcome.error().message);
    facts.containers[at].stop_after = now + retry_pause;
}

void on_exit(TaskRecord& task, TaskFacts& facts, std::size_t at, const Exit& exit, Time now)
{
    ContainerFacts& fact = facts.containers[at];
    if (fact.starting)
        fact.early_exit = exit;
    else if (task.containers[at].life == Life::running)
        end_run(task, at, exit, now);
}

void on_container_released(TaskFacts& facts, std::size_t at, const HostResult<>& outcome, Time now)
{
    ContainerFacts& fact = facts.containers[at];
    fact.releasing = false;
    if (outcome) {
        fact.touched = false;
        return;
    }
    log_warning("release a container: {}; trying again", outcome.error().message);
    fact.release_after = now + retry_pause;
}

void on_task_released(TaskFacts& facts, const HostResult<>& outcome, Time now)
{
    facts.releasing = false;
    if (outcome) {
        facts.touched = false;
        facts.prepared = false;
        return;
    }
    log_warning("release a task: {}; trying again", outcome.error().message);
    facts.release_after = now + retry_pause;
}

void on_stop(TaskRecord& task, std::string reason)
{
    if (task.desired == Desired::stopped) return;
    task.desired = Desired::stopped;
    task.reason = std::move(reason);
}

void on_found(TaskRecord& task, TaskFacts& facts, std::size_t at, const Found& found, const std::string& absent_reason, Time now)
{
    ContainerRecord& container = task.containers[at];
    facts.containers[at].touched = true;     // whatever it says: releasing copes with missing things
    switch (found.state) {
        case Found::State::running:
            if (container.life == Life::waiting) begin_run(container, facts.containers[at], found.started, found.started ? found.started : now);
            break;
        case Found::State::exited:
            if (container.life == Life::waiting) begin_run(container, facts.containers[at], found.started, found.started ? found.started : now);
            end_run(task, at, found.exit, now);
            break;
        case Found::State::absent:
            if (container.life == Life::running) end_run(task, at, Exit{.reason = absent_reason}, now);
            break;
    }
}

}  // namespace boxship::agent
