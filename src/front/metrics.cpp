#include "front/metrics.h"

#include <fmt/format.h>

namespace boxship::front {

void Metrics::count(std::string_view service, std::string_view operation, int status, Milliseconds duration)
{
    const std::lock_guard lock(mutex_);
    Counter& counter = counters_[{std::string(service), std::string(operation), status}];
    ++counter.requests;
    counter.milliseconds += static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
}

std::string Metrics::text() const
{
    const std::lock_guard lock(mutex_);
    std::string requests = "# HELP boxship_requests_total API requests answered.\n# TYPE boxship_requests_total counter\n";
    std::string seconds = "# HELP boxship_request_seconds_total Time spent answering them.\n# TYPE boxship_request_seconds_total counter\n";
    std::string unserved = "# HELP boxship_requests_not_implemented_total Requests for operations known but not served.\n"
                           "# TYPE boxship_requests_not_implemented_total counter\n";
    for (const auto& [key, counter] : counters_) {
        const auto& [service, operation, status] = key;
        const std::string labels = fmt::format("service=\"{}\",operation=\"{}\"", service, operation);
        requests += fmt::format("boxship_requests_total{{{},status=\"{}\"}} {}\n", labels, status, counter.requests);
        seconds += fmt::format("boxship_request_seconds_total{{{},status=\"{}\"}} {}.{:03}\n", labels, status,
                               counter.milliseconds / 1000, counter.milliseconds % 1000);
        if (status == 501) unserved += fmt::format("boxship_requests_not_implemented_total{{{}}} {}\n", labels, counter.requests);
    }
    return requests + seconds + unserved;
}

}  // namespace boxship::front
