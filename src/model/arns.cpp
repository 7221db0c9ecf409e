#include "model/arns.h"

#include "base/arn.h"

namespace boxship::model {
namespace {

// In one go: an answer has dozens of them.
template <class... Parts>
std::string ecs_arn(const Scope& scope, const Parts&... parts)
{
    std::string text;
    text.reserve(160);
    text.append("arn:aws:ecs:").append(scope.region).append(1, ':').append(scope.account).append(1, ':');
    (text.append(parts), ...);
    return text;
}

}  // namespace

std::string cluster_arn(const Cluster& cluster) { return ecs_arn(cluster.scope, "cluster/", cluster.name); }

std::string task_arn(const Cluster& cluster, const TaskId& task)
{
    return ecs_arn(cluster.scope, "task/", cluster.name, "/", to_text(task));
}

std::optional<TaskId> task_of_arn(std::string_view text)
{
    const auto arn = Arn::parse(text);
    return arn ? TaskId::parse(arn->resource.substr(arn->resource.rfind('/') + 1)) : std::nullopt;
}

std::string instance_arn(const Cluster& cluster, const InstanceId& instance)
{
    return ecs_arn(cluster.scope, "container-instance/", cluster.name, "/", to_text(instance));
}

std::string container_arn(const Cluster& cluster, const TaskId& task, const ContainerId& container)
{
    return ecs_arn(cluster.scope, "container/", cluster.name, "/", to_text(task), "/", to_uuid_text(container));
}

std::string definition_arn(const TaskDefinition& definition)
{
    return ecs_arn(definition.scope, "task-definition/", definition.family, ":", std::to_string(definition.revision));
}

}  // namespace boxship::model
