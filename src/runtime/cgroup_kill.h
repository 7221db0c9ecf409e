// The end of everything in a cgroup, whatever forks meanwhile (after which a v1 cgroup of pids forbids forks). Free of heavy dependencies: the monitor uses it too.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace boxship::runtime {

// `directory` is a cgroup of v2, or of any v1 hierarchy (that of pids is best: forking is stopped first). Sends
// SIGKILL to all its processes and waits until they are gone. No such cgroup: fine. ETIMEDOUT: some would not die
// (stuck in the kernel).
HostResult<> kill_cgroup(const std::string& directory, Milliseconds patience = Milliseconds(5000));

// The same without waiting.
void kill_cgroup_now(const std::string& directory);

}  // namespace boxship::runtime
