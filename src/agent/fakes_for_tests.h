// A world for engine tests: virtual time, a host that does what it is told, a control plane that listens.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/board.h"
#include "agent/engine.h"

namespace boxship::agent {

class VirtualTime : public env::Clock, public env::Executor {
public:
    Time now() override { return now_ + wrong_by; }
    Milliseconds wrong_by{0};
    Milliseconds uptime() override { return Milliseconds(now_.ms); }
    void post(std::function<void()> work) override { post_after(Milliseconds(0), std::move(work)); }
    void post_after(Milliseconds delay, std::function<void()> work) override { queue_.emplace(std::pair(now_ + delay, ++sequence_), std::move(work)); }

    // Everything that is due within `span`, in order.
    void run_for(Milliseconds span)
    {
        const Time end = now_ + span;
        while (!queue_.empty() && queue_.begin()->first.first <= end) {
            auto next = queue_.extract(queue_.begin());
            now_ = std::max(now_, next.key().first);
            next.mapped()();
        }
        now_ = end;
    }
    void forget_everything() { queue_.clear(); }    // the process died

private:
    Time now_{1'795'000'000'000};
    std::uint64_t sequence_ = 0;
    std::map<std::pair<Time, std::uint64_t>, std::function<void()>> queue_;
};

class CountingRandom : public env::Random {
public:
    void fill(std::span<std::byte> bytes) override
    {
        for (std::byte& byte : bytes) byte = static_cast<std::byte>((next_ = next_ * 6364136223846793005u + 1442695040888963407u) >> 33);
    }

private:
    std::uint64_t next_ = 7;
};

class NeverFaults : public env::Faults {
public:
    bool hit(const char*) override { return false; }
};

// Operations are noted as "pull web", "start web" …, with the container's or task's name, and finish a millisecond later
// unless their note is in `held`; those in `failing` fail.
class FakeHost : public Host {
public:
    FakeHost(env::Clock& clock, env::Executor& executor) : clock_(clock), executor_(executor) {}

    struct Container {
        std::string name;
        ContainerPlan plan;
        bool running = false;
        std::optional<Exit> exit;
        std::string stop_signal;
    };
    std::vector<std::string> log;
    std::set<std::string> held;
    std::set<std::string> failing;
    std::map<std::string, Container> containers;    // by id, until released
    std::set<std::string> tasks;                    // prepared
    std::set<std::string> ignores_sigterm;          // names
    std::set<std::uint16_t> ports_taken;
    ImageConfig image{.command = {"/bin/app"}, .working_directory = "/srv"};

    bool did(const std::string& note) const { return std::find(log.begin(), log.end(), note) != log.end(); }
    int times(const std::string& note) const { return static_cast<int>(std::count(log.begin(), log.end(), note)); }

    // Lets a held operation go on.
    void finish(const std::string& note)
    {
        held.erase(note);
        const auto at = waiting_.find(note);
        if (at == waiting_.end()) return;
        auto work = std::move(at->second);
        waiting_.erase(at);
        work();
    }
    void end(const std::string& name, Exit exit)
    {
        for (auto& [id, container] : containers) {
            if (container.name != name || !container.running) continue;
            container.running = false;
            exit.at = clock_.now();
            container.exit = exit;
            if (on_exit_) on_exit_({id, exit});
        }
    }
    void agent_died()
    {
        on_exit_ = nullptr;
        waiting_.clear();
    }

    void watch_exits(std::function<void(ContainerExit)> on_exit) override { on_exit_ = std::move(on_exit); }
    void prepare_task(TaskPlan plan, Done<HostOutcome<TaskReady>> done) override
    {
        act("prepare", [this, plan, done](bool fails) {
            if (fails) return done(Failure{"ResourceInitializationError", "no network"});
            tasks.insert(plan.task);
            done(TaskReady{{{"network", clock_.now(), 1}}});
        });
    }
    void release_task(TaskPlan plan, Done<HostResult<>> done) override
    {
        act("release task", [this, plan, done](bool fails) {
            if (fails) return done(HostError{"busy"});
            tasks.erase(plan.task);
            done({});
        });
    }
    std::shared_ptr<PullTicket> pull(PullPlan plan, Done<HostOutcome<PulledImage>> done) override
    {
        struct Ticket : PullTicket {
            void cancel() override { cancelled = true; }
            bool cancelled = false;
        };
        auto ticket = std::make_shared<Ticket>();
        act("pull " + plan.reference, [this, ticket, done](bool fails) {
            if (fails || ticket->cancelled) return done(Failure{"CannotPullContainerError", "no such image"});
            done(PulledImage{"sha256:config", "sha256:manifest", image, {"/layers/1"}, {}});
        });
        return ticket;
    }
    void start(ContainerPlan plan, PulledImage, Done<HostOutcome<Started>> done) override
    {
        const std::string name = plan.name;
        act("start " + name, [this, plan = std::move(plan), done](bool fails) {
            Container& container = containers[plan.id];
            container = {plan.name, plan, !fails, {}, ""};
            if (fails) return done(Failure{"CannotStartContainerError", "no such file"});
            done(Started{clock_.now(), 1, {{"init", clock_.now(), 5}}});
        });
    }
    void stop(const std::string& id, const std::string& signal, Milliseconds timeout, Done<HostResult<>> done) override
    {
        const std::string name = containers.contains(id) ? containers[id].name : "?";
        act("stop " + name, [this, id, signal, timeout, name, done](bool fails) {
            if (fails) return done(HostError{"no monitor"});
            if (containers.contains(id)) containers[id].stop_signal = signal;
            done({});
            const bool stubborn = ignores_sigterm.contains(name);
            executor_.post_after(stubborn ? timeout : Milliseconds(5), [this, name, stubborn] { end(name, Exit{.code = stubborn ? 137 : 143}); });
        });
    }
    void exec(const std::string& id, std::vector<std::string>, Milliseconds, Done<HostResult<ExecOutcome>> done) override
    {
        const std::string name = containers.contains(id) ? containers[id].name : "?";
        act("exec " + name, [done](bool fails) { done(ExecOutcome{fails ? 1 : 0, "checked"}); });
    }
    void release_container(const std::string& id, Done<HostResult<>> done) override
    {
        const std::string name = containers.contains(id) ? containers[id].name : "?";
        act("release " + name, [this, id, done](bool fails) {
            if (fails) return done(HostError{"busy"});
            containers.erase(id);
            done({});
        });
    }
    void forget_container(const std::string& id) override { log.push_back("forget " + id.substr(id.rfind('-') + 1)); }
    void adopt(Known known, Done<HostResult<std::vector<Found>>> done) override
    {
        std::vector<Found> found;
        for (const std::string& id : known.containers) {
            Found one{id};
            if (const auto at = containers.find(id); at != containers.end()) {
                one.state = at->second.running ? Found::State::running : Found::State::exited;
                one.started = clock_.now();
                if (at->second.exit) one.exit = *at->second.exit;
            }
            found.push_back(one);
        }
        done(std::move(found));
    }
    std::vector<ContainerStats> stats(std::span<const std::string>) override { return {}; }
    bool port_is_free(std::uint16_t port, const std::string&) override { return !ports_taken.contains(port); }

private:
    void act(std::string note, std::function<void(bool)> work)
    {
        log.push_back(note);
        auto finish = [this, note, work = std::move(work)] { work(failing.contains(note)); };
        if (held.contains(note))
            waiting_[note] = finish;
        else
            executor_.post_after(Milliseconds(1), finish);
    }

    env::Clock& clock_;
    env::Executor& executor_;
    std::function<void(ContainerExit)> on_exit_;
    std::map<std::string, std::function<void()>> waiting_;
};

class FakeOutlet : public Outlet {
public:
    void submit(TaskReport report, std::function<void()> heard) override
    {
        reports.push_back(report);
        if (deaf)
            unheard.push_back(heard);
        else
            heard();
    }
    void launched(const std::string&, const std::vector<Phase>& phases) override { timings.push_back(phases); }

    std::vector<TaskReport> reports;
    std::vector<std::function<void()>> unheard;
    std::vector<std::vector<Phase>> timings;
    bool deaf = false;
};

class World {
public:
    explicit World(EngineOptions options = default_options()) : host(time, time), options_(std::move(options)) { start_agent(); }

    static EngineOptions default_options()
    {
        EngineOptions options;
        options.batch_wait = Milliseconds(10'000);
        options.resources = {.cpu_units = 4096, .memory_mib = 4096, .tcp = {22}, .udp = {}};
        options.boot_id = "boot";
        options.plan = {.region = "us-east-1"};
        return options;
    }

    void start_agent()
    {
        const env::Env env{time, random, time, faults};
        engine = Engine::create(env, ledger, host, outlet, board, options_);
        auto contents = ledger.load();
        ASSERT_TRUE(contents.ok());
        ASSERT_TRUE(engine->start(*contents, [this] { ++ready; }).ok());
        run();
    }
    // The process ends between two instructions: whatever was under way is lost, containers go on.
    void kill_agent()
    {
        engine.reset();
        time.forget_everything();
        host.agent_died();
        outlet.unheard.clear();
        host.log.clear();
        outlet.reports.clear();
    }
    void restart_agent()
    {
        kill_agent();
        start_agent();
    }

    void accept(shape::Json task)
    {
        engine->accept({std::move(task)}, 0, Time{}, [this] { ++stored; });
        run();
    }
    void run(Milliseconds span = Milliseconds(100)) { time.run_for(span); }
    std::vector<std::string> said() const       // "RUNNING web=RUNNING side=RUNNING"
    {
        std::vector<std::string> lines;
        for (const TaskReport& report : outlet.reports) {
            std::string line(status_text(report.life));
            for (const ContainerChange& change : report.containers) {
                line += " " + change.name + "=" + std::string(status_text(change.life));
                if (change.exit_code) line += "(" + std::to_string(*change.exit_code) + ")";
            }
            lines.push_back(line);
        }
        return lines;
    }

    VirtualTime time;
    CountingRandom random;
    NeverFaults faults;
    MemoryLedger ledger;
    FakeHost host;
    FakeOutlet outlet;
    Board board;
    int stored = 0;
    int ready = 0;
    std::shared_ptr<Engine> engine;

    void reboot_host()
    {
        kill_agent();
        host.containers.clear();
        host.tasks.clear();
        options_.boot_id += "x";
        start_agent();
    }

private:
    EngineOptions options_;
};

// A payload's task; `more` and `container_more` are set over the defaults.
inline shape::Json container_json(const std::string& name, std::initializer_list<shape::JsonMember> more = {})
{
    using shape::Json;
    Json container = Json::object({{"name", name}, {"image", name + ":1"}, {"essential", true}, {"cpu", 256}, {"memory", 128}});
    for (const shape::JsonMember& member : more) container.set(member.key, member.value);
    return container;
}

inline shape::Json task_json(const std::string& id, shape::Json::Array containers, std::initializer_list<shape::JsonMember> more = {})
{
    using shape::Json;
    Json task = Json::object({{"arn", "arn:aws:ecs:us-east-1:000000000000:task/default/" + id},
                              {"taskClusterArn", "arn:aws:ecs:us-east-1:000000000000:cluster/default"},
                              {"family", "web"}, {"version", "3"}, {"desiredStatus", "RUNNING"}, {"networkMode", "bridge"},
                              {"containers", Json(std::move(containers))}});
    for (const shape::JsonMember& member : more) task.set(member.key, member.value);
    return task;
}

inline shape::Json stop_json(const std::string& id)
{
    return task_json(id, {}, {{"desiredStatus", "STOPPED"}});
}

}  // namespace boxship::agent
