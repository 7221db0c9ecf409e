// A task as its host's agent is told of it: the PayloadMessage's entry, made of rows. Pure; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "model/ecs.h"
#include "model/network.h"
#include "state/view.h"
#include "wire/acs/task.h"
#include "wire/sigv4.h"

namespace boxship::drive {

// The rows that an assignment is made of; shared, immutable.
struct Assignment {
    std::shared_ptr<const model::Task> task;
    std::shared_ptr<const model::TaskDefinition> definition;
    std::shared_ptr<const model::Cluster> cluster;
    std::shared_ptr<const model::Eni> eni;          // nullptr: no network interface of its own
    std::shared_ptr<const model::Subnet> subnet;
    std::shared_ptr<const model::Vpc> vpc;
};
// Nothing when the task's rows are not all there (it is being forgotten).
std::optional<Assignment> find_assignment(const state::View& view, const std::shared_ptr<const model::Task>& task);

struct RoleCredentials {
    std::string id;           // credentialsId: the same for the life of task and role
    std::string role_arn;
    sigv4::Credentials keys;
    Time expires_at;
};
acs::Credentials credentials_payload(const RoleCredentials& credentials);

struct PayloadContext {
    std::optional<RoleCredentials> task_role;
    std::optional<RoleCredentials> execution_role;
    std::string registry_host;                      // whose images are pulled with the host's own token
    std::string endpoint;                           // of this API
};
acs::Task task_payload(const Assignment& assignment, const PayloadContext& context);

// True for an image in the platform's own registry, under any of its names.
bool is_own_image(const std::string& image, const std::string& registry_host, const std::string& account);

}  // namespace boxship::drive
