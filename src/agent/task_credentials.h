// The keys of tasks' roles: in memory only, pushed anew by the control plane after a restart of the agent. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "shape/json_value.h"

namespace boxship::agent {

struct RoleCredentials {
    std::string task;              // ARN
    bool execution = false;        // the role of the agent's own work for the task, never shown to containers
    std::string role_arn;
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;
    std::string expiration;        // as it was sent: ISO 8601, never parsed
};

class TaskCredentials {
public:
    // One `roleCredentials` member; returns its id, or "" when there was none.
    std::string put(const std::string& task_arn, bool execution, const shape::Json& credentials);
    std::optional<RoleCredentials> find(const std::string& id) const;
    void drop_task(const std::string& task_arn);

private:
    mutable std::mutex mutex_;
    std::map<std::string, RoleCredentials> by_id_;
};

}  // namespace boxship::agent
