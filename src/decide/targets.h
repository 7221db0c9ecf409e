// The targets of target groups: how they come and go, and what is told of their health. Pure: whoever registers or
// deregisters a target (services/elbv2, a service's tasks) puts the row that these functions answer with:
//
//     if (auto target = decide::register_target(txn, *group, "172.31.5.9", 80, "", now)) txn.put(std::move(*target));
//     if (auto target = decide::deregister_target(txn, key, now)) txn.put(std::move(*target));
//
// The data plane follows the rows and writes down what its health checks say (Target::state); control/targets.h forgets
// targets whose deregistration delay is over.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "state/view.h"

namespace boxship::decide {

// nullptr: there is none of that ARN, or of that scope.
std::shared_ptr<const model::TargetGroup> target_group_of(const state::View& view, const model::Scope& scope, std::string_view arn);

// The row to put; nothing when this target is registered already. One that is draining is taken back.
// `port` 0: the group's. `zone`: "" (found out), "all", or a zone's name.
std::optional<model::Target> register_target(const state::View& view, const model::TargetGroup& group, const std::string& id, std::int32_t port,
                                             const std::string& zone, Time now);

// The row to put: draining until the group's deregistration delay is over (no longer than now, when nobody forwards to the
// group). Nothing when it is not registered, or draining already.
std::optional<model::Target> deregister_target(const state::View& view, const model::TargetKey& key, Time now);

struct TargetHealth {
    model::TargetState state = model::TargetState::unused;
    model::TargetReason reason = model::TargetReason::none;
    std::string description;     // AWS's sentence; "" when healthy
};
TargetHealth health_of(const state::View& view, const model::Target& target);
// It may end without failing a request: it is not registered (any more), or nothing is under way to it.
bool is_drained(const state::View& view, const model::TargetKey& key);

// A load balancer's rule or listener forwards to the group.
bool is_attached(const state::View& view, const TargetGroupId& group);
std::vector<LoadBalancerId> load_balancers_of(const state::View& view, const TargetGroupId& group);   // in order, each once

// Where the target answers; nothing when its instance is gone, or has no address in the VPC.
struct TargetAddress {
    std::uint32_t address = 0;
    std::int32_t port = 0;
    bool operator==(const TargetAddress&) const = default;
};
std::optional<TargetAddress> address_of(const state::View& view, const model::Target& target);
// The zone it is in; "" when nothing tells.
std::string zone_of(const state::View& view, const model::TargetGroup& group, const model::Target& target);

struct DrainedTargets {
    std::vector<model::TargetKey> gone;    // their delay is over; at most 64, the rest on the next turn
    std::optional<Time> wake_at;
};
DrainedTargets plan_drained_targets(const state::View& view, Time now);

}  // namespace boxship::decide
