// The ARNs of rows, in the long form.
#pragma once

#include <string>

#include "model/ecs.h"

namespace boxship::model {

std::string cluster_arn(const Cluster& cluster);
std::string task_arn(const Cluster& cluster, const TaskId& task);
std::string instance_arn(const Cluster& cluster, const InstanceId& instance);
std::string container_arn(const Cluster& cluster, const TaskId& task, const ContainerId& container);
std::string definition_arn(const TaskDefinition& definition);

// AWS writes the ids of containers and attachments as UUIDs: 8-4-4-4-12.
template <class Tag>
std::string to_uuid_text(const Id<Tag>& id)
{
    std::string text = to_text(id);
    for (const std::size_t at : {20, 16, 12, 8}) text.insert(at, 1, '-');
    return text;
}

// arn:aws:ecs:<region>:<account>:attachment/<uuid>
template <class Tag>
std::string attachment_arn(const Scope& scope, const Id<Tag>& attachment)
{
    return "arn:aws:ecs:" + scope.region + ":" + scope.account + ":attachment/" + to_uuid_text(attachment);
}

}  // namespace boxship::model
