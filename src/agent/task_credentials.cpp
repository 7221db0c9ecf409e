#include "agent/task_credentials.h"

namespace boxship::agent {

std::string TaskCredentials::put(const std::string& task_arn, bool execution, const shape::Json& credentials)
{
    const std::string id = credentials.get_string("credentialsId");
    if (id.empty() || credentials.get_string("accessKeyId").empty()) return {};
    const std::lock_guard lock(mutex_);
    by_id_[id] = {task_arn, execution, credentials.get_string("roleArn"), credentials.get_string("accessKeyId"),
                  credentials.get_string("secretAccessKey"), credentials.get_string("sessionToken"), credentials.get_string("expiration")};
    return id;
}

std::optional<RoleCredentials> TaskCredentials::find(const std::string& id) const
{
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    if (at == by_id_.end()) return std::nullopt;
    return at->second;
}

void TaskCredentials::drop_task(const std::string& task_arn)
{
    const std::lock_guard lock(mutex_);
    std::erase_if(by_id_, [&](const auto& entry) { return entry.second.task == task_arn; });
}

}  // namespace boxship::agent
