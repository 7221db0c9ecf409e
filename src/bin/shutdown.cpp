#include "bin/shutdown.h"

#include <unistd.h>

#include <cstdio>
#include <thread>

#include <fmt/format.h>

namespace boxship::bin {

using shape::Json;

HostResult<> stop_tasks(ApiClient& api, Milliseconds timeout)
{
    RETURN_IF_ERROR(api.own("Suspend", Json::object({{"reason", "The platform was shut down (boxship down)."}})));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const bool terminal = ::isatty(STDERR_FILENO);
    for (;;) {
        ASSIGN_OR_RETURN(const Json status, api.own("Status", Json::object()));
        const auto left = status.get_int64("liveTasks");
        if (terminal) fmt::print(stderr, "\r{} task{} left to stop \x1b[K", left, left == 1 ? "" : "s");
        if (left == 0) break;
        if (std::chrono::steady_clock::now() > deadline)
            return HostError{fmt::format("{} tasks did not stop in time; their hosts' logs say why (boxship status names them)", left)};
        std::this_thread::sleep_for(Milliseconds(50));
    }
    if (terminal) fmt::print(stderr, "\r\x1b[K");
    return {};
}

}  // namespace boxship::bin
