#include "model/service.h"

#include <algorithm>

#include "model/arns.h"

namespace boxship::model {

const char* to_text(ServiceStatus status)
{
    switch (status) {
    case ServiceStatus::active: return "ACTIVE";
    case ServiceStatus::draining: return "DRAINING";
    case ServiceStatus::inactive: return "INACTIVE";
    }
    return "";
}

const char* to_text(RolloutState state)
{
    switch (state) {
    case RolloutState::in_progress: return "IN_PROGRESS";
    case RolloutState::completed: return "COMPLETED";
    case RolloutState::failed: return "FAILED";
    }
    return "";
}

const char* to_text(DeploymentStatus status)
{
    switch (status) {
    case DeploymentStatus::pending: return "PENDING";
    case DeploymentStatus::successful: return "SUCCESSFUL";
    case DeploymentStatus::stopped: return "STOPPED";
    case DeploymentStatus::stop_requested: return "STOP_REQUESTED";
    case DeploymentStatus::in_progress: return "IN_PROGRESS";
    case DeploymentStatus::rollback_requested: return "ROLLBACK_REQUESTED";
    case DeploymentStatus::rollback_in_progress: return "ROLLBACK_IN_PROGRESS";
    case DeploymentStatus::rollback_successful: return "ROLLBACK_SUCCESSFUL";
    case DeploymentStatus::rollback_failed: return "ROLLBACK_FAILED";
    }
    return "";
}

namespace {

std::string arn_of(const Cluster& cluster, std::string_view kind, std::string_view name)
{
    std::string text = "arn:aws:ecs:";
    text.append(cluster.scope.region).append(1, ':').append(cluster.scope.account).append(1, ':');
    return text.append(kind).append(1, '/').append(cluster.name).append(1, '/').append(name);
}

}  // namespace

std::string service_arn(const Cluster& cluster, const std::string& name) { return arn_of(cluster, "service", name); }

std::string revision_arn(const Cluster& cluster, const Service& service, std::int64_t revision)
{
    return arn_of(cluster, "service-revision", service.name) + "/" + std::to_string(revision);
}

std::string deployment_arn(const Cluster& cluster, const Service& service, const ServiceDeploymentId& deployment)
{
    return arn_of(cluster, "service-deployment", service.name) + "/" + to_token_text(deployment);
}

std::string deployment_id(std::int64_t revision) { return "ecs-svc/" + std::to_string(revision); }

std::string to_token_text(const ServiceDeploymentId& id)
{
    const auto& raw = id.raw();
    std::string text = to_base64({reinterpret_cast<const char*>(raw.data()), raw.size()});
    text.resize(22);  // without the padding
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    return text;
}

std::optional<ServiceDeploymentId> parse_token_text(std::string_view text)
{
    if (text.size() != 22) return std::nullopt;
    std::string padded(text);
    std::ranges::replace(padded, '-', '+');
    std::ranges::replace(padded, '_', '/');
    const auto bytes = from_base64(padded + "==");
    if (!bytes || bytes->size() != 16) return std::nullopt;
    ServiceDeploymentId::Raw raw;
    std::memcpy(raw.data(), bytes->data(), raw.size());
    return ServiceDeploymentId(raw);
}

}  // namespace boxship::model
