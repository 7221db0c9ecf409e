// Samples of what containers use, summed up into the metrics messages of TCS. Nothing is measured while nothing runs.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "agent/board.h"
#include "agent/host.h"
#include "shape/json_value.h"

namespace boxship::agent {

class Telemetry {
public:
    Telemetry(const Board& board, Host& host, int processors) : board_(board), host_(host), processors_(processors) {}

    void sample();                       // blocks a little; from any thread, one at a time
    bool anything_runs() const;
    std::optional<ContainerStats> last(const std::string& container);   // its newest sample

    // The PublishMetricsRequest messages of everything sampled since the last call: ten tasks each, the last one `fin`;
    // without tasks one idle message.
    std::vector<shape::Json> take(const std::string& cluster, const std::string& instance, Time now, const std::string& message_id);

    // The PublishHealthRequest of all running containers that have a health check; nothing when there is none.
    std::optional<shape::Json> health(const std::string& cluster, const std::string& instance, Time now, const std::string& message_id) const;

private:
    struct Set {                         // min, max, sum, count
        double min = 0, max = 0, sum = 0;
        int count = 0;
        void add(double value);
        shape::Json json() const;
        shape::Json integers() const;
    };
    struct Series {
        ContainerStats last;
        bool primed = false;
        Set cpu, memory, rx_rate, tx_rate;
        std::map<std::string, Set> network;
        std::uint64_t read_bytes = 0, write_bytes = 0;
        bool touched = false;            // sampled since the last message
    };
    shape::Json container_metrics(const std::string& name, const std::string& arn, int restarts, Series& series) const;
    static void add_network(Series& series, const ContainerStats& now, double seconds);

    const Board& board_;
    Host& host_;
    const int processors_;
    std::mutex mutex_;
    std::map<std::string, Series> series_;     // by container id
};

}  // namespace boxship::agent
