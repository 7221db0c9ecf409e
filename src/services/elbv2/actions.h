// What a listener or a rule does with a request: read from the wire, checked, and written back.
#pragma once

#include "services/elbv2/common.h"

namespace boxship::services::elbv2 {

using Actions = std::vector<model::RuleAction>;
using ApiActions = shape::List<api::Action>;

// Exactly one of forward, redirect and fixed-response. Whatever else AWS has (OIDC, Cognito, JWT) is refused with a
// sentence. Forwarding binds the target groups to the listener's load balancer.
Result<Actions> read_actions(const View& view, const Call& call, const model::Listener& listener, const ApiActions& actions);

// The target groups' ARNs, looked up on the state's thread for rendering.
using GroupArns = std::vector<std::pair<TargetGroupId, std::string>>;
void note_groups(const View& view, const Actions& actions, GroupArns& arns);
void write_actions(const Actions& actions, const GroupArns& arns, ApiActions& list);

}  // namespace boxship::services::elbv2
