// This program, its companion, and what the host they run on can do.
#pragma once

#include <string>

#include "runtime/host_profile.h"

namespace boxship::bin {

std::string own_program();      // absolute
std::string monitor_program();  // boxship-monitor, beside it

// With a trial container, in a directory of its own that is gone afterwards. Root only; 30 to 200 ms.
runtime::HostProfile probe_this_host();

}  // namespace boxship::bin
