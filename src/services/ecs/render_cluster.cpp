#include "services/ecs/rows.h"

namespace boxship::services::ecs {
namespace {

void add_statistic(api::Cluster& out, const char* name, int value)
{
    auto& entry = out.statistics.emplace_back();
    entry.name = name;
    entry.value = std::to_string(value);
}

void add_statistics(const state::ClusterCounts& counts, api::Cluster& out)
{
    const auto running = [&](model::LaunchType type) { return counts.running_by_type[static_cast<std::size_t>(type)]; };
    const auto pending = [&](model::LaunchType type) { return counts.pending_by_type[static_cast<std::size_t>(type)]; };
    using model::LaunchType;
    add_statistic(out, "runningEC2TasksCount", running(LaunchType::ec2));
    add_statistic(out, "runningFargateTasksCount", running(LaunchType::fargate));
    add_statistic(out, "runningExternalTasksCount", running(LaunchType::external));
    add_statistic(out, "pendingEC2TasksCount", pending(LaunchType::ec2));
    add_statistic(out, "pendingFargateTasksCount", pending(LaunchType::fargate));
    add_statistic(out, "pendingExternalTasksCount", pending(LaunchType::external));
    const auto active = [&](model::LaunchType type) { return counts.active_services_by_type[static_cast<std::size_t>(type)]; };
    const auto draining = [&](model::LaunchType type) { return counts.draining_services_by_type[static_cast<std::size_t>(type)]; };
    add_statistic(out, "activeEC2ServiceCount", active(LaunchType::ec2));
    add_statistic(out, "activeFargateServiceCount", active(LaunchType::fargate));
    add_statistic(out, "activeExternalServiceCount", active(LaunchType::external));
    add_statistic(out, "drainingEC2ServiceCount", draining(LaunchType::ec2));
    add_statistic(out, "drainingFargateServiceCount", draining(LaunchType::fargate));
    add_statistic(out, "drainingExternalServiceCount", draining(LaunchType::external));
}

}  // namespace

ClusterRow cluster_row(const View& view, ClusterPtr cluster)
{
    const auto counts = view.counts(cluster->id);
    return {std::move(cluster), counts};
}

void render_cluster(const ClusterRow& row, const ClusterParts& parts, api::Cluster& out)
{
    const auto& cluster = *row.cluster;
    out.cluster_arn = cluster_arn(cluster);
    out.cluster_name = cluster.name;
    out.status = cluster.active ? "ACTIVE" : "INACTIVE";
    out.registered_container_instances_count = row.counts.instances;
    out.running_tasks_count = row.counts.running;
    out.pending_tasks_count = row.counts.pending;
    out.active_services_count = row.counts.services;
    out.statistics.emplace();
    out.tags.emplace();
    out.settings.emplace();
    if (parts.statistics) add_statistics(row.counts, out);
    if (parts.tags) write_tags(cluster.tags, out.tags);
    if (parts.settings) {
        for (const auto& setting : cluster.settings) {
            auto& entry = out.settings.emplace_back();
            entry.name = shape::parse_enum<api::ClusterSettingName>(setting.key);
            entry.value = setting.value;
        }
    }
    if (parts.configuration && !cluster.configuration.empty()) read_back(cluster.configuration, out.configuration.emplace());
    out.capacity_providers.emplace();
    for (const auto& provider : cluster.capacity_providers) out.capacity_providers.push_back(provider);
    api::PutClusterCapacityProvidersRequest strategy;  // any record with a list of strategy items
    read_back(cluster.default_strategy, strategy);
    out.default_capacity_provider_strategy = std::move(strategy.default_capacity_provider_strategy);
    out.default_capacity_provider_strategy.mark();
    if (!cluster.service_connect.empty()) read_back(cluster.service_connect, out.service_connect_defaults.emplace());
}

}  // namespace boxship::services::ecs
