// How a deployment goes on and ends: completed, failed, or rolled back to the revision that worked before.
#include <fmt/format.h>

#include "base/mutant.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"

namespace boxship::decide {
namespace {

using model::DeploymentStatus;
using model::RolloutState;

// The newest revision that was completed once, other than the primary; 0 when there is none.
std::int64_t last_completed(const Turn& turn)
{
    const auto& rows = turn.view.rows<model::ServiceRevision>();
    for (auto at = rows.lower_bound({turn.service.id, turn.service.primary}); at != rows.begin();) {
        --at;
        if (at->first.service != turn.service.id) break;
        if (at->second->completed_once) return at->first.number;
    }
    return 0;
}

void end_deployment(Turn& turn, DeploymentStatus status, std::string reason)
{
    if (!turn.deployment) return;
    turn.deployment->status = status;
    turn.deployment->reason = std::move(reason);
    turn.deployment->finished_at = turn.now;
    if (status == DeploymentStatus::stopped || status == DeploymentStatus::rollback_failed) turn.deployment->stopped_at = turn.now;
    turn.changed_deployment();
}

// `cause` begins the sentences of the API: "ECS deployment circuit breaker".
void fail(Turn& turn, const std::string& cause, const std::string& why, bool roll_back)
{
    model::ServiceRevision& failed = turn.primary();
    failed.rollout = RolloutState::failed;
    failed.rollout_reason = fmt::format("{}: {}", cause, why);
    failed.evaluated = false;
    turn.changed(failed);
    turn.tell(say::failed(turn.service, failed.id.number, why));
    const std::int64_t back = roll_back ? last_completed(turn) : 0;
    if (back == 0) {
        end_deployment(turn, roll_back ? DeploymentStatus::rollback_failed : DeploymentStatus::stopped, failed.rollout_reason);
        return;
    }
    model::ServiceRevision& again = *turn.revision(back);
    again.rollout = RolloutState::in_progress;
    again.rollout_reason = fmt::format("{}: rolling back to deploymentId {}.", cause, model::deployment_id(back));
    again.start_failures = 0;
    again.start_after = {};
    turn.changed(again);
    turn.tell(say::rolling_back(turn.service, back));
    turn.service.primary = back;
    turn.service_changed = true;
    if (!turn.deployment) return;
    turn.deployment->status = DeploymentStatus::rollback_in_progress;
    turn.deployment->reason = failed.rollout_reason;
    turn.deployment->rollback_reason = failed.rollout_reason;
    turn.deployment->rollback_started_at = turn.now;
    turn.deployment->rollback_target = back;
    turn.changed_deployment();
}

std::vector<std::string> alarms_among(const Turn& turn, const std::vector<std::string>& names)
{
    std::vector<std::string> found;
    for (const auto& name : names)
        if (const auto row = turn.view.get<model::Alarm>({turn.service.scope, name}); row && row->alarm) found.push_back(name);
    return found;
}

}  // namespace

void begin_deployment(Turn& turn)
{
    if (!turn.deployment) return;
    switch (turn.deployment->status) {
    case DeploymentStatus::pending:
        turn.deployment->status = DeploymentStatus::in_progress;
        turn.deployment->started_at = turn.now;
        // A deployment that is to mend what an alarm tells must be able to.
        turn.deployment->watches_alarms = !turn.deployment->alarm_names.empty() && alarms_among(turn, turn.deployment->alarm_names).empty();
        turn.changed_deployment();
        break;
    case DeploymentStatus::rollback_requested: fail(turn, "ECS deployment stopped", "a rollback was requested.", true); break;
    case DeploymentStatus::stop_requested: fail(turn, "ECS deployment stopped", "it was asked to be stopped.", false); break;
    default: break;
    }
}

void trip(Turn& turn)
{
    model::ServiceRevision& primary = turn.primary();
    const auto& counts = turn.view.counts(primary.id);
    if (counts.ready > 0 && forgets_failures(turn)) {
        primary.failed_tasks = 0;
        turn.changed(primary);
    }
    if (!turn.deployment || turn.deployment->status != DeploymentStatus::in_progress || primary.rollout != RolloutState::in_progress) return;
    if (turn.deployment->watches_alarms) {
        if (auto triggered = alarms_among(turn, turn.deployment->alarm_names); !triggered.empty()) {
            turn.deployment->alarms_triggered = std::move(triggered);
            turn.changed_deployment();
            return fail(turn, "ECS deployment alarms", "alarm detected.", turn.service.rules.alarm_rollback);
        }
    }
    const int threshold = breaker_threshold(turn.service.rules, turn.service.desired);
    if (turn.deployment->failures != primary.failed_tasks || turn.deployment->threshold != threshold) {
        turn.deployment->failures = primary.failed_tasks;
        turn.deployment->threshold = threshold;
        turn.changed_deployment();
    }
    if (!turn.service.rules.breaker || primary.failed_tasks < threshold) return;
    turn.deployment->tripped = true;
    turn.changed_deployment();
    fail(turn, "ECS deployment circuit breaker", "tasks failed to start.", turn.service.rules.rollback);
}

void complete(Turn& turn)
{
    model::ServiceRevision& primary = turn.primary();
    if (primary.rollout != RolloutState::in_progress) return;
    if (mutant("rollout: is not completed while old tasks were there") && turn.deployment && !turn.deployment->sources.empty()) return;
    primary.rollout = RolloutState::completed;
    primary.rollout_reason = fmt::format("ECS deployment {} completed.", model::deployment_id(primary.id.number));
    primary.completed_once = true;
    primary.evaluated = false;
    turn.changed(primary);
    turn.tell(say::completed(turn.service, primary.id.number));
    if (!turn.deployment) return;
    const bool back = turn.deployment->status == DeploymentStatus::rollback_in_progress;
    end_deployment(turn, back ? DeploymentStatus::rollback_successful : DeploymentStatus::successful, turn.deployment->reason);
}

}  // namespace boxship::decide
