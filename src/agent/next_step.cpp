#include "agent/next_step.h"

#include <algorithm>

#include "base/mutant.h"
namespace boxship::agent {
namespace {

enum class Answer { yes, not_yet, never };

std::size_t index_of(const TaskSpec& spec, const std::string& container)
{
    for (std::size_t at = 0; at < spec.containers.size(); ++at) {
        if (spec.containers[at].name == container) return at;
    }
    return spec.containers.size();
}

Answer satisfied(const TaskRecord& task, const TaskFacts& facts, const Dependency& dependency)
{
    const std::size_t at = index_of(*task.spec, dependency.container);
    const ContainerRecord& on = task.containers[at];
    const bool stopped = on.life == Life::stopped;
    switch (dependency.condition) {
        case Condition::create:
        case Condition::start:
            if (stopped && !on.started) return Answer::never;
            return on.life == Life::waiting && !on.started ? Answer::not_yet : Answer::yes;
        case Condition::complete:
            if (!stopped) return Answer::not_yet;
            return on.exit_code ? Answer::yes : Answer::never;
        case Condition::success:
            if (!stopped) return Answer::not_yet;
            return on.exit_code == 0 ? Answer::yes : Answer::never;
        case Condition::healthy:
            if (stopped || !task.spec->containers[at].has_health_check) return Answer::never;
            return facts.containers[at].health.health == Health::healthy ? Answer::yes : Answer::not_yet;
    }
    return Answer::never;
}

bool waits_for_end(Condition condition)
{
    return condition == Condition::complete || condition == Condition::success || condition == Condition::healthy;
}

// The time by which what `container` waits for must have happened; startTimeout is the dependency's.
std::optional<Time> start_deadline(const TaskRecord& task, const Dependency& dependency)
{
    const std::size_t at = index_of(*task.spec, dependency.container);
    const int seconds = task.spec->containers[at].start_timeout_seconds;
    if (seconds == 0 || !waits_for_end(dependency.condition) || !task.containers[at].started) return std::nullopt;
    return task.containers[at].started + std::chrono::seconds(seconds);
}

void give_up(ContainerRecord& container, std::string reason, Time now)
{
    container.life = Life::stopped;
    container.finished = now;
    if (container.reason.empty()) container.reason = std::move(reason);
}

void settle_dependencies(TaskRecord& task, const TaskFacts& facts, Time now)
{
    for (std::size_t at = 0; at < task.containers.size(); ++at) {
        if (task.containers[at].life != Life::waiting || facts.containers[at].starting) continue;
        for (const Dependency& dependency : task.spec->containers[at].depends_on) {
            const Answer answer = satisfied(task, facts, dependency);
            const auto deadline = start_deadline(task, dependency);
            if (answer == Answer::never) {
                give_up(task.containers[at], "TaskDependencyError: the condition on container " + dependency.container +
                                             " can no longer be met", now);
            } else if (answer == Answer::not_yet && deadline && now >= *deadline) {
                give_up(task.containers[at], "TaskDependencyError: container " + dependency.container +
                                             " did not meet its condition within its startTimeout", now);
            } else {
                continue;
            }
            break;
        }
    }
}

void settle_running(TaskRecord& task, Time now)
{
    if (task.running || task.desired == Desired::stopped) return;
    bool any = false;
    for (std::size_t at = 0; at < task.containers.size(); ++at) {
        const ContainerRecord& container = task.containers[at];
        if (container.life == Life::waiting) return;
        if (!container.started && task.spec->containers[at].essential) return;
        any = any || container.started;
    }
    if (any) task.running = now;
}

bool nothing_left(const TaskRecord& task, const TaskFacts& facts)
{
    if (mutant("next_step: STOPPED before the release")) return task.all_stopped();
    if (!task.all_stopped() || facts.touched || facts.busy()) return false;
    return std::none_of(facts.containers.begin(), facts.containers.end(), [](const ContainerFacts& c) { return c.touched; });
}

struct Planner {
    const TaskRecord& task;
    const TaskFacts& facts;
    const Time now;
    Steps steps;

    void act(ActionKind kind, std::size_t container = 0) { steps.actions.push_back({kind, container}); }
    void wake(Time at)
    {
        if (!steps.wake_at || at < *steps.wake_at) steps.wake_at = at;
    }
    // True when `at` has come; otherwise the wake-up is noted.
    bool due(Time at)
    {
        if (now >= at) return true;
        wake(at);
        return false;
    }

    bool ready_to_start(std::size_t at)
    {
        for (const Dependency& dependency : task.spec->containers[at].depends_on) {
            if (satisfied(task, facts, dependency) == Answer::yes) continue;
            if (const auto deadline = start_deadline(task, dependency)) wake(*deadline);
            return false;
        }
        return true;
    }

    // A container stops only after all that depend on it have stopped.
    bool dependents_stopped(std::size_t at) const
    {
        const std::string& name = task.spec->containers[at].name;
        for (std::size_t other = 0; other < task.containers.size(); ++other) {
            for (const Dependency& dependency : task.spec->containers[other].depends_on) {
                if (dependency.container == name && task.containers[other].life == Life::running) return false;
            }
        }
        return true;
    }

    void waiting(std::size_t at)
    {
        const ContainerFacts& fact = facts.containers[at];
        if (task.desired == Desired::stopped || fact.starting) return;
        if (!fact.image) {
            if (!fact.pulling) act(ActionKind::pull, at);
            return;
        }
        // Of an earlier run under a restart policy, or of an earlier life of the agent.
        if (fact.touched) return release(at);
        if (facts.prepared && ready_to_start(at)) act(ActionKind::start, at);
    }

    void running(std::size_t at)
    {
        const ContainerFacts& fact = facts.containers[at];
        const ContainerRecord& container = task.containers[at];
        if (task.desired == Desired::running && !fact.health.probing) {
            if (const auto check = health_check_of(task.spec->containers[at])) {
                const Time next = fact.health.next_probe ? fact.health.next_probe : container.started + check->interval;
                // Later than it could ever be: the clock was set back meanwhile.
                if (due(next) || next - now > check->interval) act(ActionKind::probe, at);
            }
        }
        if (task.desired != Desired::stopped || container.stop_sent || fact.stopping || !dependents_stopped(at)) return;
        if (due(fact.stop_after)) act(ActionKind::stop, at);
    }

    void release(std::size_t at)
    {
        const ContainerFacts& fact = facts.containers[at];
        if (fact.touched && !fact.releasing && !fact.stopping && due(fact.release_after)) act(ActionKind::release_container, at);
    }

    void whole_task()
    {
        if (task.desired == Desired::running && facts.admitted && !facts.prepared && !facts.preparing && due(facts.prepare_after))
            act(ActionKind::prepare);
        if (!facts.touched || !task.all_stopped() || facts.busy()) return;
        for (const ContainerFacts& fact : facts.containers) {
            if (fact.touched) return;
        }
        if (due(facts.release_after)) act(ActionKind::release_task);
    }
};

}  // namespace

bool TaskFacts::busy() const
{
    if (preparing || releasing) return true;
    return std::any_of(containers.begin(), containers.end(), [](const ContainerFacts& c) {
        return c.starting || c.stopping || c.releasing;
    });
}

void settle(TaskRecord& task, const TaskFacts& facts, Time now)
{
    settle_dependencies(task, facts, now);
    settle_running(task, now);
    for (std::size_t at = 0; at < task.containers.size(); ++at) {
        const ContainerRecord& container = task.containers[at];
        if (container.life != Life::stopped || !task.spec->containers[at].essential) continue;
        task.desired = Desired::stopped;
        if (!task.execution_stopped) task.execution_stopped = container.finished;
    }
    if (task.desired == Desired::stopped) {
        for (std::size_t at = 0; at < task.containers.size(); ++at) {
            if (task.containers[at].life == Life::waiting && !facts.containers[at].starting) give_up(task.containers[at], "", now);
        }
    }
    if (task.all_stopped()) {
        task.desired = Desired::stopped;      // also when no container was essential
        if (!task.execution_stopped) task.execution_stopped = now;
    }
    if (!task.stopped && nothing_left(task, facts)) task.stopped = now;
}

Steps next_step(const TaskRecord& task, const TaskFacts& facts, Time now)
{
    Planner planner{task, facts, now, {}};
    if (task.stopped || (!facts.admitted && task.desired == Desired::running)) return {};
    planner.whole_task();
    for (std::size_t at = 0; at < task.containers.size(); ++at) {
        switch (task.containers[at].life) {
            case Life::waiting: planner.waiting(at); break;
            case Life::running: planner.running(at); break;
            case Life::stopped: planner.release(at); break;
        }
    }
    return std::move(planner.steps);
}

bool can_be_ordered(const TaskSpec& spec)
{
    std::vector<bool> placed(spec.containers.size());
    for (std::size_t round = 0; round < spec.containers.size(); ++round) {
        for (std::size_t at = 0; at < spec.containers.size(); ++at) {
            const auto& dependencies = spec.containers[at].depends_on;
            placed[at] = placed[at] || std::all_of(dependencies.begin(), dependencies.end(), [&](const Dependency& d) {
                return placed[index_of(spec, d.container)];
            });
        }
    }
    return std::find(placed.begin(), placed.end(), false) == placed.end();
}

}  // namespace boxship::agent
