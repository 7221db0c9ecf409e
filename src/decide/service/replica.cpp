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
constexpr const char* reason_draining = "Service scheduler stopped the task: its container instance is draining.";

struct Numbers {
    int desired = 0, least = 0, most = 0;
    int live = 0;       // of all revisions, to their very end
    int ready = 0;      // of all revisions, but for those that this turn stops
    int good = 0;       // wanted, of the primary, and to stay
};

// Tasks of the primary that are to go, by why. Older ones may be many: they are only counted.
struct Leaving {
    std::vector<TaskPtr> unhealthy, drained;
    bool empty() const { return unhealthy.empty() && drained.empty(); }
};

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
                if (counts.wanted > 0) older_revisions_.push_back({service_.id, number});
            }
        }
    }

    bool decide()
    {
        look_for_leaving();
        // A failed deployment leaves things as they are; that of a service that is deleted goes with it.
        const bool stuck = service_.status == model::ServiceStatus::active && turn_.primary().rollout == model::RolloutState::failed && !mutant("service: a failed deployment goes on");
        const int missing = numbers_.desired - numbers_.good;
        if (stuck) end_older_beyond(std::min(numbers_.good, numbers_.desired) + older_ - numbers_.desired);
        const int moving = moves_under_way(turn_, -missing);
        if (-missing > moving) scale_in(-missing - moving);
        else if (moving > 0) make_way(moving);
        if (missing > 0 && !stuck) start(missing);
        if (!leaving_.empty() || (older_ > 0 && !stuck)) replace(stuck ? 0 : missing, stuck);
        report_stops();
        const auto& primary = turn_.view.counts(turn_.primary().id);
        const bool as_desired = missing == 0 && others_ == 0 && leaving_.empty() && primary.live == numbers_.desired && primary.ready == numbers_.desired;
        // A service at rest may still wait for room in another zone.
        if (missing <= 0 && !as_desired) {
            if (kept_ && stopped_.empty()) turn_.service_changed |= complain(turn_.service, say::cannot_scale_in(service_), turn_.plan.events, turn_.now);
            else turn_.settle_complaint();
        }
        return as_desired;
    }

private:
    void look_for_leaving()
    {
        if (unhealthy_)
            each_idle(turn_.view, turn_.primary().id, [&](TaskPtr task) {
                if (!task->unhealthy() || turn_.in_grace(*task)) return true;
                --numbers_.good;
                leaving_.unhealthy.push_back(std::move(task));
                return true;
            });
        turn_.view.visit<state::DrainingInstances>(service_.cluster, [&](const InstanceId& instance) {
            turn_.view.visit<state::TasksByInstance>(instance, [&](const TaskId& id) {
                auto task = turn_.view.get<model::Task>(id);
                if (!task->wanted || task->service != service_.id || task->revision != service_.primary || task->unhealthy()) return true;
                --numbers_.good;
                leaving_.drained.push_back(std::move(task));
                return true;
            });
            return true;
        });
    }

    // There are more tasks than are desired: whom to do without.
    void scale_in(int count)
    {
        if (numbers_.desired == 0 && leaving_.empty()) return scale_to_nothing();
        Candidates candidates{.revisions = {turn_.primary().id}, .apart = leaving_.unhealthy, .may_stop = unprotected()};
        candidates.apart.insert(candidates.apart.end(), leaving_.drained.begin(), leaving_.drained.end());
        const auto chosen = whom_to_stop(turn_.view, service_, candidates, std::min(count, stops_max));
        kept_ = static_cast<int>(chosen.size()) < std::min(count, stops_max);
        for (const auto& task : chosen) {
            // One that is protected may be there and not serve: then the others must.
            if (task->ready() && numbers_.ready <= numbers_.least) continue;
            if (!end(*task, deployment_reason())) break;
        }
        if (count > stops_max && !stopped_.empty()) turn_.wake(turn_.now);
    }

    // Which of them first does not matter; that no turn looks at all of them does.
    void scale_to_nothing()
    {
        std::vector<TaskPtr> some;
        each_wanted(turn_.view, turn_.primary().id, [&](TaskPtr task) {
            if (!turn_.is_protected(*task)) some.push_back(std::move(task));
            return static_cast<int>(some.size()) <= stops_max;
        });
        kept_ = some.empty();
        for (const auto& task : some)
            if (!end(*task, deployment_reason())) break;
    }

    // Nothing takes the places of the older tasks of a deployment that has failed; but there are no more than are desired.
    void end_older_beyond(int excess)
    {
        if (excess <= 0 || older_ == 0) return;
        const Candidates candidates{.revisions = older_revisions_, .may_stop = unprotected()};
        for (const auto& task : whom_to_stop(turn_.view, service_, candidates, std::min(excess, stops_max))) {
            if (task->ready() && numbers_.ready <= numbers_.least) continue;
            end(*task, deployment_reason());
        }
        if (excess > stops_max && !stopped_.empty()) turn_.wake(turn_.now);
    }

    void make_way(int moving)
    {
        std::map<Text, std::vector<TaskId>> by_zone;
        for (const auto& task : who_makes_way(turn_, moving))
            if (turn_.stop(*task, deployment_reason())) {
                by_zone[task->zone].push_back(task->id);
                numbers_.ready -= task->ready();
            }
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
        Candidates serving{.serving = true, .may_stop = unprotected()};
        if (!stuck) serving.revisions = older_revisions_;
        for (const auto& revision : serving.revisions)
            each_idle(turn_.view, revision, [&](const TaskPtr& task) { return turn_.is_protected(*task) || end(*task, deployment_reason()); });
        for (auto& task : leaving_.drained) {
            if (task->ready()) serving.others.push_back(std::move(task));
            else end(*task, reason_draining);
        }
        int spare = numbers_.ready - (crowded ? numbers_.least : numbers_.desired);
        // More than there may be (the desired count has fallen): down, as far as the minimum allows.
        if (numbers_.live > numbers_.most)
            spare = std::max(spare, std::min(numbers_.ready - numbers_.least, numbers_.live - numbers_.most - going()));
        if (mutant("service: minimumHealthyPercent is not looked at")) spare = numbers_.ready;
        const auto chosen = whom_to_stop(turn_.view, service_, serving, std::min(spare, stops_max));
        for (const auto& task : chosen)
            if (!end(*task, task->revision == service_.primary ? reason_draining : deployment_reason())) break;
        if (static_cast<int>(chosen.size()) == stops_max) turn_.wake(turn_.now);
        kept_ |= !serving.revisions.empty() && spare > 0 && chosen.empty();
        if (chosen.empty() && missing > 0) tell_when_stuck(serving);
    }

    // Neither may one start nor one stop, for no other reason than the percentages.
    void tell_when_stuck(const Candidates& serving)
    {
        if (turn_.plan.starts > 0) return;
        if (numbers_.most > numbers_.desired || numbers_.least < numbers_.desired || numbers_.live != numbers_.ready) return;
        if (whom_to_stop(turn_.view, service_, serving, 1).empty()) return;
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
        numbers_.ready -= task.ready();
        return true;
    }

    void end_unhealthy(const model::Task& task)
    {
        auto [reason, event] = ailment_of(turn_, task);
        if (end(task, reason) && !event.empty()) turn_.tell(std::move(event));
    }

    void report_stops()
    {
        if (!stopped_.empty()) turn_.tell(say::stopped(service_, stopped_));
    }

    std::function<bool(const model::Task&)> unprotected() const
    {
        return [this](const model::Task& task) { return !turn_.is_protected(task); };
    }
    std::string deployment_reason() const { return fmt::format(reason_deployment, model::deployment_id(service_.primary)); }

    Turn& turn_;
    const model::Service& service_;
    Numbers numbers_;
    Leaving leaving_;
    std::vector<model::RevisionKey> older_revisions_;        // with tasks that are not asked to stop
    std::vector<TaskId> stopped_;
    int others_ = 0, older_ = 0;
    bool unhealthy_ = false, room_for_all_ = true;
    bool kept_ = false;     // fewer may end than are to: the others are protected
};

}  // namespace

bool plan_replica(Turn& turn) { return Replica(turn).decide(); }

}  // namespace boxship::decide
