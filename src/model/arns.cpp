#include "model/arns.h"

#include "base/arn.h"

namespace boxship::model {
namespace {

std::string ecs_arn(const Scope& scope, std::string resource)
{
    return to_text(Arn{"ecs", scope.region, scope.account, std::move(resource)});
}

}  // namespace

std::string cluster_arn(const Cluster& cluster) { return ecs_arn(cluster.scope, "cluster/" + cluster.name); }

std::string task_arn(const Cluster& cluster, const TaskId& task)
{
    return ecs_arn(cluster.scope, "task/" + cluster.name + "/" + to_text(task));
}

std::string instance_arn(const Cluster& cluster, const InstanceId& instance)
{
    return ecs_arn(cluster.scope, "container-instance/" + cluster.name + "/" + to_text(instance));
}

std::string container_arn(const Cluster& cluster, const TaskId& task, const ContainerId& container)
{
    return ecs_arn(cluster.scope, "container/" + cluster.name + "/" + to_text(task) + "/" + to_uuid_text(container));
}

std::string definition_arn(const TaskDefinition& definition)
{
    return ecs_arn(definition.scope, "task-definition/" + definition.family + ":" + std::to_string(definition.revision));
}

}  // namespace boxship::model
