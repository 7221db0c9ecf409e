// How tasks come to the engine: from the control plane, and from its own record after a restart.
#include <algorithm>

#include "agent/engine_task.h"
#include "base/bytes.h"
#include "base/log.h"
#include "base/mutant.h"
#include "env/real/crash_point.h"

namespace boxship::agent {
namespace {

constexpr const char* timeline_fact = "timeline";
constexpr const char* timeline_of_fact = "timeline-of";
constexpr const char* boot_fact = "boot";

template <std::size_t bytes>
std::string random_hex(env::Random& random)
{
    std::array<std::byte, bytes> raw;
    random.fill(raw);
    return to_hex(raw);
}

// In the form of a UUID (version 4), as the agent's endpoint ids are.
std::string random_uuid(env::Random& random)
{
    std::array<std::byte, 16> raw;
    random.fill(raw);
    raw[6] = (raw[6] & std::byte{0x0f}) | std::byte{0x40};
    raw[8] = (raw[8] & std::byte{0x3f}) | std::byte{0x80};
    std::string text = to_hex(raw);
    for (const std::size_t at : {8, 13, 18, 23}) text.insert(at, "-");
    return text;
}

}  // namespace

void Engine::accept(shape::Json::Array tasks, std::int64_t sequence, Time generated_at, std::function<void()> stored)
{
    on_engine([tasks = std::move(tasks), sequence, generated_at, stored = std::move(stored)](Engine& engine) {
        env::crash_point("agent.payload");
        const auto stops = [](const shape::Json& task) { return task.get_string("desiredStatus") == "STOPPED"; };
        for (const shape::Json& task : tasks) {
            if (stops(task)) engine.accept_one(task, generated_at);
        }
        for (const shape::Json& task : tasks) {
            if (!stops(task)) engine.accept_one(task, generated_at);
        }
        if (sequence > engine.timeline_) {
            engine.timeline_ = sequence;
            engine.batch_.facts.emplace_back(timeline_fact, std::to_string(sequence));
        }
        if (mutant("engine: acknowledges before its commit")) stored();
        else engine.after_commit_.push_back(stored);
        engine.schedule_turn();
    });
}

void Engine::accept_one(const shape::Json& payload, Time generated_at)
{
    const std::string arn = payload.get_string("arn");
    const bool stop = payload.get_string("desiredStatus") == "STOPPED";
    if (Task* known = find(task_id_of(arn))) {
        if (!stop || known->record.desired == Desired::stopped) return;
        on_stop(known->record, "");
        changed(known->id(), true);
        return;
    }
    if (stop) return refuse(arn, "");     // nothing of it is here, and that is what was asked for

    auto spec = read_task(payload);
    if (!spec) return refuse(arn, "UnrecogniedTaskError: Error loading task - " + spec.error());
    if (!can_be_ordered(*spec)) return refuse(arn, "Task dependencies cannot be resolved, taskArn: " + arn);
    if (auto reason = admission_.refuses(*spec)) return refuse(arn, "ResourceInitializationError: " + *reason);
    auto ports = admission_.choose_ports(*spec, [&](std::uint16_t port, const std::string& protocol) { return host_.port_is_free(port, protocol); });
    if (!ports) return refuse(arn, "ResourceInitializationError: no dynamic host port is left");

    auto task = std::make_unique<Task>();
    task->arrived = now();
    task->record.accepted = task->arrived;
    task->payload = without_secrets(payload).dump();
    for (auto& container_ports : *ports) {
        ContainerRecord& container = task->record.containers.emplace_back();
        container.runtime_id = random_hex<32>(env_.random);
        container.endpoint_id = random_uuid(env_.random);
        container.ports = std::move(container_ports);
    }
    task->facts = facts_for(*spec);
    task->pulls.resize(spec->containers.size());
    task->record.spec = std::make_shared<const TaskSpec>(std::move(*spec));
    if (generated_at && generated_at <= task->arrived) task->note("deliver", generated_at, task->arrived);
    const std::string id = task->id();
    tasks_.emplace(id, std::move(task));
    waiting_.push_back(id);
    changed(id, true);
}

void Engine::refuse(const std::string& arn, std::string reason)
{
    if (!reason.empty()) log_warning("task {} is refused: {}", arn, reason);
    outlet_.submit(refusal(arn, std::move(reason)), [] {});
}

void Engine::speaks_for(std::string instance_arn)
{
    on_engine([instance_arn = std::move(instance_arn)](Engine& engine) {
        if (instance_arn == engine.timeline_of_) return;
        engine.timeline_of_ = instance_arn;
        engine.timeline_ = 0;
        engine.batch_.facts.emplace_back(timeline_of_fact, instance_arn);
        engine.batch_.facts.emplace_back(timeline_fact, "0");
    });
}

void Engine::check_manifest(std::vector<ManifestEntry> manifest, std::int64_t timeline,
                            std::function<void(std::optional<std::vector<std::string>>)> done)
{
    on_engine([manifest = std::move(manifest), timeline, done = std::move(done)](Engine& engine) {
        if (timeline <= engine.timeline_) return done(std::nullopt);
        engine.timeline_ = timeline;
        engine.batch_.facts.emplace_back(timeline_fact, std::to_string(timeline));
        engine.durable_ = true;
        std::set<std::string> wanted;
        for (const ManifestEntry& entry : manifest) {
            if (entry.desired == Desired::running) wanted.insert(entry.task);
        }
        std::vector<std::string> candidates;
        for (const auto& [id, task] : engine.tasks_) {
            const TaskRecord& record = task->record;
            if (record.desired == Desired::running && !wanted.contains(record.spec->arn)) candidates.push_back(record.spec->arn);
        }
        engine.after_commit_.push_back([done, candidates = std::move(candidates)] { done(candidates); });
        engine.schedule_turn();
    });
}

void Engine::stop_tasks(std::vector<std::string> arns)
{
    on_engine([arns = std::move(arns)](Engine& engine) {
        for (const std::string& arn : arns) {
            Task* task = engine.find(task_id_of(arn));
            if (!task) continue;
            on_stop(task->record, "");
            engine.changed(task->id(), true);
        }
    });
}

void Engine::stop_all(std::string reason)
{
    if (mutant("engine: runs on when its instance is given up")) return;
    on_engine([reason = std::move(reason)](Engine& engine) {
        for (const auto& [id, task] : engine.tasks_) {
            on_stop(task->record, reason);
            engine.changed(id, true);
        }
    });
}

HostResult<> Engine::start(const LedgerContents& contents, std::function<void()> ready)
{
    const std::string timeline = contents.fact(timeline_fact);
    if (!timeline.empty()) timeline_ = std::strtoll(timeline.c_str(), nullptr, 10);
    timeline_of_ = contents.fact(timeline_of_fact);
    const std::string boot = contents.fact(boot_fact);
    rebooted_ = !boot.empty() && boot != options_.boot_id;
    absent_reason_ = rebooted_ ? "exit status unknown: the host was restarted while the container ran"
                               : "exit status unknown: the container was gone when the agent came back";
    if (boot != options_.boot_id) batch_.facts.emplace_back(boot_fact, options_.boot_id);
    for (const LedgerTask& saved : contents.tasks) {
        if (auto restored = restore(saved); !restored) return restored;
    }
    host_.watch_exits([weak = weak_from_this(), &executor = env_.executor](ContainerExit ended) {
        env::crash_point("agent.exit_seen");
        executor.post([weak, ended = std::move(ended)] {
            const auto engine = weak.lock();
            const auto id = parse_container_id(ended.container);
            Task* task = engine && id ? engine->find(id->first) : nullptr;
            if (!task || id->second >= task->record.containers.size()) return;
            on_exit(task->record, task->facts, id->second, ended.exit, engine->now());
            engine->changed(id->first);
        });
    });
    on_engine([ready = std::move(ready)](Engine& engine) { engine.adopt(ready); });
    return {};
}

HostResult<> Engine::restore(const LedgerTask& saved)
{
    auto payload = shape::Json::parse(saved.payload.value_or(""));
    if (!payload) return HostError{"read the payload of " + saved.arn + ": " + payload.error()};
    auto spec = read_task(*payload);
    if (!spec) return HostError{"read the payload of " + saved.arn + ": " + spec.error()};
    auto task = std::make_unique<Task>();
    task->facts = facts_for(*spec);
    task->pulls.resize(spec->containers.size());
    task->record.spec = std::make_shared<const TaskSpec>(std::move(*spec));
    task->launch_told = true;
    RETURN_IF_ERROR(load(saved.state, task->record));
    task->saved = std::hash<std::string>{}(saved.state);
    if (task->record.stopped)
        stopped_.emplace(task->record.stopped, task->id());
    else
        task->facts.touched = true;     // whatever happened last: releasing copes with missing things
    tasks_.emplace(task->id(), std::move(task));
    return {};
}

void Engine::adopt(std::function<void()> ready)
{
    Known known;
    for (const auto& [id, task] : tasks_) {
        if (!task->record.stopped) known.tasks.push_back(id);
        if (mutant("engine: sweeps what runs") && task->record.running) continue;
        auto& containers = task->record.stopped ? known.logs : known.containers;
        for (std::size_t at = 0; at < task->record.containers.size(); ++at) containers.push_back(container_id(id, at));
    }
    host_.adopt(std::move(known), [weak = weak_from_this(), &executor = env_.executor, ready](HostResult<std::vector<Found>> found) {
        executor.post([weak, ready, &executor, found = std::move(found)] {
            const auto engine = weak.lock();
            if (!engine) return;
            if (!found) {
                log_error("look for the containers of this host: {}; trying again", found.error().message);
                executor.post_after(retry_pause, [weak, ready] {
                    if (const auto again = weak.lock()) again->adopt(ready);
                });
                return;
            }
            engine->adopted(*found);
            ready();
        });
    });
}

void Engine::adopted(const std::vector<Found>& found)
{
    for (const Found& container : found) {
        const auto id = parse_container_id(container.container);
        Task* task = id ? find(id->first) : nullptr;
        if (task && id->second < task->record.containers.size()) on_found(task->record, task->facts, id->second, container, absent_reason_, now());
    }
    ready_ = true;
    // A power cut may have taken the last lines of the record: what looks as if it had not begun may have run, and been
    // reported. Nothing is run twice.
    if (rebooted_) {
        for (const auto& [id, task] : tasks_) on_stop(task->record, "the host was restarted");
    }
    std::vector<std::pair<Time, std::string>> by_arrival;
    for (const auto& [id, task] : tasks_) by_arrival.emplace_back(task->record.accepted, id);
    std::sort(by_arrival.begin(), by_arrival.end());
    for (const auto& [accepted, id] : by_arrival) {
        Task& task = *tasks_.at(id);
        publish(task);
        changed(id);
        if (task.record.stopped) continue;
        TaskPorts ports;
        bool begun = false;
        for (const ContainerRecord& container : task.record.containers) {
            ports.push_back(container.ports);
            begun = begun || container.life != Life::waiting;
        }
        task.facts.admitted = begun;
        if (begun)
            admission_.restore(*task.record.spec, ports);
        else
            waiting_.push_back(id);
    }
}

}  // namespace boxship::agent
