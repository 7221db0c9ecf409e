#include "decide/placement/score.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

namespace boxship::decide {

using model::Instance;
using model::InstanceStatus;

namespace {

constexpr std::string_view interfaces_max_attribute = "boxship.eni-max";

Step step_of(const Strategy& strategy)
{
    switch (strategy.type) {
    case StrategyType::random: return {Step::By::random, {}};
    case StrategyType::binpack: return {strategy.field == "memory" ? Step::By::memory_left : Step::By::cpu_left, {}};
    case StrategyType::spread: break;
    }
    std::string_view field = strategy.field;
    if (field == "instanceId" || field == "host") return {Step::By::host_tasks, {}};
    if (field.starts_with("attribute:")) field.remove_prefix(10);
    return {Step::By::attribute_tasks, field};
}

std::int32_t narrow(std::int64_t value)
{
    using Limits = std::numeric_limits<std::int32_t>;
    return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, Limits::min(), Limits::max()));
}

template <class... Args>
void say(std::string* detail, fmt::format_string<Args...> format, Args&&... args)
{
    if (detail) *detail = fmt::format(format, std::forward<Args>(args)...);
}

std::string_view unsatisfied(const query::Expression& constraint, std::string* detail)
{
    say(detail, "it is not a member of {}", constraint.text());
    return reason::member;
}

}  // namespace

std::vector<Step> steps_of(const std::vector<Strategy>& strategies)
{
    std::vector<Step> steps;
    if (strategies.empty()) steps.push_back({Step::By::attribute_tasks, zone_attribute});
    for (const auto& strategy : strategies) {
        if (steps.size() == steps_max) break;
        steps.push_back(step_of(strategy));
        if (strategy.type == StrategyType::random) break;
    }
    const bool spread_last = steps.back().by == Step::By::attribute_tasks || steps.back().by == Step::By::host_tasks;
    if (spread_last && steps.size() + 2 <= steps_max) {
        steps.push_back({Step::By::share_taken, {}});
        steps.push_back({Step::By::tasks, {}});
    }
    return steps;
}

std::int32_t own_part(const Step& step, const Instance& instance, const state::InstanceLoad& load, const Text& group)
{
    const auto share = [](std::int64_t used, std::int32_t total) { return total > 0 ? used * 1000 / total : 1000; };
    switch (step.by) {
    case Step::By::attribute_tasks:
    case Step::By::random: return 0;
    case Step::By::host_tasks: return group_tasks(load, group);
    case Step::By::cpu_left: return narrow(instance.cpu - load.cpu);
    case Step::By::memory_left: return narrow(instance.memory - load.memory);
    case Step::By::share_taken: return narrow(std::max(share(load.cpu, instance.cpu), share(load.memory, instance.memory)));
    case Step::By::tasks: return load.running + load.pending;
    }
    return 0;
}

std::string_view spread_value(const Instance& instance, std::string_view attribute)
{
    return attribute == zone_attribute ? std::string_view(instance.zone) : attribute_value(instance, attribute);
}

int group_tasks(const state::InstanceLoad& load, const Text& group)
{
    const auto found = load.groups.find(group);
    return found == load.groups.end() ? 0 : found->second;
}

// Hosts from outside take only tasks that ask for such hosts; a task that does not fit them is no failure of theirs.
bool is_candidate(const Instance& instance, const PlacementRequest& request)
{
    return instance.cluster == request.cluster && instance.status != InstanceStatus::inactive &&
           instance.fargate == (request.launch_type == model::LaunchType::fargate) &&
           instance.external == (request.launch_type == model::LaunchType::external);
}

std::string_view fixed_obstacle(const Instance& instance, const PlacementRequest& request, std::string* detail)
{
    if (instance.status != InstanceStatus::active) {
        say(detail, "the instance does not accept tasks");
        return reason::inactive;
    }
    if (!instance.agent_connected) {
        say(detail, "the agent of the instance is not connected");
        return reason::agent;
    }
    const auto& need = request.need;
    if (!need.zones.empty() && std::ranges::find(need.zones, instance.zone) == need.zones.end()) {
        say(detail, "no subnet of the request is in {}", instance.zone);
        return reason::location;
    }
    for (const auto& name : need.attributes) {
        if (has_attribute(instance, name)) continue;
        say(detail, "the instance lacks {}", name);
        return reason::attribute;
    }
    static const state::InstanceLoad any;  // it does not matter to them
    for (const auto* constraints : {&need.constraints, &request.constraints})
        for (const auto& constraint : *constraints)
            if (!constraint->by_load() && !constraint->selects(instance, any)) return unsatisfied(*constraint, detail);
    return {};
}

std::string_view load_obstacle(const Instance& instance, const state::InstanceLoad& load, const PlacementRequest& request, std::string* detail)
{
    const auto& need = request.need;
    const auto cpu_left = static_cast<std::int64_t>(instance.cpu * need.cpu_overcommit) - load.cpu;
    if (need.cpu > cpu_left) {
        say(detail, "{} CPU units asked for, {} free", need.cpu, std::max<std::int64_t>(0, cpu_left));
        return reason::cpu;
    }
    const auto memory_left = instance.memory - load.memory;
    if (need.memory > memory_left) {
        say(detail, "{} MiB asked for, {} free", need.memory, std::max<std::int64_t>(0, memory_left));
        return reason::memory;
    }
    for (const auto& port : need.ports) {
        const auto& reserved = port.protocol == model::Protocol::tcp ? instance.ports : instance.ports_udp;
        if (!load.ports.contains({port.protocol, port.host_port}) && std::ranges::find(reserved, port.host_port) == reserved.end()) continue;
        say(detail, "host port {} is taken", port.host_port);
        return reason::ports;
    }
    if (need.interface) {
        const auto text = attribute_value(instance, interfaces_max_attribute);
        int most = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), most).ec == std::errc() && load.interfaces >= most) {
            say(detail, "{} of {} network interfaces are in use", load.interfaces, most);
            return reason::interfaces;
        }
    }
    if (request.distinct_instance && group_tasks(load, request.group) > 0) {
        say(detail, "a task of the same group is there");
        return reason::distinct;
    }
    for (const auto* constraints : {&need.constraints, &request.constraints})
        for (const auto& constraint : *constraints)
            if (constraint->by_load() && !constraint->selects(instance, load)) return unsatisfied(*constraint, detail);
    return {};
}

}  // namespace boxship::decide
