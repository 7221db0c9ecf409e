// Ending tasks and the platform, for `down` and for Ctrl-C of `up`.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "bin/api_client.h"

namespace boxship::bin {

// Marks the platform suspended, so that nothing is replaced and nothing counts as failed, asks every task to stop, and
// waits until the last is STOPPED. Shows how many are left on a terminal.
HostResult<> stop_tasks(ApiClient& api, Milliseconds timeout);

}  // namespace boxship::bin
