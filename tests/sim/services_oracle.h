// What must hold of services at every moment: how many tasks, of which revision, which of them are stopped, what counts as
// a failure. It is told of every row in the order in which it was written, so it sees what the deciding saw.
#pragma once

#include <map>
#include <set>

#include "model/ecs.h"
#include "model/service.h"
#include "sim/stage.h"

namespace boxship::sim {

class Oracle;

class ServicesOracle {
public:
    ServicesOracle(Stage& stage, const Oracle& oracle) : stage_(stage), oracle_(oracle) {}

    // A row that is written; true when it was of a service. And of tasks, once they are as they will be.
    bool row(std::uint8_t table, bool erased, std::string_view key, std::string_view bytes);
    void task(const model::Task* before, const model::Task& after);
    void group_over();

    const std::map<ServiceId, model::Service>& services() const { return services_; }
    const std::map<model::RevisionKey, model::ServiceRevision>& revisions() const { return revisions_; }
    const std::map<ServiceDeploymentId, model::ServiceDeployment>& deployments() const { return deployments_; }
    // The newest of a name in the default cluster; nullptr.
    const model::Service* named(const std::string& name) const;
    const model::ServiceRevision* primary_of(const model::Service& service) const;
    int desired_of(const model::Service& service) const;     // of a DAEMON: the instances that should have a task

    int threshold_of(const model::Service& service) const;   // of the circuit breaker

    static int least_ready(int desired, int minimum_percent);
    static int most_there(int desired, int maximum_percent);

private:
    struct Failures {
        int counted = 0, never_ran = 0;      // settled, and not yet seen in the revision's row
    };
    void service(const model::Service* before, const model::Service& after);
    void revision(const model::ServiceRevision* before, const model::ServiceRevision& after);
    void deployment(const model::ServiceDeployment* before, const model::ServiceDeployment& after);
    void check_failures(const model::ServiceRevision& before, const model::ServiceRevision& after);
    void check_trip(const model::ServiceRevision& revision);
    void started(const model::Task& task);
    void in_service(const model::Task& task);
    void stopped_by_scheduler(const model::Task& before, const model::Task& task);
    void settled(const model::Task& task);
    bool belongs(const model::Task& task) const;             // where it runs it may stay

    Stage& stage_;
    const Oracle& oracle_;
    std::map<ServiceId, model::Service> services_;
    std::map<model::RevisionKey, model::ServiceRevision> revisions_;
    std::map<ServiceDeploymentId, model::ServiceDeployment> deployments_;
    std::map<model::RevisionKey, Failures> failures_;
};

}  // namespace boxship::sim
