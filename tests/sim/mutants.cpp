#include "base/mutant.h"

#include "sim/many.h"

namespace boxship {
namespace {

std::string enabled;

}  // namespace

bool mutant(std::string_view name) { return name == enabled; }

}  // namespace boxship

namespace boxship::sim {

const std::vector<std::pair<std::string, std::string>>& mutants()
{
    static const std::vector<std::pair<std::string, std::string>> list = {
        {"store: answers before the commit", "a caller hears of its write while the journal still writes"},
        {"store: keeps what was built on a failed group", "only the failed group is undone, not the one that ran on it"},
        {"journal: a failed group's rows in a checkpoint", "slices that were taken over a group that failed come into force"},
        {"load: ports are free once the end is asked for", "a host port is given away while its task still stops"},
        {"reports: the interface goes before the task", "an address is free while the task that is to stop still runs"},
        {"lifecycle: a late report takes the status back", "PENDING after RUNNING is believed"},
        {"run_task: the token is not kept", "a repeated RunTask runs again"},
        {"retention: tokens for a minute", "a repeat that comes late runs again"},
        {"front: a stopped task may still ask", "credentials are good after the task's end"},
        {"conversation: a change is lost while an ack is due", "a lost wake-up: the agent hears of the task when it connects again"},
        {"lifecycle: a report of RUNNING is a new wish", "desired STOPPED is taken back by a report that comes late"},
        {"engine: acknowledges before its commit", "the ack is out before the record is written"},
        {"engine: runs on when its instance is given up", "a deregistered host keeps its tasks, whose addresses are free"},
        {"engine: sweeps what runs", "after a restart live containers are taken for nobody's"},
        {"engine: what is said is heard", "a report that was lost is not repeated after a restart"},
        {"record: exit codes are not kept", "an exit code is lost when the agent restarts"},
        {"submitter: tries once", "a report is given up after an error"},
        {"service: maximumPercent forgets those that stop", "tasks that still stop leave no room on paper, and the service starts too many"},
        {"service: maximumPercent is rounded up", "one task more than the percentage allows"},
        {"service: minimumHealthyPercent is not looked at", "older tasks stop before the newer ones serve"},
        {"service: a failed deployment goes on", "a tripped circuit breaker keeps nobody from starting more tasks"},
        {"service: a failure counts twice", "the circuit breaker trips too early"},
        {"service: a pinned digest is forgotten", "a deployment's later tasks run whatever the tag names by then"},
        {"zones: protection is not looked at", "a task that is protected from scale-in makes way for others"},
        {"zones: one makes way before the other serves", "a task ends for one that moves and is not RUNNING yet"},
        {"zones: maximumPercent is not looked at", "more tasks move at a time than the percentage leaves room for"},
        {"rollout: is not completed while old tasks were there", "a deployment that took over from another never ends"},
        {"update_service: a new definition loses the count", "the desired count of an UpdateService with a definition is dropped"},
        {"services: nobody hears that room came up", "a service that waits for room waits for ever"},
        {"next_step: STOPPED before the release", "a task is reported STOPPED while parts of it are on the host"},
    };
    return list;
}

bool enable_mutant(const std::string& name)
{
    for (const auto& [known, what] : mutants())
        if (known == name) {
            enabled = name;
            return true;
        }
    return false;
}

}  // namespace boxship::sim
