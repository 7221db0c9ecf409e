// Does this OCI runtime work here? A container that does nothing is run once.
#pragma once

#include "base/result.h"
#include "runtime/host_profile.h"

namespace boxship::runtime {

// The profile names the runtime and how it is to be used.
HostResult<> try_container(const HostProfile& profile, const ProbeOptions& options);

}  // namespace boxship::runtime
