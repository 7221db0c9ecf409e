// What agents tell of their containers' health checks.
#pragma once

#include "shape/json_value.h"
#include "state/txn.h"

namespace boxship::drive {

// One task of a PublishHealthRequest of that instance's agent. Nothing is written while nothing changes.
void note_health(state::Txn& txn, const InstanceId& instance, const shape::Json& entry);

}  // namespace boxship::drive
