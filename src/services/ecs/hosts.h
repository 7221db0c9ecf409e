// What agents may do: speak for their own instances, and nothing else. And the end of a task's reservations.
#pragma once

#include "services/ecs/rows.h"

namespace boxship::services::ecs {

// A host speaks for the instances that its identity registered; the account's owner for all.
Result<> may_speak_for(const Call& call, const model::Instance& instance);

// Puts a task that may have become STOPPED: then its network interface is released.
void put_task(Txn& txn, model::Task task);

// Takes an instance out for good. What runs on it is lost with it: its tasks end here and now, because no report will come.
void deregister(Txn& txn, const model::Instance& instance, Time now);

}  // namespace boxship::services::ecs
