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

    void add(const state::View& view, const model::Task& task, int n) { counts_[group(view, task)] += n; }
    int crowd(const state::View& view, const model::Task& task) const { return counts_.at(group(view, task)); }

private:
    std::string group(const state::View& view, const model::Task& task) const
    {
        if (field_ == "attribute:ecs.availability-zone") return task.zone.str();
        if (field_ == "instanceId" || field_ == "host") return to_text(task.instance);
        const auto instance = view.get<model::Instance>(task.instance);
        return instance ? std::string(attribute_value(*instance, std::string_view(field_).substr(10))) : "";
    }

    std::string field_;
    std::map<std::string, int> counts_;
};

// What is free on the task's instance: binpack empties the emptiest first.
std::int64_t slack(const state::View& view, const model::Task& task, const std::string& field)
{
    const auto instance = view.get<model::Instance>(task.instance);
    if (!instance) return 0;
    const auto& load = view.load(instance->id);
    return field == "memory" || field == "MEMORY" ? instance->memory - load.memory : instance->cpu - load.cpu;
}

}  // namespace

std::vector<TaskPtr> whom_to_stop(const state::View& view, const model::Service& service, std::vector<TaskPtr> candidates,
                                  const std::vector<TaskPtr>& staying, int count)
{
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
    for (auto& spread : spreads) {
        for (const auto& task : candidates) spread.add(view, *task, 1);
        for (const auto& task : staying) spread.add(view, *task, 1);
    }

    std::vector<TaskPtr> chosen;
    const auto score = [&](const TaskPtr& task) {
        std::vector<std::int64_t> crowds;
        for (const auto& spread : spreads) crowds.push_back(spread.crowd(view, *task));
        if (!packing.empty()) crowds.push_back(slack(view, *task, packing));
        return std::tuple(!task->ready(), task->status < model::TaskStatus::running, std::move(crowds), task->created_at, task->id);
    };
    // Nearly all of them: then the order does not matter to anyone but the reader of the events.
    if (count >= static_cast<int>(candidates.size())) return candidates;
    while (static_cast<int>(chosen.size()) < count) {
        const auto worst = std::ranges::max_element(candidates, {}, score);
        for (auto& spread : spreads) spread.add(view, **worst, -1);
        chosen.push_back(std::move(*worst));
        candidates.erase(worst);
    }
    return chosen;
}

}  // namespace boxship::decide
