// How ECS resources are named: ARNs out, and everything a caller may name a resource by back in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/arns.h"
#include "model/service.h"
#include "services/call.h"
#include "state/view.h"

namespace boxship::ecs {}

namespace boxship::services::ecs {

namespace api = ::boxship::ecs;  // the records of the wire, as against model:: and state::
using state::View;
using ClusterPtr = std::shared_ptr<const model::Cluster>;
using DefinitionPtr = std::shared_ptr<const model::TaskDefinition>;
using InstancePtr = std::shared_ptr<const model::Instance>;
using ServicePtr = std::shared_ptr<const model::Service>;
using TaskPtr = std::shared_ptr<const model::Task>;

inline constexpr std::string_view default_cluster = "default";
inline constexpr std::string_view fargate_cluster = "_fargate";  // the reserved name that only hosts may use

using model::cluster_arn;
using model::container_arn;
using model::definition_arn;
using model::instance_arn;
using model::task_arn;
std::string cluster_arn(const model::Scope& scope, const std::string& name);  // of a cluster that need not exist
std::string definition_name(const model::TaskDefinition& definition);         // family:revision

// A cluster by name or ARN, "" meaning `default`, whatever its state. Never an internal one.
ClusterPtr look_up_cluster(const View& view, const Call& call, std::string_view name);
// The same, but only ACTIVE: ClusterNotFoundException.
Result<ClusterPtr> find_cluster(const View& view, const Call& call, std::string_view name);
ClusterPtr internal_cluster(const View& view, const model::Scope& scope);  // of the Fargate hosts

// By id or ARN (with or without the cluster's name in it); nullptr when there is none in this cluster.
TaskPtr look_up_task(const View& view, const model::Cluster& cluster, std::string_view name);
// A service that was deleted is found as long as no other has its name.
ServicePtr look_up_service(const View& view, const model::Cluster& cluster, std::string_view name);
InstancePtr look_up_instance(const View& view, const model::Cluster& cluster, std::string_view name);
// The last segment of "…/…" as an id.
template <class IdType>
std::optional<IdType> id_of(std::string_view name)
{
    return IdType::parse(name.substr(name.rfind('/') + 1));
}
// The cluster's name in "arn:…:task/<cluster>/<id>"; "" when there is none.
std::string cluster_in(std::string_view arn);

// By ARN, family:revision or family (its newest ACTIVE revision); nullptr when there is none.
DefinitionPtr look_up_definition(const View& view, const Call& call, std::string_view name);
DefinitionPtr newest_definition(const View& view, const model::ScopedName& family, std::optional<model::DefinitionStatus> status);

// "web:3" → family and revision; revision 0 when it was left out; nothing when it makes no sense.
struct DefinitionName {
    std::string family;
    std::int32_t revision = 0;
};
std::optional<DefinitionName> parse_definition_name(const Call& call, std::string_view name);

// Letters, digits, '-' and '_', up to `max`.
bool is_plain_name(std::string_view name, std::size_t max = 255);

}  // namespace boxship::services::ecs
