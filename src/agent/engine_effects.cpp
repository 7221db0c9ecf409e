// What the engine does to the world: operations of the host, reports to the control plane.
#include <algorithm>

#include "agent/engine_task.h"
#include "base/log.h"
#include "base/mutant.h"
#include "env/real/crash_point.h"

namespace boxship::agent {

void Engine::advance(Task& task)
{
    const Steps steps = next_step(task.record, task.facts, now());
    for (const Action& action : steps.actions) perform(task, action);
    if (steps.wake_at) wake(task, *steps.wake_at);
    if (task.record.desired == Desired::stopped) {
        for (const auto& pull : task.pulls) {
            if (pull) pull->cancel();
        }
    }
    publish(task);
    report(task);
}

void Engine::perform(Task& task, const Action& action)
{
    switch (action.kind) {
        case ActionKind::prepare: return prepare(task);
        case ActionKind::pull: return pull(task, action.container);
        case ActionKind::start: return start_container(task, action.container);
        case ActionKind::probe: return probe(task, action.container);
        case ActionKind::stop: return stop_container(task, action.container);
        case ActionKind::release_container: return release_container(task, action.container);
        case ActionKind::release_task: return release_task(task);
    }
}

static std::vector<OomKills> oom_kills(const TaskRecord& task)
{
    std::vector<OomKills> kills;
    for (std::size_t i = 0; i < task.containers.size(); ++i)
        if (task.containers[i].oom_kills > 0) kills.push_back({task.spec->containers[i].name, task.containers[i].oom_kills});
    return kills;
}

static TaskPlan plan_task(const TaskSpec& spec)
{
    TaskPlan plan{.task = spec.id, .network_mode = spec.network_mode, .eni = spec.eni};
    plan.cpu_units = spec.cpu > 0 ? spec.cpu_units() : 0;
    plan.memory_mib = spec.memory;
    plan.share_ipc = spec.ipc_mode == "task";
    for (const VolumeSpec& volume : spec.volumes) {
        if (volume.source_path.empty()) (volume.shared ? plan.shared_volumes : plan.scratch_volumes).push_back(volume.name);
    }
    return plan;
}

void Engine::prepare(Task& task)
{
    task.facts.preparing = true;
    task.facts.touched = true;
    std::function<void(Task&, const HostOutcome<TaskReady>&)> apply = [this](Task& found, const HostOutcome<TaskReady>& outcome) {
        if (outcome) found.note(outcome->phases);
        on_prepared(found.record, found.facts, outcome, now());
    };
    host_.prepare_task(plan_task(*task.record.spec), completion(task, std::move(apply)));
}

void Engine::pull(Task& task, std::size_t at)
{
    const ContainerSpec& spec = task.record.spec->containers[at];
    task.facts.containers[at].pulling = true;
    if (!task.record.containers[at].pull_started) task.record.containers[at].pull_started = now();
    std::function<void(Task&, const HostOutcome<PulledImage>&)> apply = [this, at](Task& found, const HostOutcome<PulledImage>& outcome) {
        found.pulls[at].reset();
        if (outcome) found.note(outcome->phases);
        on_pulled(found.record, found.facts, at, outcome, now());
    };
    PullPlan plan{spec.image, spec.registry_auth_type, spec.ecr_endpoint, spec.ecr_registry_id, task.id()};
    task.pulls[at] = host_.pull(std::move(plan), completion(task, std::move(apply)));
}

void Engine::start_container(Task& task, std::size_t at)
{
    ContainerFacts& fact = task.facts.containers[at];
    auto plan = plan_container(task.record, at, fact.image->config, options_.plan);
    if (!plan) {
        on_started(task.record, task.facts, at, plan.error(), now());
        return changed(task.id());
    }
    fact.starting = true;
    fact.touched = true;
    std::function<void(Task&, const HostOutcome<Started>&)> apply = [this, at](Task& found, const HostOutcome<Started>& outcome) {
        if (outcome) found.note(outcome->phases);
        on_started(found.record, found.facts, at, outcome, now());
    };
    host_.start(std::move(*plan), *fact.image, completion(task, std::move(apply)));
}

void Engine::probe(Task& task, std::size_t at)
{
    const auto check = health_check_of(task.record.spec->containers[at]);
    CHECK(check.has_value());
    task.facts.containers[at].health.probing = true;
    std::function<void(Task&, const HostResult<ExecOutcome>&)> apply = [this, at, check](Task& found, const HostResult<ExecOutcome>& outcome) {
        const bool success = outcome.ok() && outcome->exit_code == 0;
        on_probe(found.facts.containers[at].health, *check, found.record.containers[at].started, success, outcome ? outcome->exit_code : -1,
                 outcome ? outcome->output : outcome.error().message, now());
    };
    host_.exec(container_id(task.id(), at), check->command, check->timeout, completion(task, std::move(apply)));
}

void Engine::stop_container(Task& task, std::size_t at)
{
    const ContainerSpec& spec = task.record.spec->containers[at];
    task.facts.containers[at].stopping = true;
    const Milliseconds timeout = spec.stop_timeout_seconds > 0 ? Milliseconds(spec.stop_timeout_seconds * 1000LL) : options_.stop_timeout;
    std::string signal = spec.docker_config.get_string("StopSignal");
    if (signal.empty()) signal = task.record.containers[at].stop_signal;
    std::function<void(Task&, const HostResult<>&)> apply = [this, at](Task& found, const HostResult<>& outcome) {
        on_stop_sent(found.record, found.facts, at, outcome, now());
    };
    host_.stop(container_id(task.id(), at), signal, timeout, completion(task, std::move(apply)));
}

void Engine::release_container(Task& task, std::size_t at)
{
    task.facts.containers[at].releasing = true;
    std::function<void(Task&, const HostResult<>&)> apply = [this, at](Task& found, const HostResult<>& outcome) {
        on_container_released(found.facts, at, outcome, now());
    };
    host_.release_container(container_id(task.id(), at), completion(task, std::move(apply)));
}

void Engine::release_task(Task& task)
{
    task.facts.releasing = true;
    std::function<void(Task&, const HostResult<>&)> apply = [this](Task& found, const HostResult<>& outcome) {
        on_task_released(found.facts, outcome, now());
    };
    host_.release_task(plan_task(*task.record.spec), completion(task, std::move(apply)));
}

void Engine::report(Task& task)
{
    auto next = next_report(task.record);
    if (!next) {
        task.report_after = {};
        return;
    }
    if (task.report_in_flight) return;
    if (!next->urgent) {
        const auto spread = static_cast<std::uint64_t>(2 * options_.batch_wait.count() + 1);
        if (!task.report_after) task.report_after = now() + options_.batch_wait + Milliseconds(env_.random.number(spread));
        if (now() < task.report_after) return wake(task, task.report_after);
    }
    task.report_after = {};
    task.report_in_flight = true;
    if (mutant("engine: what is said is heard")) on_accepted(task.record, *next);
    outlet_.submit(*next, [weak = weak_from_this(), &executor = env_.executor, id = task.id(), report = *next, sent = now()] {
        env::crash_point("agent.report_heard");
        executor.post([weak, id, report, sent] {
            const auto engine = weak.lock();
            Task* found = engine ? engine->find(id) : nullptr;
            if (found) engine->reported(*found, report, sent);
        });
    });
    env::crash_point("agent.report_sent");
}

void Engine::reported(Task& task, const TaskReport& report, Time sent)
{
    task.report_in_flight = false;
    on_accepted(task.record, report);
    if (report.life == Life::stopped) outlet_.ended(task.record.spec->arn, oom_kills(task.record));
    if (report.life == Life::running && !task.launch_told) {
        task.note("report", sent, now());
        task.launch_told = true;
        outlet_.launched(task.record.spec->arn, task.phases);
        task.phases = {};
    }
    changed(task.id());
}

}  // namespace boxship::agent
