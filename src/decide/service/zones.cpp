// A service whose tasks are spread unevenly over Availability Zones moves them: one more starts in the zone that has the
// fewest, and when it serves one ends in the zone that has the most. There are never fewer tasks than desired, and never
// more than maximumPercent.
#include <algorithm>
#include <map>
#include <set>

#include "base/mutant.h"
#include "decide/placement/placement.h"
#include "decide/placement/score.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"

namespace boxship::decide {
namespace {

using Counts = std::map<Text, int>;

constexpr int uneven = 2;     // so many tasks more than elsewhere: one less does not help

class Moves {
public:
    explicit Moves(Turn& turn) : turn_(turn), counts_(turn.view.counts(turn.primary().id).zones)
    {
        for (const auto& zone : zones_in_reach()) {
            open_.insert(zone);
            counts_.emplace(zone, 0);
        }
    }

    const Counts& counts() const { return counts_; }
    // Into which zones, one entry a task.
    std::vector<Text> plan(int room)
    {
        std::vector<Text> into;
        Counts counts = counts_;
        while (static_cast<int>(into.size()) < room && !open_.empty()) {
            const int most = std::ranges::max_element(counts, {}, &Counts::value_type::second)->second;
            const Text fewest = where_to(counts, most - uneven);
            if (fewest.empty()) break;
            const auto fullest = fullest_that_may_shrink(counts);
            blocked_ = fullest == counts.end() || fullest->second - counts.at(fewest) < uneven;
            if (blocked_) break;
            --fullest->second;
            --movable_->at(fullest->first);
            ++counts.at(fewest);
            into.push_back(fewest);
        }
        return into;
    }
    // There would be something to move, if it were not protected from scale-in.
    bool blocked() const { return blocked_; }

private:
    enum class Room { never, full, some };

    // The zone with the fewest tasks, of those that have no more than `at_most`: one with room now if there is one, else
    // one that must be waited for; "" when there is none.
    Text where_to(const Counts& counts, int at_most)
    {
        std::vector<Text> zones;
        for (const auto& zone : open_)
            if (counts.at(zone) <= at_most) zones.push_back(zone);
        std::ranges::stable_sort(zones, {}, [&](const Text& zone) { return counts.at(zone); });
        Text full;
        for (const auto& zone : zones) {
            const Room room = room_in(zone);
            if (room == Room::some) return zone;
            if (room == Room::full && full.empty()) full = zone;
            if (room == Room::never) {
                open_.erase(zone);
                if (counts_.at(zone) == 0) counts_.erase(zone);
            }
        }
        return full;
    }

    std::set<Text> zones_in_reach() const
    {
        std::set<Text> zones;
        for (const auto& id : turn_.primary().subnets)
            if (const auto subnet = turn_.view.get<model::Subnet>(id)) zones.insert(subnet->zone);
        if (turn_.service.launch_type == model::LaunchType::fargate) return zones;
        std::set<Text> with_instances;
        for (const auto& [zone, instances] : turn_.view.counts(turn_.service.cluster).zones)
            if (!zone.empty() && (turn_.primary().subnets.empty() || zones.contains(zone))) with_instances.insert(zone);
        return with_instances;
    }

    // Whether an instance there could run a task of it, and could now.
    Room room_in(const Text& zone)
    {
        if (turn_.service.launch_type == model::LaunchType::fargate) return Room::some;
        if (const auto known = rooms_.find(zone); known != rooms_.end()) return known->second;
        Room& room = rooms_[zone] = Room::never;
        if (!request_) {
            const auto launch = launch_of(turn_.view, turn_.service, turn_.primary(), 1);
            if (!launch) return room;
            request_ = placement_of(turn_.view, turn_.service, *launch);
        }
        turn_.view.visit<state::InstancesByCluster>(turn_.service.cluster, [&](const InstanceId& id) {
            const auto instance = turn_.view.get<model::Instance>(id);
            if (zone != instance->zone || !is_candidate(*instance, *request_)) return true;
            if (!fixed_obstacle(*instance, *request_, nullptr).empty() && !will_take_tasks(*instance)) return true;
            room = obstacle(turn_.view, *instance, *request_).reason.empty() ? Room::some : Room::full;
            return room == Room::full;
        });
        return room;
    }

    // What waits for room does not give up because an agent is away for a moment, as all are when the server starts.
    bool will_take_tasks(const model::Instance& instance) const
    {
        if (instance.agent_connected || !turn_.service.rebalancing) return false;
        model::Instance present = instance;
        present.agent_connected = true;
        return fixed_obstacle(present, *request_, nullptr).empty();
    }

    Counts::iterator fullest_that_may_shrink(Counts& counts)
    {
        if (!movable_) {
            movable_.emplace();
            each_wanted(turn_.view, turn_.primary().id, [&](const TaskPtr& task) {
                if (turn_.is_protected(*task)) return true;
                ++(*movable_)[task->zone];
                return true;
            });
        }
        auto fullest = counts.end();
        for (auto at = counts.begin(); at != counts.end(); ++at)
            if (const auto found = movable_->find(at->first); found != movable_->end() && found->second > 0 && (fullest == counts.end() || at->second > fullest->second))
                fullest = at;
        return fullest;
    }

    Turn& turn_;
    Counts counts_;
    std::set<Text> open_;
    std::map<Text, Room> rooms_;
    std::optional<PlacementRequest> request_;
    std::optional<Counts> movable_;          // those that are not protected
    bool blocked_ = false;
};

bool may_rebalance(Turn& turn)
{
    return turn.service.rebalance && turn.service.status == model::ServiceStatus::active && turn.primary().rollout == model::RolloutState::completed;
}

}  // namespace

bool Turn::is_protected(const model::Task& task)
{
    if (mutant("zones: protection is not looked at")) return false;
    // Longer than can be asked for: the clock was set back meanwhile.
    if (task.protected_until <= now || task.protected_until - now > model::task_protection_max) return false;
    wake(task.protected_until);
    return true;
}

bool rebalance(Turn& turn)
{
    model::Service& service = turn.service;
    if (!may_rebalance(turn)) return false;
    const int most = mutant("zones: maximumPercent is not looked at") ? 2 * service.desired : most_live(service.desired, service.rules.maximum_percent);
    const int room = std::min(most - service.desired, moves_max);
    Moves moves(turn);
    auto into = moves.plan(room);
    if (into.empty() && !moves.blocked()) {
        if (service.rebalancing) {
            service.rebalancing = false;
            turn.service_changed = true;
            turn.tell(room > 0 ? say::zones_even(service, moves.counts()) : say::zones_given_up(service));
        }
        return false;
    }
    if (!service.rebalancing) {
        service.rebalancing = true;
        turn.service_changed = true;
        turn.tell(say::zones_uneven(service, moves.counts()));
    }
    if (into.empty()) turn.service_changed |= complain(service, say::cannot_move(service), turn.plan.events, turn.now);
    else if (!turn.throttled()) turn.plan.start_in = std::move(into);
    return true;
}

int moves_under_way(Turn& turn, int surplus)
{
    model::Service& service = turn.service;
    const bool may = may_rebalance(turn);
    if (service.rebalancing && !may) {
        service.rebalancing = false;
        turn.service_changed = true;
        turn.tell(say::zones_given_up(service));
    }
    const int moving = may ? std::clamp(surplus, 0, service.moving) : 0;
    if (service.moving != moving) {
        service.moving = moving;
        turn.service_changed = true;
    }
    return moving;
}

std::vector<TaskPtr> who_makes_way(Turn& turn, int moving)
{
    const auto& primary = turn.view.counts(turn.primary().id);
    const int count = mutant("zones: one makes way before the other serves") ? moving : std::min(moving, primary.ready - turn.service.desired);
    if (count <= 0) return {};
    const Candidates candidates{.revisions = {turn.primary().id}, .may_stop = [&](const model::Task& task) { return task.ready() && !turn.is_protected(task); }};
    std::vector<TaskPtr> chosen;
    Counts counts = primary.zones;
    for (auto& task : whom_to_stop(turn.view, turn.service, candidates, count)) {
        const int fewest = std::ranges::min_element(counts, {}, &Counts::value_type::second)->second;
        if (int& there = counts.at(task->zone); there > fewest) {
            --there;
            chosen.push_back(std::move(task));
        }
    }
    if (chosen.empty()) {
        // What was to make way is protected by now: then nothing moves, and what was started is one too many.
        turn.service.moving = 0;
        turn.service_changed = true;
        turn.wake(turn.now);
    }
    return chosen;
}

}  // namespace boxship::decide
