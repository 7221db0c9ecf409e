#include "sim/agent.h"

namespace boxship::sim {

using namespace agent;
using shape::Json;

HostResult<> Record::commit(const LedgerBatch& batch, bool durable)
{
    if (stage_.unlucky("record: commit fails", 150)) return HostError{"commit: the disk is full"};
    CHECK(memory_.commit(batch, durable).ok());
    for (const auto& put : batch.puts) tasks_.insert(task_id_of(put.arn));
    for (const auto& arn : batch.erases) tasks_.erase(task_id_of(arn));
    unsynced_.push_back(batch);
    if (durable) sync();
    return {};
}

void Record::sync()
{
    for (const auto& batch : std::exchange(unsynced_, {})) CHECK(synced_.commit(batch, true).ok());
}

void Record::lose_power()
{
    if (stage_.random.chance(2)) return sync();
    unsynced_.clear();
    memory_ = synced_;
    const auto contents = memory_.load();
    CHECK(contents.ok());
    tasks_.clear();
    for (const auto& task : contents->tasks) tasks_.insert(task_id_of(task.arn));
}

namespace {

HostFacts host_facts(const AgentFacts& facts)
{
    HostFacts out;
    out.identity = "platform/" + facts.name;
    out.cluster = facts.fargate ? "_fargate" : "default";
    out.fargate = facts.fargate;
    out.zone = facts.zone;
    out.region = "us-east-1";
    out.account = "000000000000";
    out.registered_cpu_units = facts.cpu_units;
    out.resources.cpu_units = facts.fargate ? 0 : facts.cpu_units;
    out.resources.memory_mib = facts.memory_mib;
    out.resources.tcp = {22};
    return out;
}

std::string known_instance(Ledger& ledger)
{
    const auto contents = ledger.load();
    CHECK(contents.ok());
    return contents->fact(instance_fact);
}

InstanceId instance_of(const std::string& arn) { return InstanceId::parse(arn.substr(arn.rfind('/') + 1)).value_or(InstanceId()); }

}  // namespace

Agent::Agent(Stage& stage, Network& network, VirtualClock& clock, Host& host, Record& record, const AgentFacts& facts, std::string boot_id, std::uint64_t seed)
    : stage_(stage), network_(network), host_(host), facts_(facts), random_(seed), engine_lane_(stage.timeline, facts.name + " engine"),
      io_lane_(stage.timeline, facts.name + " io"), telemetry_(board_, host, 4), registrar_(record, random_, host_facts(facts), known_instance(record)),
      submitter_([this](Json input, std::function<void(const Submitter::Answer&)> done) {
                     network_.call(facts_.name, {"ecs", "SubmitTaskStateChange", input.dump(), tests::host_principal(facts_.name)},
                                   [this, weak = std::weak_ptr(alive_), done = std::move(done)](const auto& answer) {
                                       if (weak.lock()) io_lane_.post([done, answer] { done(*answer); });
                                   });
                 },
                 [this](Milliseconds pause, std::function<void()> then) { io_lane_.post_after(pause, std::move(then)); }, random_,
                 facts.fargate ? "_fargate" : "default"),
      reconnects_(random_, Milliseconds(3'600'000))
{
    host_.serve(engine_lane_);
    host_.instance_is(instance_of(registrar_.instance_arn()));
    EngineOptions options;
    options.resources = host_facts(facts).resources;
    options.boot_id = std::move(boot_id);
    options.plan = {.region = "us-east-1"};
    engine_ = Engine::create(env::Env{clock, random_, engine_lane_, stage_}, record, host_, *this, board_, options);
    tell_health();
    const auto contents = record.load();
    CHECK(contents.ok());
    const auto started = engine_->start(*contents, [this] { io_lane_.post([this] { join(); }); });
    if (!started.ok()) stage_.fail(0, "{}: its record cannot be read: {}", facts_.name, started.error().message);
}

Agent::~Agent()
{
    host_.agent_died();
    if (wire_) wire_->close(Wire::agent);
    conversation_.reset();
    engine_.reset();
}

void Agent::stall(Time until)
{
    engine_lane_.stall(until);
    io_lane_.stall(until);
}

void Agent::submit(TaskReport report, std::function<void()> heard)
{
    // As the real session does.
    if (report.life == Life::stopped) credentials_.drop_task(report.task);
    io_lane_.post([this, report = std::move(report), heard = std::move(heard)] { submitter_.submit(report, heard); });
}

// As TCS does: what changed at once, and all of it every twenty seconds.
void Agent::tell_health()
{
    constexpr Milliseconds look_every{2'000}, say_every{20'000};
    const Time now = stage_.timeline.now();
    if (wire_) {
        const auto message = telemetry_.health(facts_.fargate ? "_fargate" : "default", registrar_.instance_arn(), Time{}, "");
        std::string text = message ? message->dump() : "";
        if (message && (text != told_ || now - told_at_ >= say_every)) {
            network_.tell_health(facts_.name, registrar_.instance_arn(), *message);
            told_at_ = now;
        }
        told_ = std::move(text);
    }
    io_lane_.post_after(look_every, [this] { tell_health(); });
}

void Agent::join()
{
    Registrar::Request request = registrar_.next();
    network_.call(facts_.name, {"ecs", request.operation, request.input.dump(), tests::host_principal(facts_.name)},
                  [this, weak = std::weak_ptr(alive_)](const auto& answer) {
                      if (!weak.lock()) return;
                      io_lane_.post([this, answer] {
                          const auto wait = registrar_.heard(*answer);
                          if (wait) return io_lane_.post_after(*wait, [this] { join(); });
                          host_.instance_is(instance_of(registrar_.instance_arn()));
                          connect();
                      });
                  });
}

void Agent::connect()
{
    network_.connect(facts_.name, registrar_.instance_arn(), !connected_once_, [this, weak = std::weak_ptr(alive_)](std::shared_ptr<Wire> wire, std::string refusal) {
        if (!weak.lock()) {
            if (wire) wire->close(Wire::agent);
            return;
        }
        if (!wire) return io_lane_.post([this, refusal] { connection_ended(refused(refusal)); });
        // Attached at once: what comes before the lane turns is not lost.
        connected_once_ = true;
        serve(wire);
    });
}

void Agent::serve(std::shared_ptr<Wire> wire)
{
    wire_ = wire;
    connected_at_ = stage_.timeline.now();
    stage_.note("{}: connected", facts_.name);
    conversation_ = std::make_shared<AcsConversation>(*engine_, credentials_, board_, [this, weak = std::weak_ptr(wire)](std::string text) {
        io_lane_.post([weak, text = std::move(text)] {
            if (const auto alive = weak.lock()) alive->send(Wire::agent, text);
        });
    });
    const auto on_this = [this, weak = std::weak_ptr(alive_), same = wire.get()](std::function<void()> work) {
        if (!weak.lock()) return;
        io_lane_.post([this, same, work = std::move(work)] {
            if (wire_.get() == same) work();
        });
    };
    wire->attach(Wire::agent, {[this, on_this](std::string text) {
                                   on_this([this, text = std::move(text)] {
                                       heard_something();
                                       conversation_->on_message(text);
                                   });
                               },
                               [this, on_this] { on_this([this] { connection_ended(Ended::broken); }); }});
    heard_something();
    const Milliseconds lifetime = Milliseconds(30 * 60'000) + Milliseconds(random_.number(5 * 60'000));
    io_lane_.post_after(lifetime, [this, same = wire.get()] {
        if (wire_.get() == same) reconnect();
    });
}

void Agent::heard_something()
{
    io_lane_.post_after(Milliseconds(60'000) + Milliseconds(random_.number(60'000)), [this, heard = ++silence_] {
        if (wire_ && silence_ == heard) connection_ended(Ended::broken);
    });
}

void Agent::reconnect()
{
    if (wire_) connection_ended(Ended::clean);
}

void Agent::connection_ended(Ended how)
{
    const bool was_long = wire_ && stage_.timeline.now() - connected_at_ > Milliseconds(60'000);
    if (wire_) wire_->close(Wire::agent);
    wire_.reset();
    conversation_.reset();
    if (how == Ended::inactive) {
        stage_.note("{}: its instance was deregistered", facts_.name);
        engine_->stop_all("the container instance was deregistered");
    }
    if (how == Ended::unknown_instance) registrar_.forget_instance();
    const Milliseconds pause = reconnects_.pause_after(how, was_long);
    io_lane_.post_after(pause, [this] { registrar_.instance_arn().empty() ? join() : connect(); });
}

}  // namespace boxship::sim
