// Keeps every service's promise: as many tasks as desired, of the newest revision. Plans with decide/service, places and
// makes the tasks.
#pragma once

#include "control/loop.h"

namespace boxship::control {

class Services {
public:
    // `fargate_overcommit`: of CPU on Fargate hosts, as RunTask counts it.
    Services(state::Store& store, double fargate_overcommit);

    void follow();  // before the store's load()
    void start();   // after it

private:
    void heard(const state::Change& change);
    void freed(const ClusterId& cluster, bool fargate);
    void instance_changed(const model::Instance* before, const model::Instance& after);
    void tasks_changed(const model::Task* before, const model::Task& after);
    void touch_all();

    state::Store& store_;
    Loop<ServiceId> loop_;
};

}  // namespace boxship::control
