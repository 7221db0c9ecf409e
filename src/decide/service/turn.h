// One look at a service, shared by the files of this folder: the rows as they will be, and what changed of them.
#pragma once

#include <map>

#include "decide/service/scale_in.h"
#include "decide/service/service.h"

namespace boxship::decide {

constexpr int stops_max = 25, starts_max = 25, settled_max = 30;   // together below a turn's writes
constexpr int moves_max = 10;                                       // between zones, at a time

struct Turn {
    Turn(const state::View& the_view, const model::Service& row, Time the_now) : view(the_view), now(the_now), service(row) {}

    const state::View& view;
    const Time now;
    model::Service service;
    std::map<std::int64_t, model::ServiceRevision> revisions;      // those that were looked at
    std::optional<model::ServiceDeployment> deployment;            // the newest, as long as it is not over
    ServicePlan plan;
    bool service_changed = false, deployment_changed = false;
    std::map<std::int64_t, bool> revision_changed;

    // nullptr when it is not there (any more).
    model::ServiceRevision* revision(std::int64_t number);
    model::ServiceRevision& primary() { return *revision(service.primary); }
    void changed(model::ServiceRevision& row)
    {
        row.updated_at = now;
        revision_changed[row.id.number] = true;
    }
    void changed_deployment()
    {
        deployment->updated_at = now;
        deployment_changed = true;
    }
    void settle_complaint()                                         // it waits for no room any more
    {
        if (service.complaint.empty()) return;
        service.complaint.clear();
        service_changed = true;
    }
    void tell(std::string event) { plan.events.push_back(std::move(event)); }
    void wake(Time at) { if (!plan.wake_at || at < *plan.wake_at) plan.wake_at = at; }
    bool throttled();                                               // no task may start yet; it wakes when one may
    bool is_protected(const model::Task& task);                     // from scale-in; it wakes when that ends
    bool in_grace(const model::Task& task);                         // its health does not count yet; it wakes when it does
    bool stop(const model::Task& task, std::string_view reason);    // false: it is asked to stop already, or the turn is full
    ServicePlan take();
};

// Why an unhealthy task is stopped.
struct Ailment {
    std::string reason, event;
};
Ailment ailment_of(const Turn& turn, const model::Task& task);

// settle.cpp: conclusions from tasks that ended. False: some are left, as the turn is full or they have a target to leave.
bool settle(Turn& turn);
void pin_digests(Turn& turn);
bool forgets_failures(Turn& turn);          // the primary has some to forget; one that has failed keeps its count
void forget_failures(Turn& turn);           // what works now has not failed

// rollout.cpp: how a deployment goes on and ends.
void begin_deployment(Turn& turn);
void trip(Turn& turn);                      // the circuit breaker and the alarms, when there is reason
void complete(Turn& turn);                  // all is as it should be

// replica.cpp, daemon.cpp: what to start and to stop. True when the service is as it should be.
bool plan_replica(Turn& turn);
bool plan_daemon(Turn& turn);

// zones.cpp: a steady REPLICA service whose tasks are spread unevenly. True while something is to move.
bool rebalance(Turn& turn);
// How many of the tasks beyond the desired count are there to take another's place.
int moves_under_way(Turn& turn, int surplus);
// Which tasks can end, now that those which take their places serve.
std::vector<TaskPtr> who_makes_way(Turn& turn, int moving);

}  // namespace boxship::decide
