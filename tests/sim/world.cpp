#include "sim/world.h"

#include "base/arn.h"

namespace boxship::sim {

using shape::Json;

namespace {

agent::CallError no_answer(const char* why) { return {.status = 0, .code = "", .message = why}; }

// Not: what the workloads did, how far services came, and branches that do no harm.
bool is_fault(std::string_view name)
{
    for (const char* other : {"api: ", "service: ", "rollout: ", "deployment: ", "loop: ", "store: "})
        if (name.starts_with(other)) return false;
    return name != "journal: checkpoint";
}

}  // namespace

RunOutcome run(const RunOptions& options)
{
    World world(options);
    return world.play();
}

World::World(const RunOptions& options) : options_(options), stage_(options.seed), oracle_(stage_), server_clock_(stage_.timeline),
      spread_out_(options.seed % 6 == 5)
{
    stage_.aloud = options.aloud;
    oracle_.look_at(hosts_);
    auto& random = stage_.random;
    const auto add = [&](std::string name, bool fargate, const char* zone) {
        auto machine = std::make_unique<Machine>();
        machine->facts = {.name = std::move(name), .fargate = fargate, .cpu_units = 4096, .memory_mib = random.chance(3) ? 1024 : 4096, .zone = zone};
        machine->host = &hosts_.add(stage_, oracle_, machine->facts.name, machine->facts.memory_mib);
        machine->record = std::make_unique<Record>(stage_);
        machine->host->record_is([record = machine->record.get()](const std::string& task) { return record->holds(task); });
        machine->clock = std::make_unique<VirtualClock>(stage_.timeline);
        if (random.chance(3)) machine->clock->set_wrong_by(random.between(Milliseconds(-60'000), Milliseconds(60'000)));
        machines_.push_back(std::move(machine));
    };
    const char* zones[] = {"us-east-1a", "us-east-1b", "us-east-1c"};
    const auto instances = spread_out_ ? 3 + random.number(2) : 1 + random.number(4);
    const bool apart = spread_out_ || random.chance(2);     // each in a zone of its own, as far as there are zones
    for (std::uint64_t n = 1; n <= instances; ++n) add("instance-" + std::to_string(n), false, zones[apart ? n % 3 : random.number(3)]);
    add("fargate", true, "us-east-1a");
    oracle_.hosts_may_be_lost = options.seed % 4 == 1;
    if (oracle_.hosts_may_be_lost) lost_after_ = Milliseconds(1000 * static_cast<std::int64_t>(20 + options.seed % 200));
    start_server();
    // Who comes late finds tasks that are all elsewhere.
    for (const auto& machine : machines_) {
        const bool late = machine != machines_.front() && !machine->facts.fargate && random.chance(spread_out_ ? 2 : 3);
        if (late) stage_.fate.post_after(random.between(Milliseconds(20'000), Milliseconds(400'000)), [this, &machine = *machine] { start_agent(machine); });
        else start_agent(*machine);
    }
    plan_faults();
}

World::~World()
{
    for (const auto& machine : machines_) machine->agent.reset();
    server_.reset();
    deposed_.clear();
}

RunOutcome World::play()
{
    act_one();
    if (!over()) act_two();
    RunOutcome outcome;
    outcome.failure = stage_.failure;
    outcome.hash = stage_.hash;
    outcome.next_random = stage_.random.number(1ull << 62);
    outcome.groups = oracle_.groups;
    outcome.events = stage_.timeline.events();
    outcome.calls = calls_;
    for (const auto& [name, times] : stage_.taken)
        if (is_fault(name)) faults_ += times;
    outcome.faults = faults_;
    outcome.taken = stage_.taken;
    outcome.story.assign(stage_.story.begin(), stage_.story.end());
    return outcome;
}

void World::advance(Milliseconds span, const std::function<bool()>& enough)
{
    constexpr std::uint64_t events_max = 20'000'000;
    const Time end = stage_.timeline.now() + span;
    while (!over() && !enough() && stage_.timeline.step(end)) {
        stage_.mix(stage_.timeline.last_lane());
        if (stage_.timeline.events() % 64 == 0) hosts_.check_addresses(stage_, oracle_);
        if (stage_.timeline.events() > events_max) stage_.fail(13, "it never comes to rest");
    }
    if (!over() && !enough()) stage_.timeline.run_until(end);      // nothing is due by then: only the time passes
}

void World::call(const std::string& from, tests::ApiCall call, Done done)
{
    const std::uint64_t number = ++calls_;
    pending_[number] = {servers_, std::move(done)};
    if (!server_ || !server_->ready()) return answer(number, no_answer("connection refused"), Milliseconds(5));
    if (unreachable_.contains(from) || stage_.unlucky("call: lost", 150)) return answer(number, no_answer("timed out"), Milliseconds(5000));
    stage_.fate.post_after(Milliseconds(60'000), [this, number] { answer(number, no_answer("timed out"), Milliseconds(0)); });
    stage_.fate.post_after(stage_.random.between(Milliseconds(0), Milliseconds(4)), [this, number, from, call = std::move(call), to = servers_] {
        if (to != servers_ || !server_) return;     // its calls were lost with it
        server_->call(call, [this, number, from](Result<std::string> result) {
            Answer out = no_answer("timed out");
            if (unreachable_.contains(from) || stage_.unlucky("call: answer lost", 150)) return answer(number, std::move(out), Milliseconds(5000));
            if (result.ok()) {
                stage_.mix(*result);
                out = *Json::parse(*result);
            } else {
                out = agent::CallError{result.error().status ? result.error().status : 400, result.error().code, result.error().message};
            }
            answer(number, std::move(out), stage_.random.between(Milliseconds(0), Milliseconds(4)));
        });
    });
}

void World::answer(std::uint64_t pending, Answer answer, Milliseconds delay)
{
    const auto at = pending_.find(pending);
    if (at == pending_.end()) return;
    stage_.fate.post_after(delay, [done = std::move(at->second.done), answer = std::make_shared<const Answer>(std::move(answer))] { done(answer); });
    pending_.erase(at);
}

void World::lose_calls(int server)
{
    std::vector<std::uint64_t> lost;
    for (const auto& [number, pending] : pending_)
        if (pending.server == server) lost.push_back(number);
    for (const auto number : lost) answer(number, no_answer("connection reset"), stage_.random.between(Milliseconds(0), Milliseconds(50)));
}

void World::connect(const std::string& from, const std::string& instance_arn, bool send_credentials,
                    std::function<void(std::shared_ptr<Wire>, std::string refusal)> done)
{
    const auto instance = InstanceId::parse(instance_arn.substr(instance_arn.rfind('/') + 1));
    if (!instance || !server_ || !server_->ready() || unreachable_.contains(from)) {
        stage_.fate.post_after(Milliseconds(50), [done] { done(nullptr, ""); });
        return;
    }
    const auto wire = std::make_shared<Wire>(stage_);
    wire->overhear([this, from, server = servers_](const std::string& frame) { overhear(server, from, frame); });
    auto& wires = wires_[from];
    std::erase_if(wires, [](const auto& old) { return old.expired(); });
    wires.push_back(wire);
    // Answered once, whatever happens to the server meanwhile.
    const std::uint64_t number = ++calls_;
    pending_[number] = {servers_, [done, wire](const auto& answer) {
                            const bool open = answer->ok();
                            if (!open) wire->close(Wire::agent);
                            done(open ? wire : nullptr, open ? "" : answer->error().code);
                        }};
    stage_.fate.post_after(Milliseconds(20'000), [this, number] { answer(number, no_answer("timed out"), Milliseconds(0)); });
    stage_.fate.post_after(stage_.random.between(Milliseconds(0), Milliseconds(4)), [this, number, wire, id = *instance, from, send_credentials, to = servers_] {
        if (to != servers_ || !server_) return;
        server_->accept(wire, id, from, send_credentials, [this, number](std::optional<drive::Sessions::Refusal> refusal) {
            Answer out = Json();
            if (refusal) out = agent::CallError{refusal->status, refusal->type, refusal->message};
            answer(number, std::move(out), Milliseconds(0));
        });
    });
}

void World::tell_health(const std::string& from, const std::string& instance_arn, const Json& message)
{
    const auto instance = InstanceId::parse(last_part(instance_arn));
    if (!instance || unreachable_.contains(from) || stage_.unlucky("health: lost", 20)) return;
    stage_.fate.post_after(stage_.random.between(Milliseconds(0), Milliseconds(4)), [this, id = *instance, message] {
        if (server_ && server_->ready()) server_->note_health(id, message);
    });
}

// What a server says on a wire, as a tap in it would see it. Invariant 11: credentials go to their task's host alone.
void World::overhear(int server, const std::string& to, const std::string& frame)
{
    if (frame.find("credentialsId") == std::string::npos) return;
    const auto json = Json::parse(frame);
    CHECK(json.ok());
    const Json& message = (*json)["message"];
    const auto note = [&](const std::string& arn, const Json& credentials) {
        if (!credentials.has("credentialsId")) return;
        const std::string task = arn.substr(arn.rfind('/') + 1);
        credentials_[credentials.get_string("credentialsId")] = task;
        const auto* committed = oracle_.find(task);
        if (!committed) {
            // One that was deposed renews keys of what another has ended and forgotten, until it writes and learns of it.
            if (server == servers_ || !oracle_.knew(task)) stage_.fail(11, "credentials of task {}, which is not there, go out", task);
            return;
        }
        for (const auto& machine : machines_) {
            if (machine->facts.name != to || !machine->agent) continue;
            const auto own = InstanceId::parse(machine->agent->instance_arn().substr(machine->agent->instance_arn().rfind('/') + 1));
            if (own && committed->task.instance != *own) stage_.fail(11, "credentials of task {} go to {}", task, to);
        }
    };
    for (const Json& task : message["tasks"].as_array()) note(task.get_string("arn"), task["roleCredentials"]);
    note(message.get_string("taskArn"), message["roleCredentials"]);
}

void World::start_server()
{
    if (server_) return;
    ++servers_;
    server_ = std::make_unique<Server>(ServerWays{stage_, disk_, oracle_, server_clock_, servers_, stage_.random.number(1ull << 62), lost_after_,
                                                  [this](std::uint32_t address) { return hosts_.answers(address); },
                                                  [this](int number, const char* why) { stage_.fate.post([this, number, why] { server_died(number, why); }); }});
}

void World::kill_server(Milliseconds back_after)
{
    if (!server_) return;
    stage_.note("server {} is killed", servers_);
    server_.reset();
    lose_calls(servers_);
    stage_.fate.post_after(back_after, [this] { start_server(); });
}

void World::server_died(int number, const char* why)
{
    stage_.note("server {} ends: {}", number, why);
    if (deposed_.erase(number) > 0) {
        ++stage_.taken["server: deposed one ends"];
        return lose_calls(number);
    }
    if (number == servers_) kill_server(stage_.random.between(Milliseconds(100), Milliseconds(2000)));
}

void World::start_agent(Machine& machine)
{
    if (machine.agent || machine.gone) return;
    machine.agent = std::make_unique<Agent>(stage_, *this, *machine.clock, *machine.host, *machine.record, machine.facts,
                                            "boot-" + std::to_string(machine.boots), stage_.random.number(1ull << 62));
}

void World::kill_agent(Machine& machine)
{
    if (!machine.agent) return;
    stage_.note("{}: the agent dies", machine.facts.name);
    machine.agent.reset();
}

void World::learn_places()
{
    const auto view = server_->view();
    for (const auto& [id, vpc] : view.rows<model::Vpc>()) catalog_.vpc = to_short_text("vpc-", id);
    for (const auto& [id, subnet] : view.rows<model::Subnet>()) catalog_.subnets.push_back(to_short_text("subnet-", id));
}

}  // namespace boxship::sim
