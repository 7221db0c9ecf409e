// Counters of requests, for /metrics. Safe from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>

#include "base/time.h"

namespace boxship::front {

class Metrics {
public:
    // Labels come from the models, never from callers, so that nobody can make them many.
    void count(std::string_view service, std::string_view operation, int status, Milliseconds duration);
    std::string text() const;  // Prometheus

private:
    struct Counter {
        std::uint64_t requests = 0;
        std::uint64_t milliseconds = 0;
    };
    mutable std::mutex mutex_;
    std::map<std::tuple<std::string, std::string, int>, Counter> counters_;
};

}  // namespace boxship::front
