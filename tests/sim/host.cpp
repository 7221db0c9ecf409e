#include "sim/host.h"

#include "base/ipv4.h"

#include "sim/oracle.h"

namespace boxship::sim {

using namespace agent;

namespace {

bool says(const std::string& image, const char* word) { return image.starts_with(word); }

}  // namespace

Host::Host(Stage& stage, Oracle& oracle, std::string name, int memory_mib)
    : stage_(stage), oracle_(oracle), name_(std::move(name)), memory_mib_(memory_mib), lane_(stage.timeline, name_)
{
}

void Host::serve(env::Executor& agent) { agent_ = &agent; }

// What was under way is done, or nothing of it: both happen to children of a process that dies.
void Host::agent_died()
{
    agent_ = nullptr;
    on_exit_ = nullptr;
    for (auto& [id, container] : containers_) container.watched = false;
    for (const auto& [number, operation] : std::exchange(under_way_, {})) {
        if (stage_.random.chance(2)) continue;
        ++stage_.taken["host: finishes for a dead agent"];
        (void)operation();
    }
}

void Host::reboot()
{
    lane_.clear();
    under_way_.clear();
    containers_.clear();
    prepared_.clear();
    addresses_.clear();
    exit_codes_.clear();
}

bool Host::anything_of(const std::string& task) const
{
    if (prepared_.contains(task)) return true;
    for (const auto& [id, container] : containers_)
        if (container.plan.task == task) return true;
    return false;
}

bool Host::runs(const std::string& task) const
{
    for (const auto& [id, container] : containers_)
        if (container.plan.task == task && container.running) return true;
    return false;
}

std::string Host::leavings() const
{
    std::string text;
    for (const auto& [task, eni] : prepared_) text += " task " + task.substr(0, 6);
    for (const auto& [id, container] : containers_) text += " container " + container.plan.name + " of " + container.plan.task.substr(0, 6);
    return text;
}

void Host::act(Milliseconds least, Milliseconds most, std::function<std::function<void()>()> work)
{
    const Milliseconds time = stage_.unlucky("host: slow", 60) ? stage_.random.between(Milliseconds(1000), Milliseconds(20'000)) : stage_.random.between(least, most);
    const std::uint64_t number = ++operations_;
    under_way_[number] = std::move(work);
    lane_.post_after(time, [this, number] {
        const auto at = under_way_.find(number);
        if (at == under_way_.end()) return;
        const auto operation = std::move(at->second);
        under_way_.erase(at);
        const auto answer = operation();
        if (agent_) agent_->post(answer);
    });
}

// Invariant 7, first half: an agent runs only what was committed for it.
void Host::check_allowed(const std::string& task, const char* doing)
{
    const auto* committed = oracle_.find(task);
    if (!committed) {
        if (!oracle_.knew(task)) stage_.fail(7, "{} {}s something of task {}, which was never committed", name_, doing, task);
        return;
    }
    if (committed->task.instance != instance_ && !committed->given_up)
        stage_.fail(7, "{} {}s something of task {}, which belongs to another host", name_, doing, task);
    if (!committed->task.live() && !committed->given_up) stage_.fail(7, "{} {}s something of task {}, which is STOPPED", name_, doing, task);
}

// Invariant 1 on the ground: ports have one owner.
void Host::check_fits()
{
    std::map<std::pair<std::string, int>, std::string> owners;
    for (const auto& [id, container] : containers_) {
        if (!container.running || container.plan.network_mode == NetworkMode::awsvpc) continue;
        for (const auto& port : container.plan.ports) {
            const auto [at, fresh] = owners.emplace(std::pair(port.protocol, port.host_port), id);
            if (!fresh) stage_.fail(1, "port {} of {} is published by {} and by {}", port.host_port, name_, at->second, id);
        }
    }
}

void Host::prepare_task(TaskPlan plan, Done<HostOutcome<TaskReady>> done)
{
    act(Milliseconds(1), Milliseconds(30), [this, plan = std::move(plan), done = std::move(done)]() -> std::function<void()> {
        check_allowed(plan.task, "prepare");
        prepared_[plan.task] = plan.eni.has_value();
        if (plan.eni) addresses_[plan.task] = plan.eni->ipv4;
        if (stage_.unlucky("host: prepare fails", 80)) return [done] { done(Failure{"ResourceInitializationError", "no network"}); };
        return [done] { done(TaskReady{}); };
    });
}

void Host::release_task(TaskPlan plan, Done<HostResult<>> done)
{
    act(Milliseconds(1), Milliseconds(30), [this, plan = std::move(plan), done = std::move(done)]() -> std::function<void()> {
        for (const auto& [id, container] : containers_)
            if (container.plan.task == plan.task) stage_.fail(7, "{} releases task {} before its container {}", name_, plan.task, container.plan.name);
        if (stage_.unlucky("host: release fails", 60)) return [done] { done(HostError{"release the task: busy"}); };
        prepared_.erase(plan.task);
        addresses_.erase(plan.task);
        return [done] { done(HostResult<>()); };
    });
}

std::shared_ptr<PullTicket> Host::pull(PullPlan plan, Done<HostOutcome<PulledImage>> done)
{
    struct Ticket : PullTicket {
        void cancel() override { cancelled = true; }
        bool cancelled = false;
    };
    const auto ticket = std::make_shared<Ticket>();
    const bool slow = stage_.unlucky("host: slow pull", 20);
    act(Milliseconds(1), Milliseconds(slow ? 60'000 : 200), [this, plan = std::move(plan), ticket, done = std::move(done)]() -> std::function<void()> {
        if (ticket->cancelled) return [done] { done(Failure{"CannotPullContainerError", "cancelled"}); };
        if (says(plan.reference, "missing") || stage_.unlucky("host: pull fails", 60))
            return [done] { done(Failure{"CannotPullContainerError", "no such image"}); };
        return [done, reference = plan.reference] {
            PulledImage image;
            image.id = reference;
            image.digest = "sha256:" + std::string(64, 'a');
            image.config.command = {"/bin/app"};
            done(image);
        };
    });
    return ticket;
}

void Host::start(ContainerPlan plan, PulledImage image, Done<HostOutcome<Started>> done)
{
    act(Milliseconds(5), Milliseconds(60), [this, plan = std::move(plan), image = image.id, done = std::move(done)]() -> std::function<void()> {
        const std::string id = plan.id;
        check_allowed(plan.task, "start");
        if (!prepared_.contains(plan.task)) stage_.fail(7, "{} starts container {} of task {}, which is not prepared", name_, plan.name, plan.task);
        if (const auto there = containers_.find(id); there != containers_.end() && there->second.running)
            stage_.fail(7, "{} starts container {} of task {} twice", name_, plan.name, plan.task);
        Container& container = containers_[id];
        container = {plan, image, false, {}, {}, false};
        if (says(image, "crash") || (says(image, "sometimes") && stage_.random.chance(3)) || stage_.unlucky("host: start fails", 60))
            return [done] { done(Failure{"CannotStartContainerError", "no such file"}); };
        container.running = true;
        container.watched = agent_ != nullptr;
        container.started = stage_.timeline.now();
        check_fits();
        stage_.note("{}: container {} of {} runs", name_, plan.name, plan.task.substr(0, 6));
        const auto ends = [this, id](Milliseconds after, Exit exit) {
            lane_.post_after(after, [this, id, exit, since = containers_[id].started] {
                const auto at = containers_.find(id);
                if (at != containers_.end() && at->second.started == since) end(id, exit);
            });
        };
        if (says(image, "job")) ends(stage_.random.between(Milliseconds(0), Milliseconds(90'000)), Exit{.code = static_cast<int>(stage_.random.number(3))});
        if (says(image, "oom")) ends(stage_.random.between(Milliseconds(10), Milliseconds(20'000)), Exit{.code = 137, .oom_kills = 1});
        if (stage_.unlucky("host: container crashes", 60)) ends(stage_.random.between(Milliseconds(0), Milliseconds(60'000)), Exit{.code = 139});
        return [done, started = container.started] { done(Started{started, 1, {}}); };
    });
}

void Host::end(const std::string& id, Exit exit)
{
    Container& container = containers_.at(id);
    if (!container.running) return;
    container.running = false;
    exit.at = stage_.timeline.now();
    container.exit = exit;
    if (exit.code) exit_codes_[id] = *exit.code;
    stage_.note("{}: container {} of {} ends with {}", name_, container.plan.name, container.plan.task.substr(0, 6), exit.code.value_or(-1));
    if (container.watched) tell(id, exit);
}

void Host::tell(const std::string& id, const Exit& exit)
{
    if (on_exit_) on_exit_({id, exit});
}

void Host::stop(const std::string& id, const std::string&, Milliseconds timeout, Done<HostResult<>> done)
{
    if (const auto at = containers_.find(id); at != containers_.end() && at->second.running) oracle_.check_drained(at->second.plan.task);
    act(Milliseconds(0), Milliseconds(5), [this, id, timeout, done = std::move(done)]() -> std::function<void()> {
        const auto at = containers_.find(id);
        if (at == containers_.end()) return [done] { done(HostResult<>()); };
        if (stage_.unlucky("host: stop fails", 60)) return [done] { done(HostError{"stop: no answer"}); };
        const bool stubborn = says(at->second.image, "stubborn") || stage_.unlucky("host: ignores SIGTERM", 20);
        const Milliseconds after = stubborn ? timeout : stage_.random.between(Milliseconds(1), Milliseconds(300));
        lane_.post_after(after, [this, id, stubborn, since = at->second.started] {
            const auto found = containers_.find(id);
            if (found != containers_.end() && found->second.started == since) end(id, Exit{.code = stubborn ? 137 : 143});
        });
        return [done] { done(HostResult<>()); };
    });
}

void Host::exec(const std::string& id, std::vector<std::string>, Milliseconds, Done<HostResult<ExecOutcome>> done)
{
    act(Milliseconds(5), Milliseconds(50), [this, id, done = std::move(done)]() -> std::function<void()> {
        const auto at = containers_.find(id);
        const bool fails = stage_.unlucky("host: probe fails", 10) || at == containers_.end() || says(at->second.image, "sick");
        return [done, fails] { done(ExecOutcome{fails ? 1 : 0, ""}); };
    });
}

void Host::release_container(const std::string& id, Done<HostResult<>> done)
{
    act(Milliseconds(1), Milliseconds(30), [this, id, done = std::move(done)]() -> std::function<void()> {
        const auto at = containers_.find(id);
        if (at != containers_.end() && at->second.running) stage_.fail(7, "{} releases container {} of task {} while it runs", name_, at->second.plan.name, at->second.plan.task);
        if (stage_.unlucky("host: release fails", 60)) return [done] { done(HostError{"release: busy"}); };
        containers_.erase(id);
        return [done] { done(HostResult<>()); };
    });
}

void Host::adopt(Known known, Done<HostResult<std::vector<Found>>> done)
{
    act(Milliseconds(5), Milliseconds(100), [this, known = std::move(known), done = std::move(done)]() -> std::function<void()> {
        if (stage_.unlucky("host: adopt fails", 10)) return [done] { done(HostError{"look for containers: busy"}); };
        const std::set<std::string> tasks(known.tasks.begin(), known.tasks.end());
        const std::set<std::string> ours(known.containers.begin(), known.containers.end());
        // What belongs to nobody goes.
        std::erase_if(containers_, [&](const auto& entry) {
            if (ours.contains(entry.first)) return false;
            const auto* committed = oracle_.find(entry.second.plan.task);
            if (entry.second.running && committed && committed->task.live() && committed->task.wanted && committed->task.instance == instance_)
                stage_.fail(7, "{} sweeps container {} of task {}, which is wanted", name_, entry.second.plan.name, entry.second.plan.task);
            ++stage_.taken["host: sweeps a container"];
            return true;
        });
        std::erase_if(prepared_, [&](const auto& entry) { return !tasks.contains(entry.first); });
        std::erase_if(addresses_, [&](const auto& entry) { return !tasks.contains(entry.first); });
        std::vector<Found> found;
        for (const std::string& id : known.containers) {
            Found one{id};
            if (const auto at = containers_.find(id); at != containers_.end() && at->second.started) {
                one.state = at->second.running ? Found::State::running : Found::State::exited;
                one.started = at->second.started;
                if (at->second.exit) one.exit = *at->second.exit;
                at->second.watched = true;
            }
            found.push_back(one);
        }
        return [done, found] { done(found); };
    });
}

Host& Hosts::add(Stage& stage, Oracle& oracle, std::string name, int memory_mib)
{
    return *hosts_.emplace_back(std::make_unique<Host>(stage, oracle, std::move(name), memory_mib));
}

bool Hosts::anything_of(const std::string& task) const
{
    for (const auto& host : hosts_)
        if (host->anything_of(task)) return true;
    return false;
}

bool Hosts::has_interface(const std::string& task) const
{
    for (const auto& host : hosts_)
        if (host->has_interface(task)) return true;
    return false;
}

bool Hosts::answers(std::uint32_t address) const
{
    const std::string text = ipv4_text(address);
    for (const auto& host : hosts_)
        for (const auto& [task, own] : host->addresses_)
            if (own == text && host->runs(task)) return true;
    return false;
}

std::optional<int> Hosts::exit_code(const std::string& container) const
{
    for (const auto& host : hosts_)
        if (const auto at = host->exit_codes_.find(container); at != host->exit_codes_.end()) return at->second;
    return std::nullopt;
}

bool Hosts::recorded(const InstanceId& instance, const std::string& task) const
{
    for (const auto& host : hosts_)
        if (host->instance_ == instance) return host->record_holds_(task);
    return true;
}

// Invariant 1 on the ground: an address has one owner. A host that was given up may not know yet.
void Hosts::check_addresses(Stage& stage, const Oracle& oracle) const
{
    std::map<std::string, std::string> owners;
    for (const auto& host : hosts_) {
        for (const auto& [task, address] : host->addresses_) {
            const auto* committed = oracle.find(task);
            if (!committed || committed->given_up) continue;
            const auto [at, fresh] = owners.emplace(address, task);
            if (!fresh) stage.fail(1, "the address {} is in use by task {} and by task {}", address, at->second, task);
        }
    }
}

}  // namespace boxship::sim
