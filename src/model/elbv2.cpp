#include "model/elbv2.h"

namespace boxship::model {

const char* to_text(TargetState state)
{
    switch (state) {
    case TargetState::initial: return "initial";
    case TargetState::healthy: return "healthy";
    case TargetState::unhealthy: return "unhealthy";
    case TargetState::draining: return "draining";
    case TargetState::unused: return "unused";
    }
    return "";
}

const char* to_text(TargetReason reason)
{
    switch (reason) {
    case TargetReason::none: return "";
    case TargetReason::registration_in_progress: return "Elb.RegistrationInProgress";
    case TargetReason::initial_health_checking: return "Elb.InitialHealthChecking";
    case TargetReason::response_code_mismatch: return "Target.ResponseCodeMismatch";
    case TargetReason::timeout: return "Target.Timeout";
    case TargetReason::failed_health_checks: return "Target.FailedHealthChecks";
    case TargetReason::not_registered: return "Target.NotRegistered";
    case TargetReason::not_in_use: return "Target.NotInUse";
    case TargetReason::deregistration_in_progress: return "Target.DeregistrationInProgress";
    case TargetReason::invalid_state: return "Target.InvalidState";
    case TargetReason::ip_unusable: return "Target.IpUnusable";
    case TargetReason::health_check_disabled: return "Target.HealthCheckDisabled";
    }
    return "";
}

}  // namespace boxship::model
