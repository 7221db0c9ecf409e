#include "decide/service/scale_in.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "decide/placement/placement.h"

namespace boxship::decide {
namespace {

// The groups that tasks are spread over, each with how many tasks are in it.
class Spread {
public:
    explicit Spread(std::string field) : field_(std::move(field)) {}

    int& crowd(const state::View& view, const model::Task& task) { return counts_[group(view, task)]; }

private:
    std::string group(const state::View& view, const model::Task& task) const
    {
        if (field_ == "attribute:ecs.availability-zone") return task.zone.str();
        if (field_ == "instanceId" || field_ == "host") return to_text(task.instance);
        const auto instance = view.get<model::Instance>(task.instance);
        return instance ? std::string(attribute_value(*instance, std::string_view(field_).substr(10))) : "";
    }

    std::string field_;
    std::map<std::string, int> counts_;      // an element stays where it is
};

// What is free on the task's instance: binpack empties the emptiest first.
std::int64_t slack(const state::View& view, const model::Task& task, const std::string& field)
{
    const auto instance = view.get<model::Instance>(task.instance);
    if (!instance) return 0;
    const auto& load = view.load(instance->id);
    return field == "memory" || field == "MEMORY" ? instance->memory - load.memory : instance->cpu - load.cpu;
}

// Tasks that differ in nothing but their age; the newest is the last. Tasks of one instance are together whatever is asked.
struct Alike {
    bool idle = false, starting = false;
    std::vector<int*> crowds;                // of its groups
    std::int64_t slack = 0;
    std::vector<TaskPtr> tasks;

    bool before(const Alike& other) const    // it goes first
    {
        if (std::tie(idle, starting) != std::tie(other.idle, other.starting)) return std::tie(idle, starting) > std::tie(other.idle, other.starting);
        for (std::size_t i = 0; i < crowds.size(); ++i)
            if (*crowds[i] != *other.crowds[i]) return *crowds[i] > *other.crowds[i];
        if (slack != other.slack) return slack > other.slack;
        const model::Task &mine = *tasks.back(), &theirs = *other.tasks.back();
        return std::tie(mine.created_at, mine.id) > std::tie(theirs.created_at, theirs.id);
    }
};

}  // namespace

std::vector<TaskPtr> whom_to_stop(const state::View& view, const model::Service& service, std::vector<TaskPtr> candidates,
                                  const std::vector<TaskPtr>& staying, int count)
{
    // All of them: then the order does not matter to anyone but the reader of the events.
    if (count >= static_cast<int>(candidates.size())) return candidates;
    std::vector<Spread> spreads;
    std::string packing;
    for (const auto& [type, field] : service.strategies) {
        if (type == "spread") spreads.emplace_back(field);
        if (type == "binpack" && packing.empty()) packing = field;
    }
    if (service.strategies.empty()) {
        spreads.emplace_back("attribute:ecs.availability-zone");
        spreads.emplace_back("instanceId");
    }
    for (auto& spread : spreads)
        for (const auto& task : staying) ++spread.crowd(view, *task);

    std::map<std::tuple<InstanceId, Text, bool, bool>, Alike> alike;
    for (auto& task : candidates) {
        const bool idle = !task->ready(), starting = task->status < model::TaskStatus::running;
        Alike& those = alike[{task->instance, task->zone, idle, starting}];
        if (those.tasks.empty()) {
            those.idle = idle;
            those.starting = starting;
            for (auto& spread : spreads) those.crowds.push_back(&spread.crowd(view, *task));
            if (!packing.empty()) those.slack = slack(view, *task, packing);
        }
        for (int* crowd : those.crowds) ++*crowd;
        those.tasks.push_back(std::move(task));
    }
    for (auto& [key, those] : alike)
        std::ranges::sort(those.tasks, {}, [](const TaskPtr& task) { return std::pair(task->created_at, task->id); });

    std::vector<TaskPtr> chosen;
    while (static_cast<int>(chosen.size()) < count) {
        const auto first = std::ranges::min_element(alike, [](const auto& a, const auto& b) { return a.second.before(b.second); });
        Alike& those = first->second;
        for (int* crowd : those.crowds) --*crowd;
        chosen.push_back(std::move(those.tasks.back()));
        those.tasks.pop_back();
        if (those.tasks.empty()) alike.erase(first);
    }
    return chosen;
}

}  // namespace boxship::decide
