#include "sim/rollouts.h"

#include <algorithm>

namespace boxship::sim {

using shape::Json;

namespace {

constexpr int desired_max = 5;

}  // namespace

bool is_hopeless(const ServicesOracle& services, const model::Service& service)
{
    const auto* primary = services.primary_of(service);
    if (service.status != model::ServiceStatus::active || !primary || primary->rollout == model::RolloutState::failed) return false;
    const Kind* kind = kind_of(family_of(primary->definition_arn));
    if (!kind || kind->fate == Fate::lasts || services.desired_of(service) == 0) return false;
    const auto deployment = services.deployments().find(service.deployment);
    constexpr int patience = 5;      // failures: the throttle grows with them
    const bool watched = service.rules.breaker && services.threshold_of(service) <= patience && kind->fate == Fate::fails && deployment != services.deployments().end() &&
                         deployment->second.status == model::DeploymentStatus::in_progress;
    return !watched;
}

Rollouts::Rollouts(Stage& stage, Network& network, const Oracle& oracle, Catalog& catalog, std::string name, Milliseconds pause_most, std::uint64_t seed)
    : Caller(stage, network, oracle, catalog, std::move(name), pause_most, seed)
{
    const auto count = 1 + random_.number(3);
    while (names_ < count) services_[name_ + "-" + std::to_string(++names_)];
}

void Rollouts::choose()
{
    if (catalog_.families.size() < std::size(kinds)) return next();
    auto at = services_.begin();
    std::advance(at, random_.number(services_.size()));
    Entry& entry = *at;
    if (!entry.second.there) return create(entry);
    int roll = static_cast<int>(random_.number(100));
    const auto takes = [&roll](int share) { return (roll -= share) < 0; };
    if (takes(22)) return change(entry);
    if (takes(10)) return define_and_deploy(entry);
    if (takes(20)) return scale(entry);
    if (takes(10)) return stop_deployment(entry);
    if (takes(10)) return stop_task(entry);
    if (takes(8)) return protect(entry);
    if (takes(13)) return describe(entry);
    remove(entry, random_.chance(2), [this] { next(); });
}

const Kind& Rollouts::any_kind(const Mine& mine, int one_bad_in)
{
    const bool bad = one_bad_in > 0 && random_.chance(static_cast<std::uint64_t>(one_bad_in));
    std::vector<const Kind*> fit;
    for (const Kind& kind : kinds)
        if (kind.shape == mine.shape && (kind.fate != Fate::lasts) == bad) fit.push_back(&kind);
    return *fit[random_.number(fit.size())];
}

void Rollouts::configure(Json& input, bool daemon)
{
    static constexpr std::pair<int, int> replica_percents[] = {{100, 200}, {50, 200}, {50, 100}, {0, 100}, {100, 150}, {50, 150},
                                                               {34, 134}, {67, 166}, {0, 200}, {75, 125}, {100, 110}, {1, 199}};
    static constexpr std::pair<int, int> daemon_percents[] = {{0, 100}, {50, 100}, {34, 100}, {67, 100}};
    const auto [least, most] = daemon ? daemon_percents[random_.number(std::size(daemon_percents))] : replica_percents[random_.number(std::size(replica_percents))];
    Json configuration = Json::object({{"minimumHealthyPercent", least}, {"maximumPercent", most}});
    Json breaker = Json::object({{"enable", random_.chance(2)}, {"rollback", random_.chance(2)}});
    if (random_.chance(3))
        breaker.set("thresholdConfiguration", Json::object({{"type", random_.chance(2) ? "COUNT" : "UNBOUNDED_PERCENT"}, {"value", static_cast<std::int64_t>(1 + random_.number(90))}}));
    if (random_.chance(4)) breaker.set("resetOnHealthyTask", false);
    configuration.set("deploymentCircuitBreaker", breaker);
    input.set("deploymentConfiguration", configuration);
    if (daemon) return;
    if (most == 100) input.set("availabilityZoneRebalancing", "DISABLED");    // it is refused without room beside the desired count
    else if (random_.chance(3)) input.set("availabilityZoneRebalancing", random_.chance(3) ? "DISABLED" : "ENABLED");
}

// Refused as long as nothing forwards to the group.
void Rollouts::maybe_balance(const Mine& mine, const Kind& kind, Json& input)
{
    if (!groups_ || groups_->empty() || mine.shape == Shape::bridge || kind.fate != Fate::lasts || !random_.chance(2)) return;
    input.set("loadBalancers", Json::array({Json::object({{"targetGroupArn", (*groups_)[random_.number(groups_->size())]}, {"containerName", "app"}, {"containerPort", 80}})}));
}

void Rollouts::create(Entry& entry)
{
    Mine fresh;
    fresh.shape = random_.chance(2) ? Shape::bridge : random_.chance(2) ? Shape::vpc : Shape::fargate;
    fresh.daemon = fresh.shape != Shape::fargate && random_.chance(4);
    const Kind& kind = any_kind(fresh, 5);
    Json input = Json::object({{"serviceName", entry.first}, {"taskDefinition", kind.family}, {"launchType", kind.launch_type()}});
    if (fresh.daemon) input.set("schedulingStrategy", "DAEMON");
    else input.set("desiredCount", static_cast<std::int64_t>(fresh.desired = static_cast<int>(random_.number(desired_max + 1))));
    if (kind.network()) input.set("networkConfiguration", network_configuration());
    if (!random_.chance(4)) configure(input, fresh.daemon);
    if (std::string_view(kind.family) == "checked" && random_.chance(2)) input.set("healthCheckGracePeriodSeconds", 20);
    maybe_balance(fresh, kind, input);
    ask("CreateService", input, [this, &entry, fresh, input](const Network::Answer& answer) {
        if (!answer) {
            // No cluster yet or no longer, one of that name that is being deleted, load balancers.
            const auto& code = answer.error().code;
            if (code != "ClusterNotFoundException" && code != "InvalidParameterException")
                stage_.fail(0, "{}: CreateService {}: {}", name_, input.dump(), answer.error().text());
            const bool draining = answer.error().message.find("still Draining") != std::string::npos;
            ++stage_.taken[draining ? "api: CreateService of a name that is draining" : "api: CreateService refused"];
            if (draining && !random_.chance(4)) rename(entry);
            return next();
        }
        ++stage_.taken["api: CreateService"];
        entry.second = fresh;
        entry.second.there = true;
        check_promise(entry, (*answer)["service"]);
        next();
    });
}

// One that is deleted keeps its name until its last task has ended, which may be long: another is made meanwhile.
void Rollouts::rename(Entry& entry)
{
    auto node = services_.extract(entry.first);
    node.key() = name_ + "-" + std::to_string(++names_);
    services_.insert(std::move(node));
}

// Invariant 8: what was answered is on the disk.
void Rollouts::check_promise(const Entry& entry, const Json& service)
{
    const auto* row = oracle_.services().named(entry.first);
    if (!row || row->status != model::ServiceStatus::active) return stage_.fail(8, "{} was told of service {}, which is not on the disk", name_, entry.first);
    if (entry.second.daemon) return;
    if (row->desired != entry.second.desired)
        stage_.fail(8, "{} was promised {} tasks of {} and the disk says {}", name_, entry.second.desired, entry.first, row->desired);
    if (service.get_int64("desiredCount") != entry.second.desired)
        stage_.fail(8, "{} asked for {} tasks of {} and is told of {}", name_, entry.second.desired, entry.first, service.get_int64("desiredCount"));
}

void Rollouts::update(Entry& entry, Json input, std::function<void()> then)
{
    input.set("service", entry.first);
    ask("UpdateService", input, [this, &entry, input, then = std::move(then)](const Network::Answer& answer) {
        if (!answer) {
            if (!input.has("loadBalancers") && answer.error().code != "ClusterNotFoundException")
                stage_.fail(0, "{}: UpdateService {}: {}", name_, input.dump(), answer.error().text());
            ++stage_.taken["api: UpdateService refused"];
            return then();
        }
        ++stage_.taken["api: UpdateService"];
        if (input.has("desiredCount")) entry.second.desired = static_cast<int>(input.get_int64("desiredCount"));
        const Json& service = (*answer)["service"];
        if (service.has("currentServiceDeployment")) entry.second.deployment = service.get_string("currentServiceDeployment");
        check_promise(entry, service);
        then();
    });
}

void Rollouts::change(Entry& entry)
{
    const Mine& mine = entry.second;
    Json input = Json::object();
    if (random_.chance(2)) {
        const Kind& kind = any_kind(mine, 4);
        input.set("taskDefinition", kind.family);
        if (kind.network() && random_.chance(3)) input.set("networkConfiguration", network_configuration());
        if (random_.chance(4)) maybe_balance(mine, kind, input);
    } else {
        input.set("forceNewDeployment", true);
    }
    if (!mine.daemon && random_.chance(3)) input.set("desiredCount", static_cast<std::int64_t>(random_.number(desired_max + 1)));
    if (random_.chance(3)) configure(input, mine.daemon);
    update(entry, input, [this] { next(); });
}

// A new revision of what it may run.
void Rollouts::define_and_deploy(Entry& entry)
{
    const Kind& kind = any_kind(entry.second, 6);
    ask("RegisterTaskDefinition", *Json::parse(kind.definition), [this, &entry, &kind](const Network::Answer& answer) {
        if (!answer) stage_.fail(0, "{}: register {}: {}", name_, kind.family, answer.error().text());
        Json input = Json::object({{"taskDefinition", kind.family}});
        if (!entry.second.daemon && random_.chance(4)) input.set("desiredCount", static_cast<std::int64_t>(random_.number(desired_max + 1)));
        update(entry, input, [this] { next(); });
    });
}

void Rollouts::scale(Entry& entry)
{
    Json input = Json::object();
    if (entry.second.daemon) configure(input, true);
    else input.set("desiredCount", static_cast<std::int64_t>(random_.number(desired_max + 1)));
    update(entry, input, [this] { next(); });
}

void Rollouts::remove(Entry& entry, bool force, std::function<void()> then)
{
    ask("DeleteService", Json::object({{"service", entry.first}, {"force", force}}), [this, &entry, force, then = std::move(then)](const Network::Answer& answer) {
        if (answer) {
            ++stage_.taken["api: DeleteService"];
            entry.second.there = false;
            const auto* row = oracle_.services().named(entry.first);
            if (row && row->status == model::ServiceStatus::active) stage_.fail(8, "{} was told that service {} is deleted, and the disk does not say so", name_, entry.first);
        } else if (force || answer.error().code != "InvalidParameterException") {
            if (answer.error().code != "ClusterNotFoundException") stage_.fail(0, "{}: DeleteService {}: {}", name_, entry.first, answer.error().text());
        }
        then();
    });
}

void Rollouts::stop_deployment(Entry& entry)
{
    if (entry.second.deployment.empty()) return change(entry);
    const std::string arn = entry.second.deployment;
    const Json input = Json::object({{"serviceDeploymentArn", arn}, {"stopType", random_.chance(3) ? "ABORT" : "ROLLBACK"}});
    ask("StopServiceDeployment", input, [this, &entry](const Network::Answer& answer) {
        if (!answer && answer.error().code != "ConflictException") stage_.fail(0, "{}: StopServiceDeployment of {}: {}", name_, entry.first, answer.error().text());
        if (answer) ++stage_.taken["api: StopServiceDeployment"];
        entry.second.deployment.clear();
        next();
    });
}

void Rollouts::stop_task(Entry& entry)
{
    ask("ListTasks", Json::object({{"serviceName", entry.first}}), [this](const Network::Answer& answer) {
        if (!answer || (*answer)["taskArns"].as_array().empty()) return next();
        const auto& arns = (*answer)["taskArns"].as_array();
        const std::string arn = arns[random_.number(arns.size())].as_string();
        ask("StopTask", Json::object({{"task", arn}, {"reason", "by hand"}}), [this](const Network::Answer&) { next(); });
    });
}

// From scale-in, for some minutes.
void Rollouts::protect(Entry& entry)
{
    ask("ListTasks", Json::object({{"serviceName", entry.first}}), [this](const Network::Answer& answer) {
        if (!answer || (*answer)["taskArns"].as_array().empty()) return next();
        const auto& arns = (*answer)["taskArns"].as_array();
        const std::string arn = arns[random_.number(arns.size())].as_string();
        const Json input = Json::object({{"cluster", "default"}, {"tasks", Json::array({arn})}, {"protectionEnabled", true},
                                         {"expiresInMinutes", static_cast<std::int64_t>(1 + random_.number(5))}});
        ask("UpdateTaskProtection", input, [this, arn](const Network::Answer& answer) {
            if (answer && !(*answer)["protectedTasks"].as_array().empty()) {
                ++stage_.taken["api: UpdateTaskProtection"];
                protected_.push_back(arn);
            }
            next();
        });
    });
}

// In act two nobody waits for protections to end, which a clock that was set back makes longer.
void Rollouts::unprotect()
{
    const Json input = Json::object({{"cluster", "default"}, {"tasks", Json::array({protected_.back()})}, {"protectionEnabled", false}});
    ask("UpdateTaskProtection", input, [this](const Network::Answer&) { busy_ = false; });
    protected_.pop_back();
}

// Invariant 4: one PRIMARY deployment. Invariant 5: the counts are those of the parts.
void Rollouts::describe(Entry& entry)
{
    ask("DescribeServices", Json::object({{"services", Json::array({entry.first})}}), [this, &entry](const Network::Answer& answer) {
        if (!answer) {
            if (answer.error().code != "ClusterNotFoundException") stage_.fail(0, "{}: DescribeServices: {}", name_, answer.error().text());
            return next();
        }
        const auto& services = (*answer)["services"].as_array();
        if (services.size() != 1 || services[0].get_string("status") != "ACTIVE") {
            stage_.fail(8, "{} is not told of its service {}", name_, entry.first);
            return next();
        }
        const Json& service = services[0];
        check_promise(entry, service);
        int primary = 0;
        std::int64_t running = 0, pending = 0;
        for (const Json& deployment : service["deployments"].as_array()) {
            primary += deployment.get_string("status") == "PRIMARY";
            running += deployment.get_int64("runningCount");
            pending += deployment.get_int64("pendingCount");
        }
        if (primary != 1) stage_.fail(4, "service {} has {} PRIMARY deployments", entry.first, primary);
        if (running != service.get_int64("runningCount") || pending != service.get_int64("pendingCount"))
            stage_.fail(5, "service {} runs {} tasks, its deployments {}", entry.first, service.get_int64("runningCount"), running);
        next();
    });
}

std::string Rollouts::repair()
{
    if (!idle()) return doing();
    if (!protected_.empty()) {
        busy_ = true;
        unprotect();
        return "tasks are protected";
    }
    for (Entry& entry : services_) {
        const auto* row = oracle_.services().named(entry.first);
        if (!entry.second.there || !row || !is_hopeless(oracle_.services(), *row)) continue;
        busy_ = true;
        const auto done = [this] { busy_ = false; };
        if (random_.chance(3)) remove(entry, true, done);
        else update(entry, Json::object({{"taskDefinition", any_kind(entry.second, 0).family}}), done);
        return "service " + entry.first + " is repaired";
    }
    return "";
}

void Rollouts::delete_all()
{
    busy_ = true;
    for (Entry& entry : services_)
        if (entry.second.there) return remove(entry, true, [this] { delete_all(); });
    busy_ = false;
}

}  // namespace boxship::sim
