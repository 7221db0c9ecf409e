#include "model/ecs.h"

#include <algorithm>

namespace boxship::model {

const char* to_text(TaskStatus status)
{
    switch (status) {
    case TaskStatus::provisioning: return "PROVISIONING";
    case TaskStatus::pending: return "PENDING";
    case TaskStatus::activating: return "ACTIVATING";
    case TaskStatus::running: return "RUNNING";
    case TaskStatus::deactivating: return "DEACTIVATING";
    case TaskStatus::stopping: return "STOPPING";
    case TaskStatus::deprovisioning: return "DEPROVISIONING";
    case TaskStatus::stopped: return "STOPPED";
    }
    return "";
}

const char* to_text(StopCode code)
{
    switch (code) {
    case StopCode::none: return "";
    case StopCode::task_failed_to_start: return "TaskFailedToStart";
    case StopCode::essential_container_exited: return "EssentialContainerExited";
    case StopCode::user_initiated: return "UserInitiated";
    case StopCode::service_scheduler_initiated: return "ServiceSchedulerInitiated";
    case StopCode::spot_interruption: return "SpotInterruption";
    case StopCode::termination_notice: return "TerminationNotice";
    }
    return "";
}

const char* to_text(ContainerStatus status)
{
    switch (status) {
    case ContainerStatus::pending: return "PENDING";
    case ContainerStatus::running: return "RUNNING";
    case ContainerStatus::stopped: return "STOPPED";
    }
    return "";
}

const char* to_text(Health health)
{
    switch (health) {
    case Health::unknown: return "UNKNOWN";
    case Health::healthy: return "HEALTHY";
    case Health::unhealthy: return "UNHEALTHY";
    }
    return "";
}

Health Task::health() const
{
    bool checked = false, all_healthy = true;
    for (const auto& container : containers) {
        if (!container.checked || !container.essential) continue;
        checked = true;
        if (container.health == Health::unhealthy) return Health::unhealthy;
        all_healthy &= container.health == Health::healthy;
    }
    return checked && all_healthy ? Health::healthy : Health::unknown;
}

bool Task::passes_checks() const
{
    return std::ranges::all_of(containers, [](const auto& container) { return !container.checked || !container.essential || container.health == Health::healthy; });
}

bool Task::ready() const { return status == TaskStatus::running && wanted && (!balanced || in_service) && passes_checks(); }

}  // namespace boxship::model
