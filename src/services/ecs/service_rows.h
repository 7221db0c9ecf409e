// A service with everything that its description shows.
#pragma once

#include "services/ecs/rows.h"

namespace boxship::services::ecs {

using RevisionPtr = std::shared_ptr<const model::ServiceRevision>;
using EventPtr = std::shared_ptr<const model::ServiceEvent>;

struct RevisionRow {
    RevisionPtr revision;
    state::RevisionCounts counts;
};
struct ServiceRow {
    ServicePtr service;
    ClusterPtr cluster;
    std::vector<RevisionRow> revisions;       // the primary one, then those that still have tasks, newest first
    std::vector<EventPtr> events;             // newest first
};
ServiceRow service_row(const View& view, ServicePtr service);
void render_service(const ServiceRow& row, bool tags, api::Service& out);

// The parts that services and their revisions show alike.
void render_providers(const model::ServiceRevision& revision, shape::List<api::CapacityProviderStrategyItem>& out);
shape::List<api::LoadBalancer> load_balancers_of(const model::ServiceRevision& revision);

}  // namespace boxship::services::ecs
