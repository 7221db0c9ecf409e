// Ending tasks and the platform, for `down` and for Ctrl-C of `up`; and the sizes of simulated hosts.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "bin/api_client.h"

namespace boxship::bin {

// Marks the platform suspended, so that nothing is replaced and nothing counts as failed, asks every task to stop, and
// waits until the last is STOPPED. Shows how many are left on a terminal.
HostResult<> stop_tasks(ApiClient& api, Milliseconds timeout);

struct InstanceType {
    const char* name;
    int cpu;     // CPU units
    int memory;  // MiB that the ECS agent registers of that type
};
const InstanceType* find_instance_type(const std::string& name);
std::string instance_type_names();

}  // namespace boxship::bin
