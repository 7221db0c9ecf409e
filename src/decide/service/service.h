// What a service should do next: how many tasks to start and which to stop, so that as many tasks as are desired run, of the
// newest revision, never more than maximumPercent nor (by our own doing) fewer than minimumHealthyPercent of them.
//
// A turn looks at the rows alone, so a turn too many changes nothing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "decide/launch.h"
#include "state/view.h"

namespace boxship::decide {

struct ServicePlan {
    std::optional<model::Service> service;
    std::vector<model::ServiceRevision> revisions;
    std::optional<model::ServiceDeployment> deployment;
    std::vector<model::Task> tasks;              // asked to stop, or settled
    std::vector<std::string> events;
    int starts = 0;                              // tasks of the primary revision, as far as there is room for them
    std::vector<InstanceId> start_on;            // of a DAEMON: where
    std::vector<Text> start_in;                  // zones: beyond the desired count, to take the places of others
    std::optional<Time> wake_at;
};
// At most some sixty writes; what is left is for the next turn, which `wake_at` then asks for at once.
ServicePlan plan_service(const state::View& view, const ServiceId& id, Time now);

// The primary revision's tasks, ready to be made. Nothing when its definition is gone.
std::optional<Launch> launch_of(const state::View& view, const model::Service& service, const model::ServiceRevision& revision,
                                double fargate_overcommit);
PlacementRequest placement_of(const state::View& view, const model::Service& service, const Launch& launch);

// The capacity provider of the next task: first the base, then whoever is furthest behind its weight.
std::string next_provider(const std::vector<model::ProviderShare>& shares, const std::map<std::string, int>& tasks);

// What the service waits for; "" when it waits for nothing. Said once, until it is something else. False: it is what it was.
bool complain(model::Service& service, const std::string& complaint, std::vector<std::string>& events, Time now);

// Whether what runs on an instance may decide if a task of the DAEMON service belongs there.
bool depends_on_tasks(const state::View& view, const model::Service& service);

// How the percentages count: the least that must be RUNNING is rounded up, the most that may be there down.
constexpr int least_running(int desired, int minimum_percent) { return static_cast<int>((std::int64_t{desired} * minimum_percent + 99) / 100); }
constexpr int most_live(int desired, int maximum_percent) { return static_cast<int>(std::int64_t{desired} * maximum_percent / 100); }

// Failures at which a deployment counts as failed.
int breaker_threshold(const model::RolloutRules& rules, int desired);
// How long to wait after so many tasks that never came to RUNNING.
Milliseconds throttle(int start_failures, int desired);

constexpr Milliseconds throttle_max = std::chrono::minutes(27);
constexpr int events_kept = 100;

}  // namespace boxship::decide
