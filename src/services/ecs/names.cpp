#include "services/ecs/names.h"

#include <algorithm>

#include "base/arn.h"
#include "base/numbers.h"
#include "base/strings.h"
#include "services/ecs/messages.h"

namespace boxship::services::ecs {

std::string cluster_arn(const model::Scope& scope, const std::string& name)
{
    return to_text(Arn{"ecs", scope.region, scope.account, "cluster/" + name});
}

std::string definition_name(const model::TaskDefinition& definition)
{
    return definition.family + ":" + std::to_string(definition.revision);
}

namespace {

// The resource part of an ECS ARN of this account and region, when it begins with `kind` + "/".
std::optional<std::string> resource_of(const model::Scope& scope, std::string_view text, std::string_view kind)
{
    const auto parsed = Arn::parse(text);
    if (!parsed || parsed->service != "ecs" || parsed->region != scope.region || parsed->account != scope.account) return std::nullopt;
    if (!parsed->resource.starts_with(kind) || parsed->resource.size() <= kind.size() || parsed->resource[kind.size()] != '/')
        return std::nullopt;
    return parsed->resource.substr(kind.size() + 1);
}

// What comes after the cluster in "<x>", "<cluster>/<x>" or an ARN of them; nothing when it names another cluster.
std::optional<std::string> name_in_cluster(const model::Cluster& cluster, std::string_view name, std::string_view kind)
{
    std::string rest(name);
    if (name.starts_with("arn:")) {
        auto resource = resource_of(cluster.scope, name, kind);
        if (!resource) return std::nullopt;
        rest = std::move(*resource);
    }
    if (const auto slash = rest.find('/'); slash != std::string::npos) {
        if (std::string_view(rest).substr(0, slash) != cluster.name) return std::nullopt;
        rest.erase(0, slash + 1);
    }
    return rest;
}

template <class IdType>
std::optional<IdType> id_in_cluster(const model::Cluster& cluster, std::string_view name, std::string_view kind)
{
    const auto rest = name_in_cluster(cluster, name, kind);
    return rest ? IdType::parse(*rest) : std::nullopt;
}

}  // namespace

ClusterPtr look_up_cluster(const View& view, const Call& call, std::string_view name)
{
    std::string plain(name.empty() ? default_cluster : name);
    if (name.starts_with("arn:")) {
        auto resource = resource_of(call.scope, name, "cluster");
        if (!resource) return nullptr;
        plain = std::move(*resource);
    }
    auto cluster = view.first<state::ClusterByName>({call.scope, plain});
    return cluster && !cluster->internal ? cluster : nullptr;
}

Result<ClusterPtr> find_cluster(const View& view, const Call& call, std::string_view name)
{
    auto cluster = look_up_cluster(view, call, name);
    if (!cluster) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
    if (!cluster->active) return ApiError{"ClusterNotFoundException", messages::cluster_inactive};
    return cluster;
}

ClusterPtr internal_cluster(const View& view, const model::Scope& scope)
{
    auto cluster = view.first<state::ClusterByName>({scope, std::string(fargate_cluster)});
    return cluster && cluster->internal ? cluster : nullptr;
}

TaskPtr look_up_task(const View& view, const model::Cluster& cluster, std::string_view name)
{
    const auto id = id_in_cluster<TaskId>(cluster, name, "task");
    auto task = id ? view.get<model::Task>(*id) : nullptr;
    return task && task->cluster == cluster.id ? task : nullptr;
}

ServicePtr look_up_service(const View& view, const model::Cluster& cluster, std::string_view name)
{
    const auto plain = name_in_cluster(cluster, name, "service");
    if (!plain) return nullptr;
    ServicePtr last;
    for (auto& service : view.all<state::ServicesByName>({cluster.id, *plain})) {
        if (service->status != model::ServiceStatus::inactive) return service;
        if (!last || last->deleted_at < service->deleted_at) last = std::move(service);
    }
    return last;
}

InstancePtr look_up_instance(const View& view, const model::Cluster& cluster, std::string_view name)
{
    const auto id = id_in_cluster<InstanceId>(cluster, name, "container-instance");
    auto instance = id ? view.get<model::Instance>(*id) : nullptr;
    return instance && instance->cluster == cluster.id ? instance : nullptr;
}

std::string cluster_in(std::string_view text)
{
    const auto parsed = Arn::parse(text);
    if (!parsed) return {};
    const auto parts = split(parsed->resource, '/');
    return parts.size() == 3 ? parts[1] : "";
}

bool is_plain_name(std::string_view name, std::size_t max)
{
    const auto plain = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
    return !name.empty() && name.size() <= max && std::ranges::all_of(name, plain);
}

std::optional<DefinitionName> parse_definition_name(const Call& call, std::string_view name)
{
    std::string plain(name);
    if (name.starts_with("arn:")) {
        auto resource = resource_of(call.scope, name, "task-definition");
        if (!resource) return std::nullopt;
        plain = std::move(*resource);
    }
    DefinitionName parsed;
    const auto colon = plain.rfind(':');
    parsed.family = plain.substr(0, colon);
    if (!is_plain_name(parsed.family)) return std::nullopt;
    if (colon == std::string::npos) return parsed;
    parsed.revision = parse_number<decltype(parsed.revision)>(std::string_view(plain).substr(colon + 1)).value_or(0);
    if (parsed.revision < 1) return std::nullopt;
    return parsed;
}

DefinitionPtr newest_definition(const View& view, const model::ScopedName& family, std::optional<model::DefinitionStatus> status)
{
    const auto& entries = view.entries<state::DefinitionByRevision>();
    auto at = entries.upper_bound({{family, std::numeric_limits<std::int32_t>::max()}, TaskDefinitionId()});
    while (at != entries.begin() && (--at)->first.family == family) {
        auto definition = view.get<model::TaskDefinition>(at->second);
        if (!status || definition->status == *status) return definition;
    }
    return nullptr;
}

DefinitionPtr look_up_definition(const View& view, const Call& call, std::string_view name)
{
    const auto parsed = parse_definition_name(call, name);
    if (!parsed) return nullptr;
    const model::ScopedName family{call.scope, parsed->family};
    if (parsed->revision == 0) return newest_definition(view, family, model::DefinitionStatus::active);
    return view.first<state::DefinitionByRevision>({family, parsed->revision});
}

}  // namespace boxship::services::ecs
