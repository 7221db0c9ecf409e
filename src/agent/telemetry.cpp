#include "agent/telemetry.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace boxship::agent {
namespace {

using shape::Json;

constexpr std::size_t tasks_per_message = 10;
constexpr double mib = 1 << 20;

double seconds(Time time)
{
    return static_cast<double>(time.ms) / 1000.0;
}

}  // namespace

void Telemetry::Set::add(double value)
{
    min = count == 0 ? value : std::min(min, value);
    max = count == 0 ? value : std::max(max, value);
    sum += value;
    ++count;
}

Json Telemetry::Set::json() const
{
    return Json::object({{"min", min}, {"max", max}, {"sum", sum}, {"sampleCount", count}});
}

Json Telemetry::Set::integers() const
{
    return Json::object({{"min", std::llround(min)}, {"max", std::llround(max)}, {"sum", std::llround(sum)}, {"sampleCount", count}});
}

bool Telemetry::anything_runs() const
{
    for (const auto& view : board_.all()) {
        for (const ContainerRecord& container : view->record.containers) {
            if (container.life == Life::running) return true;
        }
    }
    return false;
}

std::optional<ContainerStats> Telemetry::last(const std::string& container)
{
    const std::lock_guard lock(mutex_);
    const auto series = series_.find(container);
    if (series == series_.end()) return std::nullopt;
    return series->second.last;
}

void Telemetry::add_network(Series& series, const ContainerStats& now, double elapsed)
{
    const auto add = [&](const char* name, std::uint64_t value) { series.network[name].add(static_cast<double>(value)); };
    add("rxBytes", now.rx_bytes);
    add("rxPackets", now.rx_packets);
    add("rxErrors", now.rx_errors);
    add("rxDropped", now.rx_dropped);
    add("txBytes", now.tx_bytes);
    add("txPackets", now.tx_packets);
    add("txErrors", now.tx_errors);
    add("txDropped", now.tx_dropped);
    if (!series.last.has_network || now.rx_bytes < series.last.rx_bytes || now.tx_bytes < series.last.tx_bytes) return;
    series.rx_rate.add(static_cast<double>(now.rx_bytes - series.last.rx_bytes) / elapsed);
    series.tx_rate.add(static_cast<double>(now.tx_bytes - series.last.tx_bytes) / elapsed);
}

void Telemetry::sample()
{
    std::vector<std::string> running;
    for (const auto& view : board_.all()) {
        const TaskRecord& task = view->record;
        for (std::size_t at = 0; at < task.containers.size(); ++at) {
            if (task.containers[at].life == Life::running) running.push_back(container_id(task.spec->id, at));
        }
    }
    const std::vector<ContainerStats> samples = host_.stats(running);
    const std::lock_guard lock(mutex_);
    const std::set<std::string> alive(running.begin(), running.end());
    std::erase_if(series_, [&](const auto& entry) { return !alive.contains(entry.first) && !entry.second.touched; });
    for (const ContainerStats& now : samples) {
        Series& series = series_[now.container];
        const double elapsed = static_cast<double>((now.at - series.last.at).count()) / 1000.0;
        const bool restarted = now.cpu_ns < series.last.cpu_ns;
        if (series.primed && elapsed > 0 && !restarted) {
            const double used = static_cast<double>(now.cpu_ns - series.last.cpu_ns) / 1e9;
            series.cpu.add(100.0 * used / elapsed / processors_);
            if (now.has_network) add_network(series, now, elapsed);
        }
        series.memory.add(static_cast<double>(now.memory_bytes) / mib);
        series.read_bytes = now.io_read_bytes;
        series.write_bytes = now.io_write_bytes;
        series.last = now;
        series.primed = series.touched = true;
    }
}

Json Telemetry::container_metrics(const std::string& name, const std::string& arn, int restarts, Series& series) const
{
    Json metrics = Json::object({{"containerName", name}});
    if (!arn.empty()) metrics.set("containerArn", arn);
    if (series.cpu.count > 0) metrics.set("cpuStatsSet", series.cpu.json());
    metrics.set("memoryStatsSet", series.memory.integers());
    if (!series.network.empty()) {
        Json network = Json::object();
        for (const auto& [key, set] : series.network) network.set(key, set.integers());
        network.set("rxBytesPerSecond", series.rx_rate.json());
        network.set("txBytesPerSecond", series.tx_rate.json());
        metrics.set("networkStatsSet", std::move(network));
    }
    const auto single = [](std::uint64_t value) {
        return Json::object({{"min", value}, {"max", value}, {"sum", value}, {"sampleCount", 1}});
    };
    metrics.set("storageStatsSet", Json::object({{"readSizeBytes", single(series.read_bytes)}, {"writeSizeBytes", single(series.write_bytes)}}));
    if (restarts > 0) metrics.set("restartStatsSet", Json::object({{"restartCount", restarts}}));
    series.cpu = series.memory = series.rx_rate = series.tx_rate = {};
    series.network.clear();
    series.touched = false;
    return metrics;
}

std::optional<Json> Telemetry::health(const std::string& cluster, const std::string& instance, Time now, const std::string& message_id) const
{
    Json tasks = Json::array();
    for (const auto& view : board_.all()) {
        const TaskSpec& spec = *view->record.spec;
        Json containers = Json::array();
        for (std::size_t at = 0; at < spec.containers.size(); ++at) {
            if (!spec.containers[at].has_health_check || view->record.containers[at].life != Life::running) continue;
            const HealthFacts& facts = view->health[at];
            containers.push_back(Json::object({{"containerName", spec.containers[at].name}, {"healthStatus", to_text(facts.health)},
                                               {"statusSince", seconds(facts.since ? facts.since : view->record.containers[at].started)}}));
        }
        if (containers.as_array().empty()) continue;
        tasks.push_back(Json::object({{"taskArn", spec.arn}, {"clusterArn", spec.cluster}, {"taskDefinitionFamily", spec.family},
                                      {"taskDefinitionVersion", spec.version}, {"containers", std::move(containers)}}));
    }
    if (tasks.as_array().empty()) return std::nullopt;
    Json metadata = Json::object({{"cluster", cluster}, {"containerInstance", instance}, {"messageId", message_id}, {"fin", true}});
    return Json::object({{"metadata", std::move(metadata)}, {"timestamp", seconds(now)}, {"tasks", std::move(tasks)}});
}

std::vector<Json> Telemetry::take(const std::string& cluster, const std::string& instance, Time now, const std::string& message_id)
{
    const std::lock_guard lock(mutex_);
    Json::Array tasks;
    for (const auto& view : board_.all()) {
        const TaskSpec& spec = *view->record.spec;
        Json containers = Json::array();
        for (std::size_t at = 0; at < spec.containers.size(); ++at) {
            const auto series = series_.find(container_id(spec.id, at));
            if (series == series_.end() || !series->second.touched) continue;
            containers.push_back(container_metrics(spec.containers[at].name, spec.containers[at].arn, view->record.containers[at].restarts, series->second));
        }
        if (containers.as_array().empty()) continue;
        tasks.push_back(Json::object({{"taskArn", spec.arn}, {"clusterArn", spec.cluster}, {"taskDefinitionFamily", spec.family},
                                      {"taskDefinitionVersion", spec.version}, {"containerMetrics", std::move(containers)}}));
    }
    std::vector<Json> messages;
    const bool idle = tasks.empty();
    for (std::size_t begin = 0; begin == 0 || begin < tasks.size(); begin += tasks_per_message) {
        const std::size_t end = std::min(tasks.size(), begin + tasks_per_message);
        Json metadata = Json::object({{"cluster", cluster}, {"containerInstance", instance}, {"messageId", message_id},
                                      {"fin", end == tasks.size()}, {"idle", idle}});
        Json::Array some(std::make_move_iterator(tasks.begin() + static_cast<std::ptrdiff_t>(begin)),
                         std::make_move_iterator(tasks.begin() + static_cast<std::ptrdiff_t>(end)));
        messages.push_back(Json::object({{"metadata", std::move(metadata)}, {"timestamp", seconds(now)}, {"taskMetrics", Json(std::move(some))}}));
    }
    return messages;
}

}  // namespace boxship::agent
