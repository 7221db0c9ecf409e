// Keeps the tasks of services in their target groups, and tells tasks' rows what their load balancers say of them. Only what
// changed is looked at, task by task, so a service with many tasks costs no more than one with few.
#pragma once

#include <map>
#include <set>

#include "control/loop.h"

namespace boxship::control {

class Balance {
public:
    explicit Balance(state::Store& store);

    void follow();  // before the store's load()
    void start();   // after it

private:
    std::optional<Time> turn(state::Txn& txn, const ServiceId& id, Time now);
    void heard(const state::Change& change);
    void target_changed(const model::TargetKey& key);
    void look_at(const model::Task& task);
    void look_at_all_of(const ServiceId& id);
    void look_at_all();

    state::Store& store_;
    Loop<ServiceId> loop_;
    std::map<ServiceId, std::set<TaskId>> waiting_;     // to be looked at
};

}  // namespace boxship::control
