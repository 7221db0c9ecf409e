// Act one, with faults, and act two, in which everything must come to rest; then what must hold at the end.
#include "decide/retention.h"
#include "decide/targets.h"
#include "sim/world.h"

namespace boxship::sim {

void World::act_one()
{
    advance(Milliseconds(60'000), [this] { return server_ && server_->ready(); });
    if (over() || !server_ || !server_->ready()) return stage_.fail(13, "the server never starts");
    learn_places();
    auto& random = stage_.random;
    const auto clients = 1 + random.number(3);
    const bool calm = spread_out_ || random.chance(3);             // leaves the time, and the room, to the other workloads
    for (std::uint64_t n = 1; n <= clients; ++n) {
        Habits habits;
        if (random.chance(2)) habits.run = 60;
        if (random.chance(3)) habits.storm = 15;
        if (random.chance(2)) habits.drain = 5;
        if (random.chance(4)) habits.deregister = 1;
        habits.pause_most = calm ? random.between(Milliseconds(5'000), Milliseconds(30'000)) : random.between(Milliseconds(20), Milliseconds(3'000));
        clients_.push_back(std::make_unique<Client>(stage_, *this, oracle_, catalog_, "client-" + std::to_string(n), habits, random.number(1ull << 62)));
        clients_.back()->begin();
    }
    if (spread_out_ || !random.chance(3)) {
        for (auto n = 1 + random.number(2); n > 0; --n) {
            // In a hurry, at ease, or so rarely that services come to rest meanwhile: what is at rest is spread evenly over zones.
            static constexpr std::pair<int, int> paces[] = {{20, 500}, {1'000, 40'000}, {60'000, 400'000}};
            const auto [shortest, longest] = paces[spread_out_ ? 2 : random.number(std::size(paces))];
            const Milliseconds pause_most = random.between(Milliseconds(shortest), Milliseconds(longest));
            rollouts_.push_back(std::make_unique<Rollouts>(stage_, *this, oracle_, catalog_, "rollouts-" + std::to_string(n), pause_most, random.number(1ull << 62)));
            rollouts_.back()->begin();
        }
    }
    if (random.chance(3)) {
        balancing_ = std::make_unique<Balancing>(stage_, *this, oracle_, catalog_, "balancing", random.between(Milliseconds(200), Milliseconds(10'000)), random.number(1ull << 62));
        for (const auto& rollouts : rollouts_) rollouts->balance_behind(balancing_->groups());
        balancing_->begin();
    }
    const auto enough = [this] { return oracle_.groups >= options_.groups; };
    advance(options_.act_one_most, enough);
    for (const auto& client : clients_) client->hurry();
    for (const auto& rollouts : rollouts_) rollouts->hurry();
    advance(options_.act_one_most, enough);
}

void World::act_two()
{
    heal();
    for (const auto& client : clients_) client->finish();
    for (const auto& rollouts : rollouts_) rollouts->finish();
    if (balancing_) balancing_->finish();
    wait_for("the clients know where they stand", Milliseconds(10 * 60'000), [this] {
        for (const auto& client : clients_)
            if (!client->idle()) return client->doing();
        for (const auto& rollouts : rollouts_)
            if (!rollouts->idle()) return rollouts->doing();
        return balancing_ && !balancing_->idle() ? balancing_->doing() : std::string();
    });
    if (over()) return;
    // Hosts that are gone for ever have an operator who knows it.
    Client& operator_ = *clients_.front();
    for (const auto& machine : machines_) {
        if (!machine->gone) continue;
        for (const auto& [id, instance] : oracle_.instances()) {
            if (instance.host_principal != machine->facts.name || instance.status == model::InstanceStatus::inactive) continue;
            operator_.deregister(to_text(id));
            wait_for("the operator is heard", Milliseconds(60'000), [&] { return operator_.idle() ? "" : operator_.doing(); });
            if (over()) return;
        }
    }
    // What was going to end by itself when the faults were over has done so.
    if (!rollouts_.empty()) advance(Milliseconds(100'000), [] { return false; });
    if (over()) return;
    // A task that failed again and again is started again after half an hour at most.
    wait_for("all is steady", Milliseconds((rollouts_.empty() ? 15 : 50) * 60'000), [this] {
        const std::string services = unsteady_services();
        return services.empty() ? unsteady() : services;
    });
    if (!over()) check_services_at_rest();
    if (!over()) delete_services();
    if (over()) return;
    if (balancing_) balancing_->deregister_all();
    operator_.stop_everything();
    wait_for("all is stopped", Milliseconds(15 * 60'000), [this] {
        if (!clients_.front()->idle()) return clients_.front()->doing();
        for (const auto& [id, committed] : oracle_.tasks())
            if (committed.task.live()) return "task " + to_text(id) + " is " + to_text(committed.task.status);
        const std::string targets = unsteady_targets();
        return targets.empty() ? unsteady() : targets;
    });
    if (!over()) check_end();
}

void World::wait_for(const char* what, Milliseconds most, const std::function<std::string()>& missing)
{
    const Time begun = stage_.timeline.now();
    std::string last;
    while (!over() && stage_.timeline.now() - begun < most) {
        if (server_ && server_->ready() && (last = missing()).empty()) return stage_.note("{}", what);
        advance(Milliseconds(1000), [] { return false; });
    }
    stage_.fail(13, "after {} s it is not so that {}: {}", most.count() / 1000, what, last);
}

std::string World::unsteady() const
{
    const std::string machines = unsteady_machines();
    return machines.empty() ? unsteady_tasks() : machines;
}

std::string World::unsteady_machines() const
{
    std::set<InstanceId> present;
    for (const auto& machine : machines_) {
        if (machine->gone) continue;
        const std::string& name = machine->facts.name;
        if (!machine->agent) return name + " has no agent";
        const auto id = InstanceId::parse(machine->agent->instance_arn().substr(machine->agent->instance_arn().rfind('/') + 1));
        const auto row = id ? oracle_.instances().find(*id) : oracle_.instances().end();
        if (!id) return name + " is not registered";
        if (row == oracle_.instances().end()) continue;     // deregistered by force, and forgotten by a clock that was set forward
        if (row->second.status == model::InstanceStatus::inactive) continue;   // deregistered by force: it asks again in an hour
        if (!machine->agent->connected()) return name + " is not connected";
        if (!row->second.agent_connected) return name + " is connected and the disk does not say so";
        present.insert(*id);
    }
    for (const auto& [id, instance] : oracle_.instances())
        if (instance.agent_connected && !present.contains(id)) return "instance " + to_text(id) + " is said to be connected and nobody is there";
    return "";
}

std::string World::unsteady_tasks() const
{
    for (const auto& [id, committed] : oracle_.tasks()) {
        if (!committed.task.live()) continue;
        const std::string name = "task " + to_text(id);
        if (!committed.task.wanted) return name + " is to stop and is " + to_text(committed.task.status);
        if (committed.task.status != model::TaskStatus::running) return name + " is wanted and is " + to_text(committed.task.status);
        bool runs = false;
        for (const auto& machine : machines_) runs = runs || machine->host->runs(to_text(id));
        if (!runs) return name + " is RUNNING and runs nowhere";
    }
    for (const auto& host : hosts_.all()) {
        std::set<std::string> there;
        for (const auto& [task, eni] : host->prepared()) there.insert(task);
        for (const auto& task : there) {
            const auto* committed = oracle_.find(task);
            if (!committed || !committed->task.live()) return "something is left on " + host->name() + ":" + host->leavings();
        }
    }
    return "";
}

void World::check_end()
{
    for (const auto& host : hosts_.all())
        if (!host->empty()) return stage_.fail(7, "all is stopped, and this is left on {}:{}", host->name(), host->leavings());
    check_credentials();
    server_->examine_all();
    if (over()) return;

    // Quiet: one more full pass over every key writes nothing.
    const auto never = [] { return false; };
    server_->catch_up();
    advance(Milliseconds(1'000), never);
    // What the clock brings by itself in these moments is not the pass's doing.
    constexpr int moments_max = 600;
    for (int moment = 0; moment < moments_max && !over() && something_is_due(Milliseconds(100)); ++moment) advance(Milliseconds(100), never);
    const std::uint64_t before = oracle_.groups - oracle_.connections;
    server_->full_pass();
    advance(Milliseconds(50), never);
    if (oracle_.groups - oracle_.connections != before) stage_.fail(14, "one more pass over every key wrote {}", oracle_.last_group);

    // Forgetful: a fresh server plans nothing new.
    std::map<TaskId, std::string> tasks;
    for (const auto& [id, committed] : oracle_.tasks()) tasks[id] = committed.bytes;
    kill_server(Milliseconds(100));
    advance(Milliseconds(20'000), never);
    if (over()) return;
    if (!server_ || !server_->ready()) return stage_.fail(15, "a fresh server does not start");
    for (const auto& [id, committed] : oracle_.tasks())
        if (!tasks.contains(id) || tasks[id] != committed.bytes) return stage_.fail(15, "a fresh server changed task {}", to_text(id));
}

bool World::something_is_due(Milliseconds within)
{
    const auto view = server_->view();
    const Time now = server_clock_.now();
    const auto retention = decide::plan_retention(view, now);
    if (!retention.empty()) return true;
    for (const auto& due : {retention.wake_at, decide::plan_drained_targets(view, now).wake_at})
        if (due && *due <= now + within) return true;
    return false;
}

// Whose keys a host still holds though the task is over; "" when there are none.
std::string World::kept_keys() const
{
    for (const auto& [id, task] : credentials_) {
        const auto* committed = oracle_.find(task);
        if (committed && committed->task.live()) continue;
        for (const auto& machine : machines_)
            if (machine->agent && machine->agent->knows_credentials(id)) return machine->facts.name + " still holds the keys of task " + task;
    }
    return "";
}

// Invariant 11: the keys of a task that is over are nowhere. An agent that was told to drop a task it had not begun with
// takes a moment.
void World::check_credentials()
{
    constexpr int moments_max = 120;
    for (int moment = 0; moment < moments_max && !over() && !kept_keys().empty(); ++moment) advance(Milliseconds(1000), [] { return false; });
    if (const std::string kept = kept_keys(); !over() && !kept.empty()) stage_.fail(11, "{}, which is over", kept);
}

}  // namespace boxship::sim
