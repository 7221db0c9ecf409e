// The OCI runtime as the monitor's child: in the container's cgroups from its first instruction.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/monitor/options.h"

namespace boxship::runtime {

// Descriptors 0, 1 and 2 of the child; the container inherits them unless it has a terminal.
struct ChildFds {
    int in = -1;
    int out = -1;
    int err = -1;
};

HostResult<pid_t> launch_oci(const MonitorOptions& options, ChildFds fds);

// Into cgroups, for the calling process. v1: writing "0" to `tasks` moves one thread without waiting for the
// kernel's other processors, which `cgroup.procs` may do for milliseconds.
HostResult<> join_cgroups(const std::vector<std::string>& files);

// A mount namespace of the caller's own in which a hybrid hierarchy's v2 side is not seen: crun refuses to work beside
// controllers there, even when it is told to leave cgroups alone.
HostResult<> hide_unified_cgroups();

}  // namespace boxship::runtime
