#include "decide/service/sentences.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace boxship::decide::say {
namespace {

constexpr const char* see_more = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

std::string list(const std::vector<TaskId>& tasks)
{
    std::string text;
    for (const auto& task : tasks) text += (text.empty() ? "(task " : " (task ") + to_text(task) + ")";
    return text;
}

// Nearest first: an instance that lacks a little of what a task needs came closer than one that is not there to be asked.
constexpr std::array near = {reason::ports, reason::memory, reason::cpu, reason::interfaces, reason::distinct, reason::attribute, reason::location, reason::agent};

std::string lacks(std::string_view found)
{
    if (found == reason::ports) return "is already using a port required by your task";
    if (found == reason::memory) return "has insufficient memory available";
    if (found == reason::cpu) return "has insufficient CPU units available";
    if (found == reason::attribute) return "is missing an attribute required by your task";
    return fmt::format("encountered error \"{}\"", found);
}

// "2 tasks in us-east-1a, 0 in us-east-1b, and 1 in us-east-1c"; `each`: "tasks" behind every number.
std::string list(const std::map<Text, int>& zones, bool each)
{
    std::string text;
    std::size_t n = 0;
    for (const auto& [zone, count] : zones) {
        const bool last = ++n == zones.size();
        if (n > 1) text += last ? (n > 2 ? ", and " : " and ") : ", ";
        text += fmt::format("{}{} in {}", count, n == 1 || each ? " tasks" : "", zone);
    }
    return text;
}

}  // namespace

std::string zones_uneven(const model::Service& service, const std::map<Text, int>& zones)
{
    return fmt::format("(service {}) is not AZ balanced with {}. AZ Rebalancing in progress.", service.name, list(zones, false));
}

std::string zones_even(const model::Service& service, const std::map<Text, int>& zones)
{
    return fmt::format("(service {}) is AZ balanced with {}.", service.name, list(zones, true));
}

std::string zones_given_up(const model::Service& service) { return fmt::format("(service {}) stopped AZ Rebalancing.", service.name); }

std::string started_in(const model::Service& service, const Text& zone, const std::vector<TaskId>& tasks)
{
    return fmt::format("(service {}) has started {} tasks in {} to AZ Rebalance: {}.", service.name, tasks.size(), zone, list(tasks));
}

std::string stopped_in(const model::Service& service, const Text& zone, const std::vector<TaskId>& tasks)
{
    return fmt::format("(service {}) has stopped {} running tasks in {} due to AZ rebalancing: {}.", service.name, tasks.size(), zone, list(tasks));
}

std::string no_place_in(const model::Service& service, const Text& zone)
{
    const bool fargate = service.launch_type == model::LaunchType::fargate;
    return fmt::format("(service {}) is unable to place a task in {}{}.", service.name, zone,
                       fargate ? "" : " because no container instance met all of its requirements");
}

std::string cannot_move(const model::Service& service)
{
    return fmt::format("(service {}) was unable to AZ Rebalance because it was unable to scale in due to task protection.", service.name);
}

std::string cannot_scale_in(const model::Service& service)
{
    return fmt::format("(service {}) was unable to reach steady state because task set ({}) was unable to scale in. Reason: The number of protected tasks "
                       "are more than the desired count of tasks.",
                       service.name, model::deployment_id(service.primary));
}

std::string draining(const model::Service& service, int tasks) { return fmt::format("(service {}) has begun draining connections on {} tasks.", service.name, tasks); }

std::string steady(const model::Service& service) { return fmt::format("(service {}) has reached a steady state.", service.name); }

std::string started(const model::Service& service, const std::vector<TaskId>& tasks)
{
    return fmt::format("(service {}) has started {} tasks: {}.", service.name, tasks.size(), list(tasks));
}

std::string stopped(const model::Service& service, const std::vector<TaskId>& tasks)
{
    return fmt::format("(service {}) has stopped {} running tasks: {}.", service.name, tasks.size(), list(tasks));
}

std::string targets(const model::Service& service, const char* what, int count, const std::string& group_arn)
{
    return fmt::format("(service {}) {} {} targets in (target-group {})", service.name, what, count, group_arn);
}

std::string unhealthy(const model::Service& service, const TaskId& task)
{
    return fmt::format("(service {}) (task {}) failed container health checks.", service.name, to_text(task));
}

std::string unwell(const model::Service& service, const TaskId& task, const Unwell& what)
{
    return fmt::format("(service {}) (task {}){} (port {}) is unhealthy in (target-group {}) due to (reason {})", service.name, to_text(task),
                       what.instance.empty() ? "" : " (instance " + what.instance + ")", what.port, what.group_arn, what.reason);
}

std::string throttled(const model::Service& service)
{
    return fmt::format("(service {}) is unable to consistently start tasks successfully. {}", service.name, see_more);
}

std::string stuck(const model::Service& service)
{
    return fmt::format("(service {}) was unable to stop or start tasks during a deployment because of the service deployment configuration. "
                       "Update the minimumHealthyPercent or maximumPercent value and try again.",
                       service.name);
}

std::string completed(const model::Service& service, std::int64_t revision)
{
    return fmt::format("(service {}) (deployment {}) deployment completed.", service.name, model::deployment_id(revision));
}

std::string failed(const model::Service& service, std::int64_t revision, const std::string& why)
{
    return fmt::format("(service {}) (deployment {}) deployment failed: {}", service.name, model::deployment_id(revision), why);
}

std::string rolling_back(const model::Service& service, std::int64_t revision)
{
    return fmt::format("(service {}) rolling back to deployment {}.", service.name, model::deployment_id(revision));
}

std::string no_place(const model::Service& service, const Placement& placement)
{
    if (service.launch_type == model::LaunchType::fargate)
        return fmt::format("(service {}) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a "
                           "different availability zone. {}",
                           service.name, see_more);
    const std::string start =
        fmt::format("(service {}) was unable to place a task because no container instance met all of its requirements.", service.name);
    const Placement::Refusal* closest = nullptr;
    std::ptrdiff_t best = near.size();
    for (const auto& refusal : placement.refusals) {
        const auto rank = std::ranges::find(near, refusal.reason) - near.begin();
        if (closest && rank >= best) continue;
        closest = &refusal;
        best = rank;
    }
    if (!closest) return start + " Reason: No Container Instances were found in your cluster. " + see_more;
    return fmt::format("{} The closest matching (container-instance {}) {}. {}", start, to_text(closest->instance), lacks(closest->reason), see_more);
}

std::string no_addresses(const model::Service& service)
{
    return fmt::format("(service {}) was unable to place a task. Reason: no subnet of the service has a free address.", service.name);
}

}  // namespace boxship::decide::say
