// Conclusions from tasks that ended: failures of the deployment, and the throttle of starts.
#include <algorithm>

#include "base/mutant.h"
#include "decide/service/balance.h"
#include "decide/service/sentences.h"
#include "decide/service/turn.h"

namespace boxship::decide {
namespace {

// It never came to RUNNING, and nobody wanted that.
bool failed_to_start(const model::Task& task)
{
    if (task.started_at) return false;
    return task.stop_code == model::StopCode::task_failed_to_start || task.stop_code == model::StopCode::essential_container_exited;
}

bool failed_its_checks(const model::Task& task)
{
    return task.stop_code == model::StopCode::service_scheduler_initiated && task.stopped_reason.starts_with("Task failed ");
}

void count_failure(Turn& turn, model::ServiceRevision& revision, bool never_ran)
{
    if (revision.evaluated) revision.failed_tasks += mutant("service: a failure counts twice") ? 2 : 1;
    if (never_ran) {
        ++revision.start_failures;
        const int desired = std::max(1, turn.service.desired);
        revision.start_after = turn.now + throttle(revision.start_failures, desired);
        if (revision.start_failures == 3 * desired) turn.tell(say::throttled(turn.service));
    }
    turn.changed(revision);
}

}  // namespace

bool settle(Turn& turn)
{
    int settled = 0;
    bool all = true;
    turn.view.visit<state::UnsettledTasks>(turn.service.id, [&](const TaskId& id) {
        if (settled == settled_max) {
            turn.wake(turn.now);
            return all = false;
        }
        const auto row = turn.view.get<model::Task>(id);
        // What is settled nobody looks at again: first it leaves its target groups (plan_balance), which tells an event.
        if (row->balanced && is_registered(turn.view, turn.service, *row)) {
            all = false;
            return true;
        }
        ++settled;
        model::Task& task = turn.plan.tasks.emplace_back(*row);
        task.settled = true;
        model::ServiceRevision* revision = turn.revision(task.revision);
        if (!revision) return true;
        if (failed_to_start(task)) count_failure(turn, *revision, true);
        else if (failed_its_checks(task)) count_failure(turn, *revision, false);
        return true;
    });
    return all;
}

// Its first task that knows which image it runs decides for all of the revision.
void pin_digests(Turn& turn)
{
    model::ServiceRevision& primary = turn.primary();
    if (primary.unpinned.empty() || turn.view.counts(primary.id).digested == 0) return;
    turn.view.visit<state::TasksByService>(turn.service.id, [&](const TaskId& id) {
        const auto task = turn.view.get<model::Task>(id);
        if (task->revision != primary.id.number) return true;
        for (const auto& container : task->containers) {
            const auto found = std::ranges::find(primary.unpinned, container.name);
            if (container.image_digest.empty() || found == primary.unpinned.end()) continue;
            primary.digests.push_back({container.name.str(), container.image_digest.str()});
            primary.unpinned.erase(found);
            turn.changed(primary);
        }
        return !primary.unpinned.empty();
    });
}

bool forgets_failures(Turn& turn)
{
    const model::ServiceRevision& primary = turn.primary();
    return turn.service.rules.reset_on_healthy && primary.failed_tasks > 0 && primary.rollout != model::RolloutState::failed;
}

void forget_failures(Turn& turn)
{
    model::ServiceRevision& primary = turn.primary();
    const bool reset = forgets_failures(turn);
    if (primary.start_failures == 0 && !reset) return;
    primary.start_failures = 0;
    primary.start_after = {};
    if (reset) primary.failed_tasks = 0;
    turn.changed(primary);
}

}  // namespace boxship::decide
