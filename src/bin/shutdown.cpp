#include "bin/shutdown.h"

#include <unistd.h>

#include <cstdio>
#include <thread>

#include <fmt/format.h>

namespace boxship::bin {
namespace {

using shape::Json;

// vCPUs × 1024; memory as the type's sheet says, less what the operating system takes before the agent counts.
constexpr InstanceType types[] = {
    {"t2.micro", 1024, 952},    {"t2.small", 1024, 1933},  {"t2.medium", 2048, 3884},  {"t3.micro", 2048, 933},
    {"t3.small", 2048, 1914},   {"t3.medium", 2048, 3837}, {"t3.large", 2048, 7763},   {"m5.large", 2048, 7680},
    {"m5.xlarge", 4096, 15650}, {"c5.large", 2048, 3686},  {"c5.xlarge", 4096, 7629},  {"r5.large", 2048, 15660},
};

}  // namespace

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

const InstanceType* find_instance_type(const std::string& name)
{
    for (const auto& type : types)
        if (name == type.name) return &type;
    return nullptr;
}

std::string instance_type_names()
{
    std::string names;
    for (const auto& type : types) names += (names.empty() ? "" : ", ") + std::string(type.name);
    return names;
}

}  // namespace boxship::bin
