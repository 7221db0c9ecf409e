#include "sim/client.h"

#include "sim/kinds.h"

namespace boxship::sim {

using shape::Json;

namespace {

int rank_of(const std::string& status)
{
    static const std::vector<std::string> order = {"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"};
    for (std::size_t at = 0; at < order.size(); ++at)
        if (order[at] == status) return static_cast<int>(at);
    return -1;
}

}  // namespace

Client::Client(Stage& stage, Network& network, const Oracle& oracle, Catalog& catalog, std::string name, Habits habits, std::uint64_t seed)
    : Caller(stage, network, oracle, catalog, std::move(name), habits.pause_most, seed), habits_(habits)
{
}

void Client::choose()
{
    const Habits& h = habits_;
    int roll = static_cast<int>(random_.number(static_cast<std::uint64_t>(h.run + h.stop + h.describe + h.storm + h.define + h.who_am_i + h.list + h.drain + h.deregister)));
    const auto takes = [&roll](int share) { return (roll -= share) < 0; };
    if (catalog_.families.size() < std::size(kinds) || takes(h.define)) return define();
    if (takes(h.run)) return run_task();
    if (takes(h.stop)) return known_.empty() ? next() : stop_task(any_task(), [this] { next(); });
    if (takes(h.describe)) return describe();
    if (takes(h.storm)) return storm(10);
    if (takes(h.who_am_i)) return who_am_i();
    if (takes(h.list)) return list();
    if (takes(h.drain)) return drain();
    if (instances_.empty()) return list();
    deregister(instances_[random_.number(instances_.size())]);
}

void Client::define()
{
    const auto& kind = kinds[catalog_.families.size() < std::size(kinds) ? catalog_.families.size() : random_.number(std::size(kinds))];
    ask("RegisterTaskDefinition", *Json::parse(kind.definition), [this, family = std::string(kind.family)](const Network::Answer& answer) {
        if (!answer) stage_.fail(0, "{}: register {}: {}", name_, family, answer.error().text());
        else if (catalog_.families.size() < std::size(kinds) && family == kinds[catalog_.families.size()].family) catalog_.families.push_back(family);
        next();
    });
}

void Client::run_task()
{
    if (!repeats_.empty() && random_.chance(6)) {           // a very late repeat of what was answered
        const auto [token, input] = repeats_[random_.number(repeats_.size())];
        ask("RunTask", input, [this, token = token, input = input](const Network::Answer& answer) { heard_run(token, input, answer); });
        return;
    }
    const auto& kind = kinds[random_.number(std::size(kinds))];
    const std::string token = name_ + "-" + std::to_string(++tokens_);
    Json input = Json::object({{"taskDefinition", kind.family}, {"count", static_cast<std::int64_t>(1 + random_.number(3))}, {"clientToken", token},
                               {"startedBy", token}, {"launchType", kind.launch_type()}});
    if (kind.network()) input.set("networkConfiguration", network_configuration());
    ask("RunTask", input, [this, token, input](const Network::Answer& answer) { heard_run(token, input, answer); });
}

// Invariant 6: one token, one effect, one answer. Invariant 8: what is answered is durable.
void Client::heard_run(const std::string& token, const Json& input, const Network::Answer& answer)
{
    if (!answer) {
        // No cluster before the first host has joined, none left after the last was deregistered.
        if (answer.error().code != "ClusterNotFoundException" && answer.error().code != "InvalidParameterException")
            stage_.fail(0, "{}: RunTask: {}", name_, answer.error().text());
        if (oracle_.started_by().contains(token)) stage_.fail(6, "{} was refused and has tasks", token);
        return next();
    }
    std::set<std::string> tasks;
    for (const Json& task : (*answer)["tasks"].as_array()) {
        const std::string arn = task.get_string("taskArn");
        tasks.insert(arn);
        if (!oracle_.knew(last_part(arn))) stage_.fail(8, "{} was told of task {}, which is not on the disk", token, arn);
        look_at(task);
    }
    const auto [before, first] = answers_.emplace(token, tasks);
    if (first) {
        for (const auto& arn : tasks) known_.push_back(arn);
        repeats_.emplace_back(token, input);
    } else {
        for (const auto& arn : tasks)
            if (!before->second.contains(arn)) stage_.fail(6, "{} was answered twice, and the second time with task {} too", token, arn);
        for (const auto& arn : before->second)
            if (!tasks.contains(arn) && oracle_.find(last_part(arn))) stage_.fail(6, "{} was answered twice, and the second time without task {}", token, arn);
    }
    const auto effect = oracle_.started_by().find(token);
    const std::size_t started = effect == oracle_.started_by().end() ? 0 : effect->second.size();
    // When the first answer was lost and a clock was set forward, the tasks may be forgotten by the time of the second.
    std::size_t there = 0;
    if (started > 0)
        for (const TaskId& id : effect->second) there += oracle_.tasks().contains(id);
    if (before->second.size() > started || before->second.size() < there) stage_.fail(6, "{} was told of {} tasks and has {}", token, before->second.size(), started);
    next();
}

void Client::stop_task(const std::string& arn, std::function<void()> then)
{
    ask("StopTask", Json::object({{"task", arn}, {"reason", "enough"}}), [this, arn, then = std::move(then)](const Network::Answer& answer) {
        const auto* committed = oracle_.find(last_part(arn));
        if (!answer) {
            if (committed) stage_.fail(8, "{}: StopTask {}: {}", name_, arn, answer.error().text());
        } else {
            if (committed && committed->task.wanted) stage_.fail(8, "{} was told that {} is to stop, and the disk does not say so", name_, arn);
            look_at((*answer)["task"]);
        }
        then();
    });
}

void Client::storm(int left)
{
    if (left == 0 || known_.empty() || finishing_) return next();
    stop_task(any_task(), [this, left] { storm(left - 1); });
}

void Client::describe()
{
    if (known_.empty()) return next();
    Json arns = Json::array();
    for (auto n = 1 + random_.number(8); n > 0; --n) arns.push_back(any_task());
    ask("DescribeTasks", Json::object({{"tasks", arns}}), [this](const Network::Answer& answer) {
        if (!answer) {
            stage_.fail(8, "{}: DescribeTasks: {}", name_, answer.error().text());
            return next();
        }
        for (const Json& task : (*answer)["tasks"].as_array()) look_at(task);
        for (const Json& failure : (*answer)["failures"].as_array())
            if (oracle_.find(last_part(failure.get_string("arn")))) stage_.fail(8, "{} is told that {} is missing", name_, failure.get_string("arn"));
        next();
    });
}

// Invariant 8: never less than was seen before.
void Client::look_at(const Json& task)
{
    const std::string arn = task.get_string("taskArn");
    Seen& seen = seen_[arn];
    const int status = rank_of(task.get_string("lastStatus"));
    const bool to_stop = task.get_string("desiredStatus") == "STOPPED";
    if (status < seen.status) stage_.fail(8, "{} saw task {} further than {}", name_, arn, task.get_string("lastStatus"));
    if (seen.to_stop && !to_stop) stage_.fail(8, "{} saw task {} to be stopped, and now it is not", name_, arn);
    const std::string instance = task.get_string("containerInstanceArn"), reason = task.get_string("stoppedReason");
    if (!seen.instance.empty() && instance != seen.instance) stage_.fail(8, "{} saw task {} elsewhere", name_, arn);
    if (!seen.reason.empty() && reason != seen.reason) stage_.fail(8, "{} saw task {} end because of: {}", name_, arn, seen.reason);
    for (const Json& container : task["containers"].as_array()) {
        const std::string key = container.get_string("name");
        if (const auto at = seen.exit_codes.find(key); at != seen.exit_codes.end() && (!container.has("exitCode") || container.get_int64("exitCode") != at->second))
            stage_.fail(8, "{} saw container {} of {} exit with {}", name_, key, arn, at->second);
        if (container.has("exitCode")) seen.exit_codes[key] = container.get_int64("exitCode");
    }
    seen.status = std::max(seen.status, status);
    seen.to_stop = seen.to_stop || to_stop;
    seen.instance = instance;
    seen.reason = reason;
}

// Invariant 11: a task's credentials are good for its life.
void Client::who_am_i()
{
    if (known_.empty()) return next();
    const auto id = TaskId::parse(last_part(any_task()));
    const auto* before = oracle_.find(to_text(*id));
    const bool over = !before || !before->task.live();
    ask_as({"sts", "GetCallerIdentity", "{}", tests::task_principal(*id)}, [this, id, over](const Network::Answer& answer) {
        const auto* after = oracle_.find(to_text(*id));
        if (over && answer) stage_.fail(11, "task {} is over and its credentials are good", to_text(*id));
        if (!answer && after && after->task.live()) stage_.fail(11, "task {} lives and its credentials are not good: {}", to_text(*id), answer.error().text());
        next();
    });
}

void Client::list()
{
    ask("ListContainerInstances", Json::object(), [this](const Network::Answer& answer) {
        if (answer) {
            instances_.clear();
            for (const Json& arn : (*answer)["containerInstanceArns"].as_array()) instances_.push_back(arn.as_string());
        }
        next();
    });
}

void Client::drain()
{
    if (instances_.empty()) return list();
    const Json input = Json::object({{"containerInstances", Json::array({instances_[random_.number(instances_.size())]})},
                                     {"status", random_.chance(3) ? "DRAINING" : "ACTIVE"}});
    ask("UpdateContainerInstancesState", input, [this](const Network::Answer&) { next(); });
}

void Client::deregister(const std::string& instance_arn)
{
    busy_ = true;
    ++stage_.taken["api: deregister by force"];
    stage_.note("{}: deregisters {}", name_, last_part(instance_arn).substr(0, 6));
    const std::string cluster = instance_arn.find("/_fargate/") != std::string::npos ? "_fargate" : "default";
    ask("DeregisterContainerInstance", Json::object({{"cluster", cluster}, {"containerInstance", instance_arn}, {"force", true}}),
        [this](const Network::Answer&) { next(); });
}

void Client::stop_everything()
{
    busy_ = true;
    for (const auto& [id, committed] : oracle_.tasks()) {
        if (!committed.task.wanted) continue;
        return stop_task(to_text(id), [this] { stop_everything(); });
    }
    busy_ = false;
}

std::string Client::any_task()
{
    // Mostly of the newest: those that still live.
    const std::size_t window = random_.chance(4) ? known_.size() : std::min<std::size_t>(known_.size(), 12);
    return known_[known_.size() - 1 - random_.number(window)];
}

}  // namespace boxship::sim
