#include "agent/engine.h"

#include <algorithm>

#include "agent/engine_task.h"
#include "base/log.h"
#include "env/real/crash_point.h"

namespace boxship::agent {
namespace {

constexpr Milliseconds commit_pause{1'000};    // after a commit that failed

}  // namespace

std::shared_ptr<Engine> Engine::create(env::Env env, Ledger& ledger, Host& host, Outlet& outlet, Board& board, EngineOptions options)
{
    return std::shared_ptr<Engine>(new Engine(env, ledger, host, outlet, board, std::move(options)));
}

Engine::Engine(env::Env env, Ledger& ledger, Host& host, Outlet& outlet, Board& board, EngineOptions options)
    : env_(env), ledger_(ledger), host_(host), outlet_(outlet), board_(board), options_(std::move(options)), admission_(options_.resources)
{
}

Engine::~Engine() = default;

void Engine::on_engine(std::function<void(Engine&)> work)
{
    env_.executor.post([weak = weak_from_this(), work = std::move(work)] {
        if (const auto engine = weak.lock()) work(*engine);
    });
}

Engine::Task* Engine::find(const std::string& id)
{
    const auto at = tasks_.find(id);
    return at == tasks_.end() ? nullptr : at->second.get();
}

void Engine::changed(const std::string& id, bool durable)
{
    changed_.insert(id);
    durable_ = durable_ || durable;
    schedule_turn();
}

void Engine::schedule_turn()
{
    if (turn_scheduled_ || !ready_) return;
    turn_scheduled_ = true;
    on_engine([](Engine& engine) { engine.turn(); });
}

void Engine::turn()
{
    turn_scheduled_ = false;
    const Time time = now();
    if (time < last_turn_) forget_deadlines();
    last_turn_ = time;
    for (const std::string& id : changed_) {
        Task* task = find(id);
        if (!task) continue;
        const bool was_stopped = static_cast<bool>(task->record.stopped);
        settle(task->record, task->facts, now());
        if (was_stopped || !task->record.stopped) continue;
        admission_.release(id);
        stopped_.emplace(task->record.stopped, id);
    }
    admit_waiting();

    if (const auto committed = commit(); !committed) {
        log_error("write the record of tasks: {}; trying again", committed.error().message);
        turn_scheduled_ = true;
        env_.executor.post_after(commit_pause, [weak = weak_from_this()] {
            if (const auto engine = weak.lock()) engine->turn();
        });
        return;
    }
    if (std::exchange(durable_, false)) env::crash_point("agent.recorded");
    const std::set<std::string> ids = std::exchange(changed_, {});
    const auto acknowledge = std::exchange(after_commit_, {});
    for (const auto& done : acknowledge) done();
    for (const std::string& id : ids) {
        if (Task* task = find(id); task && !forget_if_old(*task)) advance(*task);
    }
}

// The clock was set back: what was to happen in two seconds would happen in two seconds and as much as it was set back. It
// happens now instead; each of these may come early.
void Engine::forget_deadlines()
{
    for (const auto& [id, task] : tasks_) {
        task->report_after = task->wake_at = {};
        task->facts.prepare_after = task->facts.release_after = {};
        for (ContainerFacts& fact : task->facts.containers) {
            fact.release_after = fact.stop_after = {};
            fact.health.next_probe = now();
        }
        changed_.insert(id);
    }
}

// First come, first served; but who does not fit now does not hold up those behind.
void Engine::admit_waiting()
{
    std::erase_if(waiting_, [&](const std::string& id) {
        Task* task = find(id);
        if (!task || task->record.desired == Desired::stopped) return true;
        TaskPorts ports;
        for (const ContainerRecord& container : task->record.containers) ports.push_back(container.ports);
        if (!admission_.admit(*task->record.spec, ports)) return false;
        task->facts.admitted = true;
        changed_.insert(id);
        return true;
    });
}

HostResult<> Engine::commit()
{
    LedgerBatch batch = batch_;
    std::vector<std::pair<Task*, std::size_t>> saved;
    for (const std::string& id : changed_) {
        Task* task = find(id);
        if (!task) continue;
        std::string state = save(task->record);
        const std::size_t hash = std::hash<std::string>{}(state);
        if (hash == task->saved && !task->payload) continue;
        saved.emplace_back(task, hash);
        batch.puts.push_back({task->record.spec->arn, task->payload, std::move(state)});
    }
    if (!batch.empty()) {
        RETURN_IF_ERROR(ledger_.commit(batch, durable_));
    }
    batch_ = {};
    for (const auto& [task, hash] : saved) {
        task->saved = hash;
        if (task->payload) task->note("record", task->arrived, now());
        task->payload.reset();
    }
    return {};
}

void Engine::wake(Task& task, Time at)
{
    // One that is past by now, because the clock was set forward, rings when it would have rung: perhaps too late.
    if (task.wake_at && task.wake_at <= at && task.wake_at > now()) return;
    task.wake_at = at;
    const Milliseconds delay = std::max(Milliseconds(0), at - now());
    env_.executor.post_after(delay, [weak = weak_from_this(), id = task.id(), at] {
        const auto engine = weak.lock();
        Task* found = engine ? engine->find(id) : nullptr;
        if (!found || found->wake_at != at) return;     // an earlier wake-up took its place
        found->wake_at = {};
        engine->changed(id);
    });
}

void Engine::publish(const Task& task)
{
    auto view = std::make_shared<TaskView>();
    view->record = task.record;
    for (const ContainerFacts& fact : task.facts.containers) view->health.push_back(fact.health);
    board_.publish(std::move(view));
}

// A stopped task is kept for those who look at its logs and metadata, and until its end was heard.
bool Engine::forget_if_old(Task& task)
{
    if (!task.record.stopped || task.record.reported != Life::stopped) return false;
    const bool crowded = stopped_.size() > options_.stopped_tasks_max && stopped_.begin()->second == task.id();
    const Time due = task.record.stopped + options_.cleanup_wait;
    if (now() < due && !crowded) {
        if (stopped_.size() > options_.stopped_tasks_max) changed(stopped_.begin()->second);
        wake(task, due);
        return false;
    }
    const std::string id = task.id();
    for (std::size_t at = 0; at < task.record.containers.size(); ++at) host_.forget_container(container_id(id, at));
    stopped_.erase({task.record.stopped, id});
    batch_.erases.push_back(task.record.spec->arn);
    board_.remove(id);
    tasks_.erase(id);
    schedule_turn();
    return true;
}

}  // namespace boxship::agent
