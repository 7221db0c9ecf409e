#include "decide/placement/placement.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include <fmt/format.h>

namespace boxship::decide {

using model::Instance;
using model::InstanceStatus;

namespace {

constexpr std::string_view zone_attribute = "ecs.availability-zone";
constexpr std::string_view interfaces_max_attribute = "boxship.eni-max";

// Hosts from outside take only tasks that ask for such hosts; a task that does not fit them is no failure of theirs.
bool of_launch_type(const Instance& instance, model::LaunchType type)
{
    return instance.fargate == (type == model::LaunchType::fargate) && instance.external == (type == model::LaunchType::external);
}

constexpr std::size_t scores_max = 8;  // the five strategies that a request may name, and what breaks ties

struct Candidate {
    std::shared_ptr<const Instance> instance;
    const state::InstanceLoad* load = nullptr;
    std::array<std::int64_t, scores_max> score{};   // lowest wins, compared in order
    std::size_t scores = 0;

    void add(std::int64_t value) { if (scores < scores_max) score[scores++] = value; }
};
using Candidates = std::vector<Candidate>;

int group_tasks(const state::InstanceLoad& load, const std::string& group)
{
    const auto found = load.groups.find(group);
    return found == load.groups.end() ? 0 : found->second;
}

void score_spread(std::string_view field, const std::string& group, Candidates& candidates)
{
    if (field == "instanceId" || field == "host") {
        for (auto& candidate : candidates) candidate.add(group_tasks(*candidate.load, group));
        return;
    }
    if (field.starts_with("attribute:")) field.remove_prefix(10);
    const auto value_of = [&](const Instance& instance) -> std::string_view {
        return field == zone_attribute ? std::string_view(instance.zone) : attribute_value(instance, field);
    };
    std::map<std::string_view, std::int64_t> tasks;
    for (const auto& candidate : candidates) tasks[value_of(*candidate.instance)] += group_tasks(*candidate.load, group);
    for (auto& candidate : candidates) candidate.add(tasks[value_of(*candidate.instance)]);
}

void score_least_loaded(Candidates& candidates)
{
    for (auto& candidate : candidates) {
        const auto& [instance, load] = std::tie(*candidate.instance, *candidate.load);
        const auto share = [](std::int64_t used, std::int32_t total) { return total > 0 ? used * 1000 / total : 1000; };
        candidate.add(std::max(share(load.cpu, instance.cpu), share(load.memory, instance.memory)));
        candidate.add(load.running + load.pending);
    }
}

void score(const PlacementRequest& request, Candidates& candidates, Ids& ids)
{
    if (request.strategies.empty()) {
        score_spread(zone_attribute, request.group, candidates);
        score_least_loaded(candidates);
        return;
    }
    for (const auto& strategy : request.strategies) {
        switch (strategy.type) {
        case StrategyType::spread: score_spread(strategy.field, request.group, candidates); break;
        case StrategyType::random:
            for (auto& candidate : candidates) candidate.add(static_cast<std::int64_t>(ids.number(1u << 30)));
            break;
        case StrategyType::binpack:
            for (auto& candidate : candidates) {
                const auto& [instance, load] = std::tie(*candidate.instance, *candidate.load);
                candidate.add(strategy.field == "memory" ? instance.memory - load.memory : instance.cpu - load.cpu);
            }
            break;
        }
    }
}

// What is cheap to see, before what takes a walk through the attributes.
Obstacle resource_obstacle(const Instance& instance, const state::InstanceLoad& load, const Need& need)
{
    if (instance.status != InstanceStatus::active) return {reason::inactive, "the instance does not accept tasks"};
    if (!instance.agent_connected) return {reason::agent, "the agent of the instance is not connected"};
    if (!need.zones.empty() && std::ranges::find(need.zones, instance.zone) == need.zones.end())
        return {reason::location, "no subnet of the request is in " + instance.zone};
    const auto cpu_free = static_cast<std::int64_t>(instance.cpu * need.cpu_overcommit) - load.cpu;
    if (need.cpu > cpu_free)
        return {reason::cpu, fmt::format("{} CPU units asked for, {} free", need.cpu, std::max<std::int64_t>(0, cpu_free))};
    const auto memory_free = instance.memory - load.memory;
    if (need.memory > memory_free)
        return {reason::memory, fmt::format("{} MiB asked for, {} free", need.memory, std::max<std::int64_t>(0, memory_free))};
    for (const auto& port : need.ports) {
        const auto& reserved = port.protocol == model::Protocol::tcp ? instance.ports : instance.ports_udp;
        if (load.ports.contains({port.protocol, port.host_port}) || std::ranges::find(reserved, port.host_port) != reserved.end())
            return {reason::ports, fmt::format("host port {} is taken", port.host_port)};
    }
    return {};
}

Obstacle attribute_obstacle(const Instance& instance, const state::InstanceLoad& load, const Need& need)
{
    for (const auto& name : need.attributes)
        if (!has_attribute(instance, name)) return {reason::attribute, "the instance lacks " + name};
    if (need.interface) {
        const auto text = attribute_value(instance, interfaces_max_attribute);
        int most = 0;
        if (std::from_chars(text.data(), text.data() + text.size(), most).ec == std::errc() && load.interfaces >= most)
            return {reason::interfaces, fmt::format("{} of {} network interfaces are in use", load.interfaces, most)};
    }
    return {};
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
    const auto& load = view.load(instance.id);
    const Obstacle found = resource_obstacle(instance, load, need);
    return found.reason.empty() ? attribute_obstacle(instance, load, need) : found;
}

Placement place(const state::View& view, const PlacementRequest& request, Ids& ids)
{
    Placement placement;
    const auto refuse = [&](const Instance& instance, Obstacle found) {
        placement.refusals.push_back({instance.id, found.reason, std::move(found.detail)});
    };
    Candidates candidates;
    for (auto& instance : view.all<state::InstancesByCluster>(request.cluster)) {
        if (instance->status == InstanceStatus::inactive || !of_launch_type(*instance, request.launch_type)) continue;
        const auto& load = view.load(instance->id);
        Obstacle found = resource_obstacle(*instance, load, request.need);
        if (found.reason.empty() && request.distinct_instance && group_tasks(load, request.group) > 0)
            found = {reason::distinct, "a task of the same group is there"};
        if (found.reason.empty())
            candidates.push_back({std::move(instance), &load});
        else
            refuse(*instance, std::move(found));
    }
    score(request, candidates, ids);
    // Best first; equal scores go by the order of ids. Attributes are looked at last, and of all only when the best lacks one.
    for (bool all_seen = false; !candidates.empty(); all_seen = true) {
        const auto best = std::ranges::min_element(candidates, {}, &Candidate::score);
        if (all_seen || attribute_obstacle(*best->instance, *best->load, request.need).reason.empty()) {
            placement.instance = std::move(best->instance);
            placement.refusals.clear();
            return placement;
        }
        std::erase_if(candidates, [&](const Candidate& candidate) {
            Obstacle found = attribute_obstacle(*candidate.instance, *candidate.load, request.need);
            if (found.reason.empty()) return false;
            refuse(*candidate.instance, std::move(found));
            return true;
        });
    }
    std::ranges::sort(placement.refusals, {}, &Placement::Refusal::instance);
    return placement;
}

}  // namespace boxship::decide
