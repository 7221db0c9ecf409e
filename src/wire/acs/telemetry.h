// The messages of TCS, the websocket by which agents send metrics and health; each is acknowledged. Same envelope and
// same manners as ACS (messages.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "wire/acs/messages.h"

namespace boxship::acs {

// About twenty one-second samples.
struct StatsSet {
    double min = 0;
    double max = 0;
    double sum = 0;
    std::int64_t sample_count = 0;
};

// Cumulative counters; the overflow members carry what exceeds 63 bits.
struct CounterSet {
    std::int64_t min = 0;
    std::int64_t max = 0;
    std::int64_t sum = 0;
    std::int64_t sample_count = 0;
    std::optional<std::int64_t> overflow_min;
    std::optional<std::int64_t> overflow_max;
    std::optional<std::int64_t> overflow_sum;
};

struct NetworkStats {
    CounterSet rx_bytes, rx_packets, rx_errors, rx_dropped;
    CounterSet tx_bytes, tx_packets, tx_errors, tx_dropped;
    std::optional<StatsSet> rx_bytes_per_second;
    std::optional<StatsSet> tx_bytes_per_second;
};

struct StorageStats {
    CounterSet read_size_bytes;
    CounterSet write_size_bytes;
};

struct ContainerMetric {
    std::string container_name;
    std::string container_arn;                  // ?
    std::optional<StatsSet> cpu;                // percent of one core, averaged over the host's cores
    std::optional<StatsSet> memory;             // MiB, without cache
    std::optional<NetworkStats> network;
    std::optional<StorageStats> storage;
    std::optional<std::int64_t> restart_count;
};

struct VolumeMetric {
    std::string volume_id;
    std::string volume_name;
    StatsSet utilized;
    StatsSet size;
};

struct TaskMetric {
    std::string task_arn;
    std::string cluster_arn;                    // ?
    std::string family;
    std::string version;
    std::vector<ContainerMetric> containers;
    std::vector<VolumeMetric> volumes;          // ?
    std::optional<std::int64_t> ephemeral_bytes_utilized;
};

struct PublishMetricsRequest {
    static constexpr const char* type = "PublishMetricsRequest";
    std::string cluster;
    std::string container_instance;
    std::string message_id;
    bool fin = true;     // the last of the messages with this id
    bool idle = false;   // no task is running
    Time timestamp;
    std::vector<TaskMetric> tasks;  // at most ten per message
};

struct ContainerHealth {
    std::string container_name;
    std::string health_status;     // HEALTHY, UNHEALTHY, UNKNOWN
    Time status_since;
    std::string status_message;    // ?
};

struct TaskHealth {
    std::string task_arn;
    std::string cluster_arn;       // ?
    std::string family;
    std::string version;
    std::vector<ContainerHealth> containers;
};

struct PublishHealthRequest {
    static constexpr const char* type = "PublishHealthRequest";
    std::string cluster;
    std::string container_instance;
    std::string message_id;
    bool fin = true;
    Time timestamp;
    std::vector<TaskHealth> tasks;
};

struct InstanceStatus {
    std::string type;              // "ContainerRuntime"
    std::string status;            // OK, IMPAIRED, INSUFFICIENT_DATA, INITIALIZING
    std::string status_reason;     // ?
    Time last_updated;
    Time last_status_change;
};

struct PublishInstanceStatusRequest {
    static constexpr const char* type = "PublishInstanceStatusRequest";
    std::string cluster;
    std::string container_instance;
    std::string request_id;
    Time timestamp;
    std::vector<InstanceStatus> statuses;
};

struct AckPublishMetric {
    static constexpr const char* type = "AckPublishMetric";
    std::string message;
};
struct AckPublishHealth {
    static constexpr const char* type = "AckPublishHealth";
    std::string message;
};
struct AckPublishInstanceStatus {
    static constexpr const char* type = "AckPublishInstanceStatus";
    std::string message;
};

using TelemetryFromAgent = std::variant<PublishMetricsRequest, PublishHealthRequest, PublishInstanceStatusRequest, UnknownMessage>;
using TelemetryFromServer = std::variant<AckPublishMetric, AckPublishHealth, AckPublishInstanceStatus, HeartbeatMessage, NoticeMessage, UnknownMessage>;

Outcome<TelemetryFromAgent, std::string> parse_telemetry_from_agent(std::string_view text);  // with or without signed prefix
Outcome<TelemetryFromServer, std::string> parse_telemetry_from_server(std::string_view text);

std::string encode(const PublishMetricsRequest& message);
std::string encode(const PublishHealthRequest& message);
std::string encode(const PublishInstanceStatusRequest& message);
std::string encode(const AckPublishMetric& message);
std::string encode(const AckPublishHealth& message);
std::string encode(const AckPublishInstanceStatus& message);

}  // namespace boxship::acs
