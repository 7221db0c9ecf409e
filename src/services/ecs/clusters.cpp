// Creating, changing and deleting clusters.
#include <algorithm>

#include "ecs/ops.h"
#include "services/ecs/account_settings.h"
#include "services/ecs/capacity.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"
#include "shape/write.h"

namespace boxship::services::ecs {
namespace {

constexpr ClusterParts all_parts{.tags = true, .settings = true, .statistics = false, .configuration = true};

template <class Response>
Response render_changed(const ClusterRow& row)
{
    Response response;
    render_cluster(row, all_parts, response.cluster.emplace());
    return response;
}

Result<> set_settings(model::Cluster& cluster, const shape::List<api::ClusterSetting>& settings)
{
    for (const auto& setting : settings) {
        const std::string value = setting.value.str();
        if (!setting.name || (value != "enabled" && value != "enhanced" && value != "disabled")) return invalid(messages::setting_value);
        cluster.settings = {{std::string(api::to_text(*setting.name)), value}};
    }
    return {};
}

std::string namespace_text(const shape::Box<api::ClusterServiceConnectDefaultsRequest>& defaults)
{
    return defaults && !defaults->namespace_.empty() ? shape::write_json(*defaults) : "";
}

Result<ClusterRow> create_cluster(Txn& txn, const Call& call, const api::CreateClusterRequest& request)
{
    // An agent may make the one cluster that comes into being by being joined.
    if (call.principal.kind == Principal::Kind::host && !request.cluster_name.empty() && request.cluster_name != default_cluster)
        return access_denied(messages::host_creates_default_only);
    const std::string name = request.cluster_name.empty() ? std::string(default_cluster) : request.cluster_name.str();
    if (!is_plain_name(name) || name.starts_with('_')) return invalid(messages::cluster_name);
    const auto existing = txn.first<state::ClusterByName>({call.scope, name});
    if (existing && existing->active) return cluster_row(txn, existing);  // creating is idempotent and changes nothing

    if (const auto most = call.quota(model::Quota::clusters); txn.count_in<model::Cluster>(call.scope) >= most)
        return client_error(say(messages::clusters_quota, most));
    model::Cluster cluster;
    cluster.id = existing ? existing->id : call.ids.next<ClusterId>();
    cluster.scope = call.scope;
    cluster.name = name;
    cluster.created_at = call.now;
    cluster.settings = {{"containerInsights", account_setting(txn, call, api::SettingName::container_insights)}};
    ASSIGN_OR_RETURN(cluster.tags, read_tags(call, request.tags));
    RETURN_IF_ERROR(set_settings(cluster, request.settings));
    if (request.configuration) cluster.configuration = shape::write_json(*request.configuration);
    RETURN_IF_ERROR(check_providers(request.capacity_providers));
    for (const auto& provider : request.capacity_providers) cluster.capacity_providers.push_back(provider.str());
    RETURN_IF_ERROR(check_strategy(request.default_capacity_provider_strategy, cluster.capacity_providers));
    cluster.default_strategy = strategy_text(request.default_capacity_provider_strategy);
    cluster.service_connect = namespace_text(request.service_connect_defaults);
    txn.put(cluster);
    return cluster_row(txn, txn.get<model::Cluster>(cluster.id));
}

Result<ClusterRow> delete_cluster(Txn& txn, const Call& call, const api::DeleteClusterRequest& request)
{
    const auto found = look_up_cluster(txn, call, request.cluster);
    if (!found) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
    if (!found->active) return cluster_row(txn, found);
    const auto& counts = txn.counts(found->id);
    if (counts.services > 0) return ApiError{"ClusterContainsServicesException", messages::cluster_has_services};
    if (counts.instances > 0) return ApiError{"ClusterContainsContainerInstancesException", messages::cluster_has_instances};
    if (counts.running + counts.pending > 0) return ApiError{"ClusterContainsTasksException", messages::cluster_has_tasks};
    model::Cluster cluster = *found;
    cluster.active = false;
    txn.put(cluster);
    return cluster_row(txn, txn.get<model::Cluster>(cluster.id));
}

Result<ClusterRow> update_cluster(Txn& txn, const Call& call, const api::UpdateClusterRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_cluster(txn, call, request.cluster));
    model::Cluster cluster = *found;
    RETURN_IF_ERROR(set_settings(cluster, request.settings));
    if (request.configuration) cluster.configuration = shape::write_json(*request.configuration);
    if (request.service_connect_defaults) cluster.service_connect = namespace_text(request.service_connect_defaults);
    txn.put(cluster);
    return cluster_row(txn, txn.get<model::Cluster>(cluster.id));
}

Result<ClusterRow> update_cluster_settings(Txn& txn, const Call& call, const api::UpdateClusterSettingsRequest& request)
{
    ASSIGN_OR_RETURN(const auto found, find_cluster(txn, call, request.cluster));
    model::Cluster cluster = *found;
    RETURN_IF_ERROR(set_settings(cluster, request.settings));
    txn.put(cluster);
    return cluster_row(txn, txn.get<model::Cluster>(cluster.id));
}

Result<ClusterRow> put_cluster_capacity_providers(Txn& txn, const Call& call, const api::PutClusterCapacityProvidersRequest& request)
{
    const auto found = look_up_cluster(txn, call, request.cluster);
    if (!found) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
    if (!found->active) return client_error(messages::cluster_not_active);
    model::Cluster cluster = *found;
    RETURN_IF_ERROR(check_providers(request.capacity_providers));
    cluster.capacity_providers.clear();
    for (const auto& provider : request.capacity_providers) cluster.capacity_providers.push_back(provider.str());
    RETURN_IF_ERROR(check_strategy(request.default_capacity_provider_strategy, cluster.capacity_providers));
    for (const auto& provider : found->capacity_providers) {
        if (std::ranges::find(cluster.capacity_providers, provider) != cluster.capacity_providers.end()) continue;
        for (const auto& task : txn.all<state::TasksByCluster>(cluster.id))
            if (task->live() && task->capacity_provider == provider)
                return ApiError{"ResourceInUseException", say(messages::provider_in_use, provider)};
    }
    cluster.default_strategy = strategy_text(request.default_capacity_provider_strategy);
    txn.put(cluster);
    return cluster_row(txn, txn.get<model::Cluster>(cluster.id));
}

struct DescribedClusters {
    std::vector<ClusterRow> clusters;
    std::vector<FailureRow> failures;
    ClusterParts parts;
};

Result<DescribedClusters> describe_clusters(Txn& txn, const Call& call, const api::DescribeClustersRequest& request)
{
    DescribedClusters rows;
    for (const auto part : request.include) {
        rows.parts.tags |= part == api::ClusterField::tags;
        rows.parts.settings |= part == api::ClusterField::settings;
        rows.parts.statistics |= part == api::ClusterField::statistics;
        rows.parts.configuration |= part == api::ClusterField::configurations;
    }
    std::vector<std::string> names;
    for (const auto& name : request.clusters) names.push_back(name.str());
    if (names.empty()) names.emplace_back(default_cluster);
    for (const auto& name : names) {
        if (auto cluster = look_up_cluster(txn, call, name))
            rows.clusters.push_back(cluster_row(txn, std::move(cluster)));
        else
            rows.failures.push_back({name.starts_with("arn:") ? name : cluster_arn(call.scope, name), "MISSING", ""});
    }
    return rows;
}

api::DescribeClustersResponse render_described(const DescribedClusters& rows)
{
    api::DescribeClustersResponse response;
    response.clusters.emplace();
    for (const auto& row : rows.clusters) render_cluster(row, rows.parts, response.clusters.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

Result<ListRows> list_clusters(Txn& txn, const Call& call, const api::ListClustersRequest& request)
{
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    PageBuilder builder(page);
    const auto& entries = txn.entries<state::ClusterByName>();
    for (auto at = entries.lower_bound({{call.scope, page.after}, ClusterId()}); at != entries.end() && at->first.scope == call.scope; ++at) {
        if (at->first.name == page.after) continue;
        const auto cluster = txn.get<model::Cluster>(at->second);
        if (cluster->internal || !cluster->active) continue;
        if (!builder.add(cluster->name, cluster_arn(*cluster))) break;
    }
    return builder.take();
}

api::ListClustersResponse render_cluster_arns(const ListRows& rows)
{
    api::ListClustersResponse response;
    response.cluster_arns.assign(rows.items);
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

void serve_clusters(Served& served)
{
    served.add<api::ops::CreateCluster>(create_cluster, render_changed<api::CreateClusterResponse>).for_hosts();
    served.add<api::ops::DeleteCluster>(delete_cluster, render_changed<api::DeleteClusterResponse>);
    served.add<api::ops::UpdateCluster>(update_cluster, render_changed<api::UpdateClusterResponse>);
    served.add<api::ops::UpdateClusterSettings>(update_cluster_settings, render_changed<api::UpdateClusterSettingsResponse>);
    served.add<api::ops::PutClusterCapacityProviders>(put_cluster_capacity_providers,
                                                      render_changed<api::PutClusterCapacityProvidersResponse>);
    served.add<api::ops::DescribeClusters>(describe_clusters, render_described);
    served.add<api::ops::ListClusters>(list_clusters, render_cluster_arns);
}

}  // namespace boxship::services::ecs
