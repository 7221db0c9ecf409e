// A task's own things, and taking everything back after a restart.
#include <algorithm>

#include "agent/real_host.h"
#include "base/log.h"
#include "env/real/crash_point.h"
#include "env/real/files.h"

namespace boxship::agent {
namespace {

Phase phase_since(const char* name, Time start, std::chrono::steady_clock::time_point begun)
{
    return {name, start, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begun).count()};
}

HostResult<std::string> volume_directory(const std::string& parent, const std::string& name)
{
    // A name becomes a directory's: nothing that leads elsewhere.
    if (name.empty() || name.size() > 255 || name.front() == '.' || name.find('/') != std::string::npos)
        return HostError{"volume " + name + ": this name cannot be a directory's"};
    return parent + "/" + name;
}

}  // namespace

HostResult<> RealHost::make_volumes(const TaskPlan& plan)
{
    const std::string own = options_.agent_directory + "/volumes/" + plan.task;
    for (const std::string& name : plan.scratch_volumes) {
        ASSIGN_OR_RETURN(const std::string path, volume_directory(own, name));
        RETURN_IF_ERROR(env::make_directories(path));
    }
    for (const std::string& name : plan.shared_volumes) {
        ASSIGN_OR_RETURN(const std::string path, volume_directory(options_.agent_directory + "/shared-volumes", name));
        RETURN_IF_ERROR(env::make_directories(path));
    }
    return {};
}

HostOutcome<TaskReady> RealHost::prepare_now(const TaskPlan& plan)
{
    const auto failed = [](const HostError& error) { return Failure{"ResourceInitializationError", error.message}; };
    const auto id = TaskId::parse(plan.task);
    if (!id) return Failure{"ResourceInitializationError", "the task's id is not 32 hexadecimal digits"};
    TaskReady ready;
    runtime::TaskSpec spec;
    spec.id = *id;
    if (plan.network_mode == NetworkMode::awsvpc) {
        const Time start = clock_.now();
        const auto begun = std::chrono::steady_clock::now();
        const auto path = attach(plan);
        if (!path) return failed(path.error().within("attach the network interface"));
        env::crash_point("agent.netns");
        spec.network = {runtime::Network::Mode::path, *path};
        ready.phases.push_back(phase_since("network", start, begun));
    }
    const Time start = clock_.now();
    const auto begun = std::chrono::steady_clock::now();
    if (plan.cpu_units > 0) {
        spec.cpus = plan.cpu_units / 1024.0;
        spec.cpu_shares = static_cast<std::uint64_t>(plan.cpu_units);
    }
    if (plan.memory_mib > 0) spec.memory_bytes = static_cast<std::uint64_t>(plan.memory_mib) << 20;
    spec.share_ipc = plan.share_ipc;
    if (const auto prepared = runtime_->prepare_task(spec); !prepared) return failed(prepared.error());
    if (const auto made = make_volumes(plan); !made) return failed(made.error());
    ready.phases.push_back(phase_since("task", start, begun));
    return ready;
}

HostResult<> RealHost::release_now(const TaskPlan& plan)
{
    const auto id = TaskId::parse(plan.task);
    if (!id) return {};
    RETURN_IF_ERROR(runtime_->release_task(*id));
    RETURN_IF_ERROR(detach(plan));
    RETURN_IF_ERROR(env::remove_tree(options_.agent_directory + "/volumes/" + plan.task));
    const auto unpinned = store_->unpin(holder(plan.task));
    env::crash_point("agent.released");
    return unpinned;
}

void RealHost::prepare_task(TaskPlan plan, Done<HostOutcome<TaskReady>> done)
{
    workers_.post([this, plan = std::move(plan), done = std::move(done)] { done(prepare_now(plan)); });
}

void RealHost::release_task(TaskPlan plan, Done<HostResult<>> done)
{
    workers_.post([this, plan = std::move(plan), done = std::move(done)] { done(release_now(plan)); });
}

HostResult<std::vector<Found>> RealHost::adopt_now(const Known& known)
{
    std::vector<TaskId> tasks;
    std::vector<runtime::ContainerId> containers, logs;
    const auto parse = [](const std::vector<std::string>& texts, std::vector<runtime::ContainerId>& ids) {
        for (const std::string& text : texts) {
            if (const auto id = runtime::ContainerId::parse(text)) ids.push_back(*id);
        }
    };
    for (const std::string& text : known.tasks) {
        if (const auto id = TaskId::parse(text)) tasks.push_back(*id);
    }
    parse(known.containers, containers);
    parse(known.logs, logs);
    ASSIGN_OR_RETURN(const auto there, runtime_->adopt());

    std::vector<Found> found;
    for (const runtime::ContainerId& id : containers) {
        Found one{.container = to_text(id)};
        const auto at = std::find_if(there.begin(), there.end(), [&](const runtime::Found& f) { return f.id == id; });
        if (at != there.end() && at->state != runtime::Found::State::created) {
            const bool running = at->state == runtime::Found::State::running;
            one.state = running ? Found::State::running : Found::State::exited;
            one.started = at->started.at;
            one.exit = {at->exit.code, at->exit.oom_kills, at->exit.reason, at->exit.at};
        }
        found.push_back(std::move(one));
    }
    // Leavings do no harm to the tasks that are here: a sweep that fails is tried again at the next start.
    const auto warn = [](const char* what, const HostResult<>& outcome) {
        if (!outcome) log_warning("sweep {}: {}", what, outcome.error().message);
    };
    warn("containers", runtime_->sweep({tasks, containers, logs}));
    warn("networks", sweep_networks(known));
    std::vector<std::string> holders;
    for (const std::string& task : known.tasks) holders.push_back(holder(task));
    warn("pins of images", store_->keep_only_pins(options_.agent_name + "_", holders));
    const auto volumes = env::list_directory(options_.agent_directory + "/volumes");
    if (!volumes) return volumes.error();
    for (const std::string& task : *volumes) {
        if (std::find(known.tasks.begin(), known.tasks.end(), task) == known.tasks.end())
            warn("volumes", env::remove_tree(options_.agent_directory + "/volumes/" + task));
    }
    return found;
}

void RealHost::adopt(Known known, Done<HostResult<std::vector<Found>>> done)
{
    workers_.post([this, known = std::move(known), done = std::move(done)] { done(adopt_now(known)); });
}

}  // namespace boxship::agent
