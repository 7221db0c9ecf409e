#include "wire/acs/telemetry.h"

#include "wire/acs/session.h"
#include "wire/acs/visit.h"

namespace boxship::acs {

template <class V>
void members(V& v, Of<V, StatsSet>& m)
{
    v("min", m.min);
    v("max", m.max);
    v("sum", m.sum);
    v("sampleCount", m.sample_count);
}

template <class V>
void members(V& v, Of<V, CounterSet>& m)
{
    v("min", m.min);
    v("max", m.max);
    v("sum", m.sum);
    v("sampleCount", m.sample_count);
    v.maybe("overflowMin", m.overflow_min);
    v.maybe("overflowMax", m.overflow_max);
    v.maybe("overflowSum", m.overflow_sum);
}

template <class V>
void members(V& v, Of<V, NetworkStats>& m)
{
    v("rxBytes", m.rx_bytes);
    v("rxPackets", m.rx_packets);
    v("rxErrors", m.rx_errors);
    v("rxDropped", m.rx_dropped);
    v("txBytes", m.tx_bytes);
    v("txPackets", m.tx_packets);
    v("txErrors", m.tx_errors);
    v("txDropped", m.tx_dropped);
    v.maybe("rxBytesPerSecond", m.rx_bytes_per_second);
    v.maybe("txBytesPerSecond", m.tx_bytes_per_second);
}

template <class V>
void members(V& v, Of<V, StorageStats>& m)
{
    v("readSizeBytes", m.read_size_bytes);
    v("writeSizeBytes", m.write_size_bytes);
}

struct RestartStats {
    std::int64_t restart_count = 0;
};

template <class V>
void members(V& v, Of<V, RestartStats>& m)
{
    v("restartCount", m.restart_count);
}

template <class V>
void members(V& v, Of<V, ContainerMetric>& m)
{
    v("containerName", m.container_name);
    v.maybe("containerArn", m.container_arn);
    v.maybe("cpuStatsSet", m.cpu);
    v.maybe("memoryStatsSet", m.memory);
    v.maybe("networkStatsSet", m.network);
    v.maybe("storageStatsSet", m.storage);
    std::optional<RestartStats> restarts;
    if (m.restart_count) restarts = RestartStats{*m.restart_count};
    v.maybe("restartStatsSet", restarts);
    if constexpr (!V::writes) {
        m.restart_count.reset();
        if (restarts) m.restart_count = restarts->restart_count;
    }
}

template <class V>
void members(V& v, Of<V, VolumeMetric>& m)
{
    v("volumeId", m.volume_id);
    v("volumeName", m.volume_name);
    v("utilized", m.utilized);
    v("size", m.size);
}

struct EphemeralStorage {
    std::int64_t bytes_utilized = 0;
};

template <class V>
void members(V& v, Of<V, EphemeralStorage>& m)
{
    v("bytesUtilized", m.bytes_utilized);
}

template <class V>
void members(V& v, Of<V, TaskMetric>& m)
{
    v("taskArn", m.task_arn);
    v.maybe("clusterArn", m.cluster_arn);
    v("taskDefinitionFamily", m.family);
    v("taskDefinitionVersion", m.version);
    v("containerMetrics", m.containers);
    v.maybe("volumeMetrics", m.volumes);
    std::optional<EphemeralStorage> storage;
    if (m.ephemeral_bytes_utilized) storage = EphemeralStorage{*m.ephemeral_bytes_utilized};
    v.maybe("ephemeralStorageMetrics", storage);
    if constexpr (!V::writes) {
        m.ephemeral_bytes_utilized.reset();
        if (storage) m.ephemeral_bytes_utilized = storage->bytes_utilized;
    }
}

template <class V>
void members(V& v, Of<V, ContainerHealth>& m)
{
    v("containerName", m.container_name);
    v("healthStatus", m.health_status);
    v.maybe("statusSince", m.status_since);
    v.maybe("statusMessage", m.status_message);
}

template <class V>
void members(V& v, Of<V, TaskHealth>& m)
{
    v("taskArn", m.task_arn);
    v.maybe("clusterArn", m.cluster_arn);
    v("taskDefinitionFamily", m.family);
    v("taskDefinitionVersion", m.version);
    v("containers", m.containers);
}

template <class V>
void members(V& v, Of<V, InstanceStatus>& m)
{
    v("type", m.type);
    v("status", m.status);
    v.maybe("statusReason", m.status_reason);
    v.maybe("lastUpdated", m.last_updated);
    v.maybe("lastStatusChange", m.last_status_change);
}

// The three requests keep their addressing in "metadata".
struct Metadata {
    std::string cluster;
    std::string container_instance;
    std::string message_id;
    std::string request_id;
    std::optional<bool> fin;
    std::optional<bool> idle;
};

template <class V>
void members(V& v, Of<V, Metadata>& m)
{
    v("cluster", m.cluster);
    v("containerInstance", m.container_instance);
    v.maybe("messageId", m.message_id);
    v.maybe("requestId", m.request_id);
    v.maybe("fin", m.fin);
    v.maybe("idle", m.idle);
}

template <class V>
void members(V& v, Of<V, PublishMetricsRequest>& m)
{
    Metadata metadata{m.cluster, m.container_instance, m.message_id, {}, m.fin, m.idle};
    v("metadata", metadata);
    if constexpr (!V::writes) {
        m.cluster = metadata.cluster;
        m.container_instance = metadata.container_instance;
        m.message_id = metadata.message_id;
        m.fin = metadata.fin.value_or(false);
        m.idle = metadata.idle.value_or(false);
    }
    v("timestamp", m.timestamp);
    v.maybe("taskMetrics", m.tasks);
}

template <class V>
void members(V& v, Of<V, PublishHealthRequest>& m)
{
    Metadata metadata{m.cluster, m.container_instance, m.message_id, {}, m.fin, {}};
    v("metadata", metadata);
    if constexpr (!V::writes) {
        m.cluster = metadata.cluster;
        m.container_instance = metadata.container_instance;
        m.message_id = metadata.message_id;
        m.fin = metadata.fin.value_or(false);
    }
    v("timestamp", m.timestamp);
    v("tasks", m.tasks);
}

template <class V>
void members(V& v, Of<V, PublishInstanceStatusRequest>& m)
{
    Metadata metadata{m.cluster, m.container_instance, {}, m.request_id, {}, {}};
    v("metadata", metadata);
    if constexpr (!V::writes) {
        m.cluster = metadata.cluster;
        m.container_instance = metadata.container_instance;
        m.request_id = metadata.request_id;
    }
    v("timestamp", m.timestamp);
    v("statuses", m.statuses);
}

template <class V>
void members(V& v, Of<V, AckPublishMetric>& m)
{
    v("message", m.message);
}

template <class V>
void members(V& v, Of<V, AckPublishHealth>& m)
{
    v("message", m.message);
}

template <class V>
void members(V& v, Of<V, AckPublishInstanceStatus>& m)
{
    v("message", m.message);
}

Outcome<TelemetryFromAgent, std::string> parse_telemetry_from_agent(std::string_view text)
{
    ASSIGN_OR_RETURN(const Envelope open, open_envelope(split_signed_prefix(text).json));
    const Json& body = open.message;
    if (is<PublishMetricsRequest>(open)) return TelemetryFromAgent(Reader::read<PublishMetricsRequest>(body));
    if (is<PublishHealthRequest>(open)) return TelemetryFromAgent(Reader::read<PublishHealthRequest>(body));
    if (is<PublishInstanceStatusRequest>(open)) return TelemetryFromAgent(Reader::read<PublishInstanceStatusRequest>(body));
    return TelemetryFromAgent(UnknownMessage{open.type});
}

Outcome<TelemetryFromServer, std::string> parse_telemetry_from_server(std::string_view text)
{
    ASSIGN_OR_RETURN(const Envelope open, open_envelope(text));
    const Json& body = open.message;
    if (is<AckPublishMetric>(open)) return TelemetryFromServer(Reader::read<AckPublishMetric>(body));
    if (is<AckPublishHealth>(open)) return TelemetryFromServer(Reader::read<AckPublishHealth>(body));
    if (is<AckPublishInstanceStatus>(open)) return TelemetryFromServer(Reader::read<AckPublishInstanceStatus>(body));
    if (is<HeartbeatMessage>(open)) {
        HeartbeatMessage heartbeat;
        heartbeat.healthy = body.get_bool("healthy", true);
        return TelemetryFromServer(std::move(heartbeat));
    }
    if (open.type == "ErrorMessage" || open.type.ends_with("Exception"))
        return TelemetryFromServer(NoticeMessage{open.type, notice_text(body)});
    return TelemetryFromServer(UnknownMessage{open.type});
}

std::string encode(const PublishMetricsRequest& message) { return envelope(message); }
std::string encode(const PublishHealthRequest& message) { return envelope(message); }
std::string encode(const PublishInstanceStatusRequest& message) { return envelope(message); }
std::string encode(const AckPublishMetric& message) { return envelope(message); }
std::string encode(const AckPublishHealth& message) { return envelope(message); }
std::string encode(const AckPublishInstanceStatus& message) { return envelope(message); }

}  // namespace boxship::acs
