// A service's tasks in its target groups: registered when they serve, deregistered and drained before they end. What a task
// is to its load balancers stands in its own row (in_service, unwell, draining), for the deciding that follows.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "state/view.h"

namespace boxship::decide {

struct BalancePlan {
    std::vector<model::Task> tasks;
    std::vector<model::Target> targets;
    std::vector<std::string> events;
    std::vector<TaskId> looked_at;               // the others are for the next turn
};
// At most some fifty writes.
BalancePlan plan_balance(const state::View& view, const model::Service& service, const std::set<TaskId>& tasks, Time now);

// Whether a target group still has the task, which has ended, among those that serve.
bool is_registered(const state::View& view, const model::Service& service, const model::Task& task);

// Where a load balancer's checks find a task unhealthy, and what they say; nothing when they do not.
struct Unwell {
    std::string group_arn, instance;             // instance: "i-…", of targets that are instances
    std::int32_t port = 0;
    std::string reason;
};
std::optional<Unwell> what_is_unwell(const state::View& view, const model::Service& service, const model::Task& task);

}  // namespace boxship::decide
