#include "bin/shutdown.h"

#include <unistd.h>

#include <cstdio>
#include <thread>

#include <fmt/format.h>

namespace boxship::bin {

using shape::Json;

namespace {

// A server that has just died is started again at once.
HostResult<Json> ask(ApiClient& api, const char* operation, const Json& request)
{
    constexpr Milliseconds patience{5000}, pause{100};
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto answer = api.own(operation, request);
        if (answer.ok() || std::chrono::steady_clock::now() > deadline) return answer;
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace

HostResult<> stop_tasks(ApiClient& api, Milliseconds timeout)
{
    RETURN_IF_ERROR(ask(api, "Suspend", Json::object({{"reason", "The platform was shut down (boxship down)."}})));
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    const bool terminal = ::isatty(STDERR_FILENO);
    for (;;) {
        ASSIGN_OR_RETURN(const Json status, ask(api, "Status", Json::object()));
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
