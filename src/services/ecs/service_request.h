// What CreateService and UpdateService have in common: members that are refused, the deployment configuration, and the
// revision that comes of what is asked.
#pragma once

#include "services/ecs/capacity.h"
#include "services/ecs/launch.h"

namespace boxship::services::ecs {

// Of either request. What belongs to other deployment controllers, meshes and volumes is an error that names it.
template <class Request>
Result<> refuse_unsupported_members(const Request& request);
extern template Result<> refuse_unsupported_members(const api::CreateServiceRequest&);
extern template Result<> refuse_unsupported_members(const api::UpdateServiceRequest&);

struct Rollout {
    model::RolloutRules rules;
    std::string configuration;               // JSON
};
// What is asked over what there was ("" nothing); what neither says is AWS's default.
Result<Rollout> read_rollout(const shape::Box<api::DeploymentConfiguration>& asked, const std::string& before, model::Scheduling scheduling);

// Everything of a service that only a new revision changes.
struct RevisionWish {
    std::string cluster;                     // as the request names it
    std::string definition;                  // ARN, family or family:revision
    LaunchTarget target;
    shape::Box<api::NetworkConfiguration> network;
    std::string platform_version;
    shape::List<api::LoadBalancer> load_balancers;
};
RevisionWish wish_of(const View& view, const model::Service& service, const model::ServiceRevision& revision);   // the same again

// Checks the wish and makes the row, which is not put yet.
Result<model::ServiceRevision> make_revision(Txn& txn, const Call& call, const model::Service& service, const RevisionWish& wish);
bool same_content(const model::ServiceRevision& a, const model::ServiceRevision& b);

// Makes the revision the primary one; a deployment to it begins, and one that is under way ends.
void deploy(Txn& txn, const Call& call, model::Service& service, model::ServiceRevision revision);
// Ends the service's deployment, if one is under way.
void stop_deployment(Txn& txn, const model::Service& service, const char* reason, Time now);

Result<> check_desired(const Call& call, std::int32_t count);    // neither negative nor beyond the quota
Result<> set_grace_period(std::int32_t seconds, const model::ServiceRevision& revision, model::Service& service);

bool may_rebalance(const model::Service& service);    // whether its members allow to move tasks between zones
// enabled where it is not said and the service's other members allow it.
Result<bool> read_rebalancing(const shape::Opt<api::AvailabilityZoneRebalancing>& asked, const model::Service& service);

}  // namespace boxship::services::ecs
