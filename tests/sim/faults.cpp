// What befalls processes, machines, wires and clocks in act one. A run draws a few kinds of it.
#include "sim/world.h"

namespace boxship::sim {

void World::plan_faults()
{
    const char* all[] = {"kill server", "kill agent", "reboot", "vanish", "partition", "reconnect", "stall server", "stall agent", "server clock", "agent clock", "take over", "lose wires"};
    for (const char* kind : all)
        if (stage_.random.chance(2)) misfortunes_.push_back(kind);
    if (misfortunes_.empty()) misfortunes_.push_back("kill server");
    const Milliseconds pause = stage_.random.between(Milliseconds(3'000), Milliseconds(40'000));
    stage_.fate.post_after(pause, [this] { misfortune(); });
}

void World::misfortune()
{
    if (!acting_) return;
    auto& random = stage_.random;
    Machine& machine = *machines_[random.number(machines_.size())];
    const std::string& kind = misfortunes_[random.number(misfortunes_.size())];
    const Time now = stage_.timeline.now();
    ++stage_.taken["fault: " + kind];
    stage_.note("fault: {} ({})", kind, machine.facts.name);
    if (kind == "kill server") kill_server(random.between(Milliseconds(50), Milliseconds(8'000)));
    if (kind == "take over") take_over();
    if (kind == "kill agent") {
        kill_agent(machine);
        stage_.fate.post_after(random.between(Milliseconds(100), Milliseconds(random.chance(5) ? 90'000 : 4'000)), [this, &machine] { start_agent(machine); });
    }
    if (kind == "reboot") reboot(machine, false);
    if (kind == "vanish" && !machine.facts.fargate && machines_.size() > 2) reboot(machine, random.chance(2));
    if (kind == "partition") partition(machine);
    if (kind == "lose wires")
        for (const auto& wire : wires_[machine.facts.name])
            if (const auto alive = wire.lock()) random.chance(2) ? alive->cut() : alive->hang();
    if (kind == "reconnect" && machine.agent) machine.agent->reconnect();
    if (kind == "stall server" && server_) server_->stall(now + random.between(Milliseconds(500), Milliseconds(20'000)));
    if (kind == "stall agent" && machine.agent) machine.agent->stall(now + random.between(Milliseconds(500), Milliseconds(150'000)));
    const auto jump = [&] { return random.chance(4) ? random.between(Milliseconds(-7'200'000), Milliseconds(7'200'000)) : random.between(Milliseconds(-5'000), Milliseconds(5'000)); };
    if (kind == "server clock") server_clock_.set_wrong_by(jump());
    if (kind == "agent clock") machine.clock->set_wrong_by(jump());
    stage_.fate.post_after(random.between(Milliseconds(2'000), Milliseconds(40'000)), [this] { misfortune(); });
}

// The old server is only asleep. When it wakes it must not write.
void World::take_over()
{
    if (!server_ || !server_->ready()) return;
    server_->stall(stage_.timeline.now() + stage_.random.between(Milliseconds(1'000), Milliseconds(30'000)));
    deposed_[servers_] = std::move(server_);
    start_server();
}

void World::reboot(Machine& machine, bool for_ever)
{
    kill_agent(machine);
    machine.host->reboot();
    machine.record->lose_power();
    ++machine.boots;
    for (const auto& wire : wires_[machine.facts.name])
        if (const auto alive = wire.lock()) alive->hang();
    machine.gone = machine.gone || for_ever;
    stage_.fate.post_after(stage_.random.between(Milliseconds(2'000), Milliseconds(60'000)), [this, &machine] { start_agent(machine); });
}

void World::partition(Machine& machine)
{
    unreachable_.insert(machine.facts.name);
    for (const auto& wire : wires_[machine.facts.name])
        if (const auto alive = wire.lock()) alive->hang();
    stage_.fate.post_after(stage_.random.between(Milliseconds(1'000), Milliseconds(300'000)), [this, &machine] { unreachable_.erase(machine.facts.name); });
}

void World::heal()
{
    stage_.note("the faults are over");
    stage_.faults_on = false;
    acting_ = false;
    unreachable_.clear();
    deposed_.clear();       // one that never writes would never learn that it is deposed
    for (const auto& machine : machines_) start_agent(*machine);
    start_server();
}

}  // namespace boxship::sim
