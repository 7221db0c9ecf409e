// A REPLICA service: the number of its tasks, and how newer ones take the place of older ones.
//
// maximumPercent bounds all tasks that are there, to their very end: a task that is asked to stop still holds what it holds.
// minimumHealthyPercent bounds from below the tasks that serve: RUNNING, healthy, and not asked to stop. Tasks are replaced
// (older ones, unhealthy ones, those on an instance that is drained) as new ones become healthy; only when there is no room
// to start the new ones do the old make room, down to the minimum.
#include <algorithm>

#include <fmt/format.h>

#include "base/mutant.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"

namespace boxship::decide {
namespace {

constexpr const char* reason_deployment = "Scaling activity initiated by (deployment {})";
constexpr const char* reason_unhealthy = "Task failed container health checks";
constexpr const char* reason_unwell = "Task failed ELB health checks";
constexpr const char* reason_draining = "Service scheduler stopped the task: its container instance is draining.";

struct Numbers {
    int desired = 0, least = 0, most = 0;
    int live = 0;       // of all revisions, to their very end
    int ready = 0;      // of all revisions
    int good = 0;       // wanted, of the primary, and to stay
};

// Tasks that are to go, by why.
struct Leaving {
    std::vector<TaskPtr> older, unhealthy, drained;
    bool empty() const { return older.empty() && unhealthy.empty() && drained.empty(); }
};

bool in_grace(const model::Service& service, const model::Task& task, Time now)
{
    // A start in the future: the clock was set back meanwhile, and nobody knows how much of the grace is left.
    if (!service.grace_seconds || !task.started_at || now < task.started_at) return false;
    return now < task.started_at + std::chrono::seconds(*service.grace_seconds);
}

class Replica {
public:
    explicit Replica(Turn& turn) : turn_(turn), service_(turn.service)
    {
        numbers_.desired = service_.status == model::ServiceStatus::active ? service_.desired : 0;
        numbers_.least = least_running(numbers_.desired, service_.rules.minimum_percent);
        numbers_.most = most_live(numbers_.desired, service_.rules.maximum_percent);
        if (mutant("service: maximumPercent is rounded up")) numbers_.most = least_running(numbers_.desired, service_.rules.maximum_percent);
        for (const auto& [number, counts] : turn_.view.revisions_in_use(service_.id)) {
            numbers_.live += counts.live;
            numbers_.ready += counts.ready;
            if (number == service_.primary) {
                numbers_.good = counts.wanted;
                unhealthy_ = counts.unhealthy > 0;
            } else {
                others_ += counts.live;
                older_ += counts.wanted;
            }
        }
    }

    bool decide()
    {
        draining_ = turn_.view.any<state::DrainingInstances>(service_.cluster);
        if (older_ > 0 || unhealthy_ || draining_) look_for_leaving();
        // A failed deployment leaves things as they are; that of a service that is deleted goes with it.
        const bool stuck = service_.status == model::ServiceStatus::active && turn_.primary().rollout == model::RolloutState::failed && !mutant("service: a failed deployment goes on");
        const int missing = numbers_.desired - numbers_.good;
        if (stuck) end_older_beyond(std::min(numbers_.good, numbers_.desired) + older_ - numbers_.desired);
        const int moving = moves_under_way(turn_, -missing);
        if (-missing > moving) scale_in(-missing - moving);
        else if (moving > 0) make_way(moving);
        if (missing > 0 && !stuck) start(missing);
        if (!leaving_.empty() && !(stuck && leaving_.unhealthy.empty() && leaving_.drained.empty())) replace(stuck ? 0 : missing, stuck);
        report_stops();
        const auto& primary = turn_.view.counts(turn_.primary().id);
        const bool as_desired = missing == 0 && others_ == 0 && leaving_.empty() && primary.live == numbers_.desired && primary.ready == numbers_.desired;
        // A service at rest may still wait for room in another zone.
        if (missing <= 0 && !as_desired) turn_.settle_complaint();
        return as_desired;
    }

private:
    void look_for_leaving()
    {
        for (const auto& [number, counts] : turn_.view.revisions_in_use(service_.id)) {
            if (counts.wanted == 0 || (number == service_.primary && !unhealthy_ && !draining_)) continue;
            for (auto& task : turn_.view.all<state::WantedTasks>({service_.id, number})) {
                if (number == service_.primary) look_at(std::move(task));
                else leaving_.older.push_back(std::move(task));
            }
        }
    }

    void look_at(TaskPtr task)
    {
        if (task->unhealthy()) {
            if (in_grace(service_, *task, turn_.now)) {
                turn_.wake(task->started_at + std::chrono::seconds(*service_.grace_seconds));
                return;
            }
            --numbers_.good;
            leaving_.unhealthy.push_back(std::move(task));
        } else if (draining_ && is_draining(*task)) {
            --numbers_.good;
            leaving_.drained.push_back(std::move(task));
        }
    }

    bool is_draining(const model::Task& task) const
    {
        const auto instance = turn_.view.get<model::Instance>(task.instance);
        return instance && instance->status == model::InstanceStatus::draining;
    }

    // There are more tasks than are desired: whom to do without.
    void scale_in(int count)
    {
        if (numbers_.desired == 0 && leaving_.empty()) return scale_to_nothing();
        std::vector<TaskPtr> candidates, staying;
        turn_.view.visit<state::WantedTasks>(turn_.primary().id, [&](const TaskId& id) {
            auto task = turn_.view.get<model::Task>(id);
            if (!leaves(*task)) (turn_.is_protected(*task) ? staying : candidates).push_back(std::move(task));
            return true;
        });
        for (const auto& task : whom_to_stop(turn_.view, service_, std::move(candidates), staying, std::min(count, stops_max)))
            if (static_cast<int>(stopped_.size()) == stops_max || !end(*task, deployment_reason())) break;
        if (count > stops_max && !stopped_.empty()) turn_.wake(turn_.now);
    }

    // Which of them first does not matter; that no turn looks at all of them does.
    void scale_to_nothing()
    {
        std::vector<TaskPtr> some;
        turn_.view.visit<state::WantedTasks>(turn_.primary().id, [&](const TaskId& id) {
            auto task = turn_.view.get<model::Task>(id);
            if (!turn_.is_protected(*task)) some.push_back(std::move(task));
            return static_cast<int>(some.size()) <= stops_max;
        });
        for (const auto& task : some)
            if (!end(*task, deployment_reason())) break;
    }

    bool leaves(const model::Task& task) const
    {
        for (const auto* list : {&leaving_.unhealthy, &leaving_.drained})
            if (std::ranges::any_of(*list, [&](const auto& other) { return other->id == task.id; })) return true;
        return false;
    }

    // Nothing takes the places of the older tasks of a deployment that has failed; but there are no more than are desired.
    void end_older_beyond(int excess)
    {
        int spare = numbers_.ready - numbers_.least;
        std::vector<TaskPtr> candidates, staying;
        for (const auto& task : leaving_.older) (turn_.is_protected(*task) ? staying : candidates).push_back(task);
        if (excess <= 0 || candidates.empty()) return;
        for (const auto& task : whom_to_stop(turn_.view, service_, std::move(candidates), staying, std::min(excess, stops_max))) {
            if (task->ready() && spare-- <= 0) continue;
            end(*task, deployment_reason());
        }
        if (excess > stops_max && !stopped_.empty()) turn_.wake(turn_.now);
    }

    void make_way(int moving)
    {
        std::map<Text, std::vector<TaskId>> by_zone;
        for (const auto& task : who_makes_way(turn_, moving))
            if (turn_.stop(*task, deployment_reason())) by_zone[task->zone].push_back(task->id);
        for (const auto& [zone, tasks] : by_zone) turn_.tell(say::stopped_in(service_, zone, tasks));
    }

    void start(int missing)
    {
        const int room = mutant("service: maximumPercent forgets those that stop") ? missing : numbers_.most - numbers_.live;
        room_for_all_ = room >= missing;
        const int starts = std::clamp(room, 0, missing);
        if (starts == 0) return;
        if (turn_.throttled()) return;
        turn_.plan.starts = std::min(starts, starts_max);
        if (starts > starts_max) turn_.wake(turn_.now);
    }

    void replace(int missing, bool stuck)
    {
        // What does not serve can go at once when it is old or going anyway; what is merely unwell waits for its
        // replacement as long as there is room for both.
        const bool in_rollout = turn_.primary().rollout == model::RolloutState::in_progress;
        const bool crowded = missing > 0 && (!room_for_all_ || !service_.complaint.empty());
        for (const auto& task : leaving_.unhealthy)
            if (in_rollout || stuck || crowded || numbers_.ready >= numbers_.desired) end_unhealthy(*task);
        std::vector<TaskPtr> serving;
        for (auto* list : {&leaving_.older, &leaving_.drained}) {
            if (stuck && list == &leaving_.older) continue;
            for (auto& task : *list) {
                if (turn_.is_protected(*task) && list == &leaving_.older) continue;
                if (task->ready()) serving.push_back(std::move(task));
                else end(*task, list == &leaving_.older ? deployment_reason() : reason_draining);
            }
        }
        int spare = numbers_.ready - (crowded ? numbers_.least : numbers_.desired);
        // More than there may be (the desired count has fallen): down, as far as the minimum allows.
        if (numbers_.live > numbers_.most)
            spare = std::max(spare, std::min(numbers_.ready - numbers_.least, numbers_.live - numbers_.most - going()));
        if (mutant("service: minimumHealthyPercent is not looked at")) spare = static_cast<int>(serving.size());
        const int count = std::clamp(spare, 0, static_cast<int>(serving.size()));
        if (count > 0) {
            for (const auto& task : whom_to_stop(turn_.view, service_, serving, {}, std::min(count, stops_max)))
                if (static_cast<int>(stopped_.size()) == stops_max || !end(*task, task->revision == service_.primary ? reason_draining : deployment_reason())) break;
            if (count > stops_max) turn_.wake(turn_.now);
        }
        tell_when_stuck(missing, static_cast<int>(serving.size()), count);
    }

    // Neither may one start nor one stop, for no other reason than the percentages.
    void tell_when_stuck(int missing, int serving, int stopping)
    {
        if (missing == 0 || turn_.plan.starts > 0 || stopping > 0 || serving == 0) return;
        if (numbers_.most > numbers_.desired || numbers_.least < numbers_.desired || numbers_.live != numbers_.ready) return;
        if (std::string sentence = say::stuck(service_); service_.complaint != sentence) {
            turn_.service.complaint = sentence;
            turn_.service.complained_at = turn_.now;
            turn_.service_changed = true;
            turn_.tell(std::move(sentence));
        }
    }

    int going() const { return static_cast<int>(stopped_.size()); }

    bool end(const model::Task& task, std::string_view reason)
    {
        if (going() == stops_max) {
            turn_.wake(turn_.now);
            return false;
        }
        if (!turn_.stop(task, reason)) return false;
        stopped_.push_back(task.id);
        return true;
    }

    void end_unhealthy(const model::Task& task)
    {
        const bool by_checks = task.health() == model::Health::unhealthy;
        if (end(task, by_checks ? reason_unhealthy : reason_unwell) && by_checks) turn_.tell(say::unhealthy(service_, task.id));
    }

    void report_stops()
    {
        if (!stopped_.empty()) turn_.tell(say::stopped(service_, stopped_));
    }

    std::string deployment_reason() const { return fmt::format(reason_deployment, model::deployment_id(service_.primary)); }

    Turn& turn_;
    const model::Service& service_;
    Numbers numbers_;
    Leaving leaving_;
    std::vector<TaskId> stopped_;
    int others_ = 0, older_ = 0;
    bool unhealthy_ = false, draining_ = false, room_for_all_ = true;
};

}  // namespace

bool plan_replica(Turn& turn) { return Replica(turn).decide(); }

}  // namespace boxship::decide
