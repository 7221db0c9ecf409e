// The ARNs of rows, in the long form.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/ecs.h"

namespace boxship::model {

std::string cluster_arn(const Cluster& cluster);
std::string task_arn(const Cluster& cluster, const TaskId& task);
std::optional<TaskId> task_of_arn(std::string_view arn);                // the id at its end; nothing: there is none
std::string instance_arn(const Cluster& cluster, const InstanceId& instance);
std::string container_arn(const Cluster& cluster, const TaskId& task, const ContainerId& container);
std::string definition_arn(const TaskDefinition& definition);

// AWS writes the ids of containers and attachments as UUIDs: 8-4-4-4-12.
template <class Tag>
std::string to_uuid_text(const Id<Tag>& id)
{
    const std::string digits = to_text(id);
    std::string text;
    text.reserve(36);
    text.append(digits, 0, 8).append(1, '-').append(digits, 8, 4).append(1, '-').append(digits, 12, 4).append(1, '-');
    return text.append(digits, 16, 4).append(1, '-').append(digits, 20, 12);
}

// arn:aws:ecs:<region>:<account>:attachment/<uuid>
template <class Tag>
std::string attachment_arn(const Scope& scope, const Id<Tag>& attachment)
{
    return "arn:aws:ecs:" + scope.region + ":" + scope.account + ":attachment/" + to_uuid_text(attachment);
}

}  // namespace boxship::model
