#include "decide/placement/placement.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace boxship::decide {

using model::Instance;
using model::InstanceStatus;

namespace {

constexpr std::string_view zone_attribute = "ecs.availability-zone";
constexpr std::string_view interfaces_max_attribute = "boxship.eni-max";

// What a spread by `field` tells apart.
std::string spread_value(const Instance& instance, std::string_view field)
{
    if (field.starts_with("attribute:")) field.remove_prefix(10);
    if (field == zone_attribute) return instance.zone;
    if (field == "instanceId" || field == "host") return to_text(instance.id);
    return std::string(attribute_value(instance, field));
}

// Hosts from outside take only tasks that ask for such hosts; a task that does not fit them is no failure of theirs.
bool of_launch_type(const Instance& instance, model::LaunchType type)
{
    const bool external = has_attribute(instance, "ecs.capability.external");
    return instance.fargate == (type == model::LaunchType::fargate) && external == (type == model::LaunchType::external);
}

struct Candidate {
    std::shared_ptr<const Instance> instance;
    std::vector<std::int64_t> score;   // lowest wins, compared in order
};

int group_tasks(const state::InstanceLoad& load, const std::string& group)
{
    const auto found = load.groups.find(group);
    return found == load.groups.end() ? 0 : found->second;
}

void score_spread(const state::View& view, const std::string& field, const std::string& group, std::vector<Candidate>& candidates)
{
    std::map<std::string, std::int64_t> tasks;
    for (const auto& candidate : candidates)
        tasks[spread_value(*candidate.instance, field)] += group_tasks(view.load(candidate.instance->id), group);
    for (auto& candidate : candidates) candidate.score.push_back(tasks[spread_value(*candidate.instance, field)]);
}

void score_least_loaded(const state::View& view, std::vector<Candidate>& candidates)
{
    for (auto& [instance, score] : candidates) {
        const auto& load = view.load(instance->id);
        const auto share = [](std::int64_t used, std::int32_t total) { return total > 0 ? used * 1000 / total : 1000; };
        score.push_back(std::max(share(load.cpu, instance->cpu), share(load.memory, instance->memory)));
        score.push_back(load.running + load.pending);
    }
}

void score(const state::View& view, const PlacementRequest& request, std::vector<Candidate>& candidates, Ids& ids)
{
    if (request.strategies.empty()) {
        score_spread(view, std::string(zone_attribute), request.group, candidates);
        score_least_loaded(view, candidates);
        return;
    }
    for (const auto& strategy : request.strategies) {
        switch (strategy.type) {
        case StrategyType::spread: score_spread(view, strategy.field, request.group, candidates); break;
        case StrategyType::random:
            for (auto& candidate : candidates) candidate.score.push_back(static_cast<std::int64_t>(ids.number(1u << 30)));
            break;
        case StrategyType::binpack:
            for (auto& [instance, score] : candidates) {
                const auto& load = view.load(instance->id);
                score.push_back(strategy.field == "memory" ? instance->memory - load.memory : instance->cpu - load.cpu);
            }
            break;
        }
    }
}

}  // namespace

std::string_view attribute_value(const Instance& instance, std::string_view name)
{
    const auto found = std::ranges::find(instance.attributes, name, &model::KeyValue::key);
    return found == instance.attributes.end() ? std::string_view() : found->value;
}

bool has_attribute(const Instance& instance, std::string_view wanted)
{
    const auto equals = wanted.find('=');
    if (equals != std::string_view::npos) return attribute_value(instance, wanted.substr(0, equals)) == wanted.substr(equals + 1);
    return std::ranges::find(instance.attributes, wanted, &model::KeyValue::key) != instance.attributes.end();
}

Obstacle obstacle(const state::View& view, const Instance& instance, const Need& need)
{
    if (instance.status != InstanceStatus::active) return {reason::inactive, "the instance does not accept tasks"};
    if (!instance.agent_connected) return {reason::agent, "the agent of the instance is not connected"};
    for (const auto& name : need.attributes)
        if (!has_attribute(instance, name)) return {reason::attribute, "the instance lacks " + name};
    if (!need.zones.empty() && std::ranges::find(need.zones, instance.zone) == need.zones.end())
        return {reason::location, "no subnet of the request is in " + instance.zone};
    const auto& load = view.load(instance.id);
    const auto cpu_free = static_cast<std::int64_t>(instance.cpu * need.cpu_overcommit) - load.cpu;
    if (need.cpu > cpu_free) return {reason::cpu, fmt::format("{} CPU units asked for, {} free", need.cpu, std::max<std::int64_t>(0, cpu_free))};
    const auto memory_free = instance.memory - load.memory;
    if (need.memory > memory_free) return {reason::memory, fmt::format("{} MiB asked for, {} free", need.memory, std::max<std::int64_t>(0, memory_free))};
    for (const auto& port : need.ports) {
        const auto& reserved = port.protocol == model::Protocol::tcp ? instance.ports : instance.ports_udp;
        if (load.ports.contains({port.protocol, port.host_port}) || std::ranges::find(reserved, port.host_port) != reserved.end())
            return {reason::ports, fmt::format("host port {} is taken", port.host_port)};
    }
    if (need.interface) {
        const auto text = attribute_value(instance, interfaces_max_attribute);
        int most = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), most).ec == std::errc() && load.interfaces >= most)
            return {reason::interfaces, fmt::format("{} of {} network interfaces are in use", load.interfaces, most)};
    }
    return {};
}

Placement place(const state::View& view, const PlacementRequest& request, Ids& ids)
{
    Placement placement;
    std::vector<Candidate> candidates;
    for (auto& instance : view.all<state::InstancesByCluster>(request.cluster)) {
        if (instance->status == InstanceStatus::inactive || !of_launch_type(*instance, request.launch_type)) continue;
        Obstacle found = obstacle(view, *instance, request.need);
        if (found.reason.empty() && request.distinct_instance && group_tasks(view.load(instance->id), request.group) > 0)
            found = {reason::distinct, "a task of the same group is there"};
        if (found.reason.empty())
            candidates.push_back({std::move(instance), {}});
        else
            placement.refusals.push_back({instance->id, found.reason, std::move(found.detail)});
    }
    if (candidates.empty()) return placement;
    score(view, request, candidates, ids);
    // Equal scores: the lowest id, which is the order of the index.
    placement.instance = std::ranges::min_element(candidates, {}, &Candidate::score)->instance;
    placement.refusals.clear();
    return placement;
}

}  // namespace boxship::decide
