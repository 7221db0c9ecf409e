#include "sim/services_oracle.h"

#include <algorithm>

#include "base/ipv4.h"
#include "model/fields.h"
#include "sim/oracle.h"

namespace boxship::sim {

using namespace model;

namespace {

template <class Row, class Map, class Check>
void keep_row(Map& map, bool erased, std::string_view key, std::string_view bytes, Check check)
{
    const auto id = decode<typename Row::Key>(key);
    CHECK(id.has_value());
    if (erased) {
        map.erase(*id);
        return;
    }
    auto row = decode<Row>(bytes);
    CHECK(row.has_value());
    const auto at = map.find(*id);
    if (at == map.end()) {
        check(static_cast<const Row*>(nullptr), map.emplace(*id, std::move(*row)).first->second);
        return;
    }
    const Row before = std::exchange(at->second, std::move(*row));
    check(&before, at->second);
}

constexpr Milliseconds throttle_most{27 * 60'000};

bool never_ran(const Task& task)
{
    return !task.started_at && (task.stop_code == StopCode::task_failed_to_start || task.stop_code == StopCode::essential_container_exited);
}

bool failed_checks(const Task& task)
{
    return task.stop_code == StopCode::service_scheduler_initiated && task.stopped_reason.view().starts_with("Task failed ");
}

std::string part(const std::string& text) { return text.substr(0, 6); }

}  // namespace

int ServicesOracle::least_ready(int desired, int minimum_percent)
{
    int least = 0;
    while (least * 100 < desired * minimum_percent) ++least;
    return least;
}

int ServicesOracle::most_there(int desired, int maximum_percent)
{
    int most = 0;
    while ((most + 1) * 100 <= desired * maximum_percent) ++most;
    return most;
}

const Service* ServicesOracle::named(const std::string& name) const
{
    const Service* newest = nullptr;
    for (const auto& [id, service] : services_)
        if (service.name == name && (!newest || service.status != ServiceStatus::inactive || newest->deleted_at < service.deleted_at)) {
            newest = &service;
            if (service.status != ServiceStatus::inactive) break;
        }
    return newest;
}

const ServiceRevision* ServicesOracle::primary_of(const Service& service) const
{
    const auto at = revisions_.find({service.id, service.primary});
    return at == revisions_.end() ? nullptr : &at->second;
}

int ServicesOracle::desired_of(const Service& service) const
{
    if (service.status != ServiceStatus::active) return 0;
    if (service.scheduling == Scheduling::replica) return service.desired;
    int count = 0;
    for (const auto& [id, instance] : oracle_.instances())
        count += instance.cluster == service.cluster && instance.status == InstanceStatus::active && !instance.fargate;
    return count;
}

bool ServicesOracle::belongs(const Task& task) const
{
    const auto at = oracle_.instances().find(task.instance);
    return at != oracle_.instances().end() && at->second.status == InstanceStatus::active;
}

bool ServicesOracle::row(std::uint8_t table, bool erased, std::string_view key, std::string_view bytes)
{
    switch (table) {
    case Service::table: keep_row<Service>(services_, erased, key, bytes, [this](auto* before, auto& after) { service(before, after); }); return true;
    case ServiceRevision::table: keep_row<ServiceRevision>(revisions_, erased, key, bytes, [this](auto* before, auto& after) { revision(before, after); }); return true;
    case ServiceDeployment::table:
        keep_row<ServiceDeployment>(deployments_, erased, key, bytes, [this](auto* before, auto& after) { deployment(before, after); });
        return true;
    default: return false;
    }
}

void ServicesOracle::service(const Service* before, const Service& after)
{
    if (!before) return stage_.note("commit: service {} desires {}, primary {}", after.name, after.desired, after.primary % 1'000'000);
    if (after.status < before->status) stage_.fail(2, "service {} went back from {} to {}", after.name, to_text(before->status), to_text(after.status));
    if (before->status == ServiceStatus::inactive) stage_.fail(2, "service {} is INACTIVE and changed", after.name);
    if (after.name != before->name || after.cluster != before->cluster || after.scheduling != before->scheduling)
        stage_.fail(2, "service {} became another", after.name);
    if (after.desired != before->desired || after.primary != before->primary || after.status != before->status)
        stage_.note("commit: service {} {} desires {}, primary {}", after.name, to_text(after.status), after.desired, after.primary % 1'000'000);
    if (after.rebalancing && !before->rebalancing) ++stage_.taken["service: zones are uneven"];
    if (after.moving > 0 && before->moving == 0) ++stage_.taken["service: a task moves to another zone"];
    if (after.complaint == before->complaint) return;
    stage_.note("commit: service {} waits for {}", after.name, after.complaint.empty() ? "nothing" : after.complaint.substr(after.complaint.find(')') + 2, 60));
    if (!after.complaint.empty()) ++stage_.taken["service: no room, or stuck"];
}

// What the tasks of a deployment are made of never changes, but for digests, which are pinned once.
void ServicesOracle::revision(const ServiceRevision* before, const ServiceRevision& after)
{
    if (!before) return;
    const std::string name = deployment_id(after.id.number);
    if (after.definition != before->definition || encode(after.pattern) != encode(before->pattern) || after.network != before->network ||
        after.load_balancers != before->load_balancers)
        stage_.fail(2, "{} became another", name);
    if (after.unpinned.size() > before->unpinned.size()) stage_.fail(2, "{} has lost a digest", name);
    for (const auto& pinned : before->digests)
        if (std::ranges::none_of(after.digests, [&](const auto& now) { return now.key == pinned.key && now.value == pinned.value; }))
            stage_.fail(2, "{} has another digest of {}", name, pinned.key);
    if (after.digests.size() > before->digests.size()) ++stage_.taken["service: digests are pinned"];
    if (after.rollout != before->rollout) {
        stage_.note("commit: {} is {}", after.id.number % 1'000'000, to_text(after.rollout));
        ++stage_.taken[std::string("rollout: ") + to_text(after.rollout)];
    }
    if (before->completed_once && !after.completed_once) stage_.fail(2, "{} was never completed", name);
    check_failures(*before, after);
    check_trip(after);
}

// Invariant 4: the circuit breaker counts every task that failed, and none twice.
void ServicesOracle::check_failures(const ServiceRevision& before, const ServiceRevision& after)
{
    const Failures seen = std::exchange(failures_[after.id], {});
    const int risen = after.failed_tasks - before.failed_tasks, in_a_row = after.start_failures - before.start_failures;
    const std::string name = deployment_id(after.id.number);
    const int expected = before.evaluated ? seen.counted : 0;
    if (risen > expected) stage_.fail(4, "{} tasks of {} have failed and {} more are counted", expected, name, risen);
    if (in_a_row > seen.never_ran) stage_.fail(4, "{} tasks of {} did not start and {} more are counted", seen.never_ran, name, in_a_row);
    // What works meanwhile takes the count back.
    const auto working = std::ranges::any_of(oracle_.tasks(), [&](const auto& entry) {
        return entry.second.task.service == after.id.service && entry.second.task.revision == after.id.number && entry.second.task.ready();
    });
    if (before.evaluated && after.evaluated && !working && after.failed_tasks != 0 && risen < expected)
        stage_.fail(4, "{} tasks of {} have failed and {} more are counted", expected, name, risen);
}

int ServicesOracle::threshold_of(const Service& service) const
{
    const RolloutRules& rules = service.rules;
    if (rules.threshold_type == ThresholdType::count) return std::max(1, rules.threshold);
    int share = 0;
    while (share * 100 < service.desired * rules.threshold) ++share;
    return rules.threshold_type == ThresholdType::unbounded_percent ? std::max(1, share) : std::clamp(share, 3, 200);
}

// Invariant 4: once the count is reached, the deployment has failed.
void ServicesOracle::check_trip(const ServiceRevision& revision)
{
    const auto service = services_.find(revision.id.service);
    if (service == services_.end() || service->second.primary != revision.id.number || !service->second.rules.breaker) return;
    const auto deployment = deployments_.find(service->second.deployment);
    if (deployment == deployments_.end() || revision.rollout != RolloutState::in_progress || revision.failed_tasks == 0) return;
    const auto status = deployment->second.status;
    if (status != DeploymentStatus::pending && status != DeploymentStatus::in_progress) return;
    if (revision.failed_tasks >= threshold_of(service->second))
        stage_.fail(4, "{} tasks of {} have failed and the circuit breaker does nothing", revision.failed_tasks, deployment_id(revision.id.number));
}

void ServicesOracle::deployment(const ServiceDeployment* before, const ServiceDeployment& after)
{
    const auto service = services_.find(after.service);
    const std::string name = service == services_.end() ? "?" : service->second.name;
    if (!before) return;
    if (before->status != after.status) {
        stage_.note("commit: deployment of {} is {}", name, to_text(after.status));
        ++stage_.taken[std::string("deployment: ") + to_text(after.status)];
    }
    if (is_over(before->status)) stage_.fail(2, "a deployment of {} is {} and changed", name, to_text(before->status));
    if (after.target != before->target || after.service != before->service) stage_.fail(2, "a deployment of {} became another", name);
    if (after.tripped && !before->tripped) {
        ++stage_.taken["deployment: circuit breaker"];
        const auto revision = revisions_.find({after.service, after.target});
        if (service != services_.end() && revision != revisions_.end() &&
            (!service->second.rules.breaker || revision->second.failed_tasks < threshold_of(service->second)))
            stage_.fail(4, "the circuit breaker of {} trips after {} failures", name, revision->second.failed_tasks);
    }
    if (after.rollback_target == 0 || before->rollback_target != 0) return;
    const auto back = revisions_.find({after.service, after.rollback_target});
    if (back == revisions_.end() || !back->second.completed_once) stage_.fail(4, "a deployment of {} is rolled back to what never worked", name);
}

void ServicesOracle::task(const Task* before, const Task& after)
{
    if (!after.service) return;
    if (!before) return started(after);
    if (before->wanted && !after.wanted && after.stop_code == StopCode::service_scheduler_initiated) stopped_by_scheduler(*before, after);
    if (after.in_service && !before->in_service) in_service(after);
    if (before->settled && !after.settled) stage_.fail(2, "the end of task {} is to be counted again", to_text(after.id));
    if (!before->settled && after.settled) settled(after);
}

// Invariant 12: a load balancer's checks have said so.
void ServicesOracle::in_service(const Task& task)
{
    ++stage_.taken["service: a task is in service"];
    const std::string address = ipv4_text(task.attachment.address);
    for (const auto& [key, target] : oracle_.targets())
        if (key.id == address && target.state == TargetState::healthy) return;
    if (task.attachment.address) stage_.fail(12, "task {} is in service and no target group says that it is healthy", to_text(task.id));
}

// Invariants 3 and 4: there is room for it, and it is one that is wanted now.
void ServicesOracle::started(const Task& task)
{
    const auto at = services_.find(task.service);
    const auto made_of = revisions_.find({task.service, task.revision});
    const std::string id = part(to_text(task.id));
    if (at == services_.end() || made_of == revisions_.end()) return stage_.fail(5, "task {} is of a service that is not there", id);
    const Service& service = at->second;
    const ServiceRevision& revision = made_of->second;
    if (service.status != ServiceStatus::active) stage_.fail(13, "service {} is {} and starts task {}", service.name, to_text(service.status), id);
    int live = 0;
    for (const auto& [other, committed] : oracle_.tasks()) {
        if (committed.task.service != task.service || !committed.task.live()) continue;
        ++live;
        if (service.scheduling == Scheduling::daemon && other != task.id && committed.task.instance == task.instance)
            stage_.fail(3, "two tasks of the DAEMON service {} are on one instance", service.name);
    }
    if (service.scheduling == Scheduling::replica && live > most_there(service.desired, service.rules.maximum_percent))
        stage_.fail(3, "service {} desires {}, maximumPercent {}, and starts one that makes {}", service.name, service.desired, service.rules.maximum_percent, live);
    // The turn that rolls back writes the service last.
    const auto deployment = deployments_.find(service.deployment);
    const bool back = deployment != deployments_.end() && deployment->second.rollback_target == task.revision;
    if (service.primary != task.revision && !back) stage_.fail(4, "service {} starts a task of {}, which is not its primary deployment", service.name, deployment_id(task.revision));
    if (revision.rollout == RolloutState::failed) stage_.fail(4, "service {} starts a task of {}, which has failed", service.name, deployment_id(task.revision));
    // A clock that was set back makes no wait longer than half an hour.
    if (revision.start_after > task.created_at && revision.start_after - task.created_at <= throttle_most) stage_.fail(4, "service {} starts a task before its throttle allows it", service.name);
    if (task.definition != revision.definition) stage_.fail(2, "task {} has another definition than its deployment", id);
    for (const auto& pinned : revision.digests)
        for (const auto& container : task.containers)
            if (container.name.view() == pinned.key && container.pinned_digest != pinned.value)
                stage_.fail(2, "container {} of task {} is not of its deployment's digest", pinned.key, id);
}

// Invariant 3: what we stop ourselves leaves enough of those that serve.
void ServicesOracle::stopped_by_scheduler(const Task& before, const Task& task)
{
    const auto at = services_.find(task.service);
    if (at == services_.end() || !before.ready()) return;
    const Service& service = at->second;
    const bool daemon = service.scheduling == Scheduling::daemon;
    // Longer than can be asked for: the clock was set back meanwhile.
    const bool kept = before.protected_until > task.stopping_at && before.protected_until - task.stopping_at <= task_protection_max;
    if (!daemon && kept && task.stopped_reason.view().starts_with("Scaling activity")) stage_.fail(3, "task {} is protected from scale-in and stopped for it", to_text(task.id));
    if (daemon && !belongs(task)) return;           // a DAEMON's task has nothing to do there any more
    int ready = 0;
    for (const auto& [other, committed] : oracle_.tasks())
        ready += committed.task.service == task.service && committed.task.ready() && (!daemon || belongs(committed.task));
    if (const int least = least_ready(desired_of(service), service.rules.minimum_percent); ready < least)
        stage_.fail(3, "service {} desires {}, minimumHealthyPercent {}, and stops one that leaves {}", service.name, desired_of(service),
                    service.rules.minimum_percent, ready);
}

void ServicesOracle::settled(const Task& task)
{
    if (task.live()) return stage_.fail(4, "the end of task {} is counted and it lives", to_text(task.id));
    const RevisionKey key{task.service, task.revision};
    if (!revisions_.contains(key)) return;
    Failures& failures = failures_[key];
    failures.never_ran += never_ran(task);
    failures.counted += never_ran(task) || failed_checks(task);
}

void ServicesOracle::group_over()
{
    for (const auto& [key, seen] : std::exchange(failures_, {}))
        if (seen.counted > 0) stage_.fail(4, "{} tasks of {} have failed and nobody counts them", seen.counted, deployment_id(key.number));
}

}  // namespace boxship::sim
