// Act two of services. Invariant 13: every one is steady, or failed, or cannot be for a reason that is looked into here.
#include "decide/placement/placement.h"
#include "decide/service/service.h"
#include "sim/world.h"

namespace boxship::sim {

namespace {

struct Standing {
    int live = 0, ready = 0, good = 0, older_ready = 0;     // good: ready, of the primary, and may stay where it is
    std::set<InstanceId> taken;
};

Standing standing_of(const Oracle& oracle, const model::Service& service)
{
    Standing standing;
    for (const auto& [id, committed] : oracle.tasks()) {
        const auto& task = committed.task;
        if (task.service != service.id || !task.live()) continue;
        const auto instance = oracle.instances().find(task.instance);
        const bool stays = instance != oracle.instances().end() && instance->second.status == model::InstanceStatus::active;
        ++standing.live;
        standing.ready += task.ready();
        if (task.ready() && task.revision == service.primary && stays) ++standing.good;
        else standing.older_ready += task.ready();
        standing.taken.insert(task.instance);
    }
    return standing;
}

}  // namespace

// Whether one more task could be started now.
bool World::has_room(const model::Service& service, const std::set<InstanceId>& taken)
{
    const auto* primary = oracle_.services().primary_of(service);
    if (!server_ || primary->start_after > server_clock_.now()) return false;
    const auto view = server_->view();
    const auto launch = decide::launch_of(view, service, *primary, services::Installation().fargate_overcommit);
    if (!launch) return false;
    if (service.scheduling == model::Scheduling::replica) return decide::place(view, decide::placement_of(view, service, *launch), idle_ids_).instance != nullptr;
    for (const auto& instance : view.all<state::InstancesByCluster>(service.cluster)) {
        if (instance->status != model::InstanceStatus::active || instance->fargate || taken.contains(instance->id)) continue;
        if (decide::obstacle(view, *instance, launch->need).reason.empty()) return true;
    }
    return false;
}

// Whether a task could move to a zone that has fewer.
bool World::is_uneven(const model::Service& service)
{
    const auto* primary = oracle_.services().primary_of(service);
    if (!service.rebalance || !server_ || ServicesOracle::most_there(service.desired, service.rules.maximum_percent) <= service.desired) return false;
    std::map<std::string, int> tasks;
    int most = 0;
    for (const auto& [id, committed] : oracle_.tasks())
        if (committed.task.service == service.id && committed.task.live()) most = std::max(most, ++tasks[committed.task.zone.str()]);
    const auto view = server_->view();
    const auto launch = decide::launch_of(view, service, *primary, services::Installation().fargate_overcommit);
    if (!launch) return false;
    for (const char* zone : {"us-east-1a", "us-east-1b", "us-east-1c"}) {
        if (most - tasks[zone] < 2) continue;
        decide::Launch there = *launch;
        std::erase_if(there.subnets, [&](const auto& subnet) { return subnet->zone != zone; });
        if (there.subnets.empty() && !launch->subnets.empty()) continue;
        auto request = decide::placement_of(view, service, there);
        if (service.launch_type != model::LaunchType::fargate) request.need.zones = {zone};
        if (decide::place(view, request, idle_ids_).instance) return true;
    }
    return false;
}

std::string World::unsteady_service(const model::Service& service)
{
    const auto& services = oracle_.services();
    const auto* primary = services.primary_of(service);
    if (service.status == model::ServiceStatus::draining) return "service " + service.name + " is still being deleted";
    if (!primary) return "service " + service.name + " has no primary deployment";
    const auto deployment = services.deployments().find(service.deployment);
    const bool over = deployment != services.deployments().end() && model::is_over(deployment->second.status);
    const Standing standing = standing_of(oracle_, service);
    const int desired = services.desired_of(service);
    std::string counts = fmt::format("service {} ({}-{} %, {} {}) desires {} and has {}, {} of them ready, {} as they should be", service.name,
                                     service.rules.minimum_percent, service.rules.maximum_percent, last_part(primary->definition_arn),
                                     model::to_text(primary->rollout), desired, standing.live, standing.ready, standing.good);
    for (const auto& [id, committed] : oracle_.tasks())
        if (const auto& task = committed.task; task.service == service.id && task.live())
            counts += fmt::format(", {} of {} {}{} {}", to_text(id).substr(0, 6), task.revision % 1'000'000, to_text(task.status), task.wanted ? "" : " to stop",
                                  model::to_text(task.health()));
    if (primary->rollout == model::RolloutState::failed) {
        if (standing.older_ready > 0 && standing.older_ready + standing.good > desired) return counts + ": more than are desired of a deployment that has failed";
        return over ? "" : counts + ": it has failed and its deployment goes on";
    }
    if (standing.live == desired && standing.good == desired) {
        if (primary->rollout != model::RolloutState::completed) return counts + ", and its deployment is not completed";
        if (!over) return counts + ", and its deployment goes on";
        if (!service.steady || (!service.complaint.empty() && !service.rebalancing)) return counts + ", and it says: " + service.complaint;
        if (is_uneven(service)) return counts + ", and could be spread more evenly over zones";
        return "";
    }
    // Why not? Nothing may be under way, and what makes room is stopped as far as it may.
    const int least = ServicesOracle::least_ready(desired, service.rules.minimum_percent);
    const int most = ServicesOracle::most_there(desired, service.rules.maximum_percent);
    if (standing.live != standing.ready) return counts;
    if (service.complaint.empty()) return counts + " and does not say why";
    if (standing.good > desired) return counts + ": too many";
    if (standing.older_ready > 0 && standing.ready > least) return counts + ", and could make room";
    // A throttle may be half an hour long; one that ends while the checks at rest are made is waited for.
    constexpr Milliseconds soon{30'000};
    if (const Time now = server_clock_.now(); primary->start_after > now && primary->start_after <= now + soon) return counts + ", and starts one soon";
    const bool full = service.scheduling == model::Scheduling::replica && standing.live >= most;
    if (full || !has_room(service, standing.taken)) {
        roomy_since_.erase(service.id);
        return "";
    }
    // It hears of room at once, and not only when a host connects again after half an hour.
    const Time since = roomy_since_.emplace(service.id, stage_.timeline.now()).first->second;
    if (stage_.timeline.now() - since > Milliseconds(120'000)) stage_.fail(13, "{}, and there has been room for more for two minutes", counts);
    return counts + ", and there is room for more";
}

std::string World::unsteady_services()
{
    for (const auto& rollouts : rollouts_)
        if (std::string repaired = rollouts->repair(); !repaired.empty()) return repaired;
    // What ends by itself makes room when it does.
    for (const auto& [id, committed] : oracle_.tasks()) {
        const auto& task = committed.task;
        const auto revision = oracle_.services().revisions().find({task.service, task.revision});
        std::string family = std::string(task.group.view().substr(task.group.view().find(':') + 1));
        if (task.service && revision != oracle_.services().revisions().end()) family = family_of(revision->second.definition_arn);
        const Kind* kind = kind_of(family);
        if (!task.live() || !kind) continue;
        if (kind->fate == Fate::ends) return "task " + to_text(id) + " is yet to end";
        // Nobody replaces it, but what it still does changes rows.
        const bool given_up = task.service && revision != oracle_.services().revisions().end() && revision->second.rollout == model::RolloutState::failed;
        if (kind->fate == Fate::fails && given_up && task.health() == model::Health::unknown) return "task " + to_text(id) + " is yet to fail";
        const auto service = oracle_.services().services().find(task.service);
        if (service == oracle_.services().services().end() || !task.unhealthy()) continue;
        const auto grace = std::chrono::seconds(service->second.grace_seconds.value_or(0));
        if (task.started_at && task.started_at + grace > server_clock_.now()) return "task " + to_text(id) + " is sick in its grace period";
    }
    for (const auto& [id, service] : oracle_.services().services()) {
        if (service.status == model::ServiceStatus::inactive) continue;
        if (std::string unsteady = unsteady_service(service); !unsteady.empty()) return unsteady;
    }
    return "";
}

// Invariants 14 and 15, while there are services: a look too many changes nothing, nor does a server that knows nothing but
// what it has read.
void World::check_services_at_rest()
{
    if (rollouts_.empty()) return;
    const auto rows = [this] {
        std::map<std::string, std::string> rows;
        for (const auto& [id, committed] : oracle_.tasks())
            if (committed.task.service) rows["task " + to_text(id)] = committed.bytes;
        for (const auto& [id, row] : oracle_.services().services()) {
            // Without its hosts it says in other words why it waits.
            model::Service silent = row;
            silent.complaint.clear();
            silent.complained_at = {};
            silent.events = 0;
            rows["service " + row.name + " " + to_text(id)] = model::encode(silent);
        }
        for (const auto& [id, row] : oracle_.services().revisions()) rows[model::deployment_id(id.number)] = model::encode(row);
        for (const auto& [id, row] : oracle_.services().deployments()) rows["deployment " + to_text(id)] = model::encode(row);
        return rows;
    };
    const auto never = [] { return false; };
    auto before = rows();
    server_->full_pass();
    advance(Milliseconds(50), never);
    const auto compare = [&](int invariant, const char* who) {
        const auto after = rows();
        for (const auto& [name, bytes] : after)
            if (const auto at = before.find(name); at == before.end() || at->second != bytes) return stage_.fail(invariant, "{} changes {}", who, name);
    };
    compare(14, "one more pass over every key");
    if (over()) return;
    before = rows();
    const auto hosts = oracle_.instances().size();
    kill_server(Milliseconds(100));
    advance(Milliseconds(20'000), never);
    if (over()) return;
    // A host that was deregistered by force registers anew within the hour: if it is now, there is room where there was none.
    if (oracle_.instances().size() != hosts) return;
    if (!server_ || !server_->ready()) return stage_.fail(15, "a fresh server does not start");
    compare(15, "a fresh server");
}

// Nothing is registered any more, once everybody has deregistered what was theirs. When they are forgotten is the clock's business.
std::string World::unsteady_targets() const
{
    if (balancing_ && !balancing_->idle()) return balancing_->doing();
    for (const auto& [key, target] : oracle_.targets())
        if (!target.draining() || !target.drained) return "the target " + key.id + " is still in use";
    return "";
}

// Of a service that is deleted nothing is left.
void World::delete_services()
{
    for (const auto& rollouts : rollouts_) rollouts->delete_all();
    wait_for("the services are deleted", Milliseconds(15 * 60'000), [this] {
        for (const auto& rollouts : rollouts_)
            if (!rollouts->idle()) return rollouts->doing();
        for (const auto& [id, service] : oracle_.services().services())
            if (service.status != model::ServiceStatus::inactive) return "service " + service.name + " is " + model::to_text(service.status);
        for (const auto& [id, committed] : oracle_.tasks())
            if (committed.task.service && committed.task.live()) return "task " + to_text(id) + " of a service that is deleted is " + to_text(committed.task.status);
        return std::string();
    });
}

}  // namespace boxship::sim
