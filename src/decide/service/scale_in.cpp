#include "decide/service/scale_in.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "base/check.h"
#include "decide/placement/placement.h"

namespace boxship::decide {
namespace {

using Entries = std::decay_t<decltype(std::declval<state::View>().entries<state::WantedTasks>())>;

constexpr std::size_t spreads_max = 5;       // as many strategies as a service can have

// The groups that tasks are spread over, each with how many tasks are in it. An element stays where it is.
class Spread {
public:
    explicit Spread(std::string field) : field_(std::move(field)), by_zone_(field_ == "attribute:ecs.availability-zone"), by_host_(field_ == "instanceId" || field_ == "host") {}

    int& crowd(const state::View& view, const Text& zone, const InstanceId& id)
    {
        if (by_zone_) return zones_[zone];
        if (by_host_) return hosts_[id];
        const auto instance = view.get<model::Instance>(id);
        return values_[instance ? std::string(attribute_value(*instance, std::string_view(field_).substr(10))) : ""];
    }

private:
    std::string field_;
    bool by_zone_, by_host_;
    std::map<Text, int> zones_;
    std::unordered_map<InstanceId, int, IdHash<struct InstanceTag>> hosts_;
    std::map<std::string, int> values_;
};

// What is free on an instance: binpack empties the emptiest first.
std::int64_t slack_of(const state::View& view, const InstanceId& id, const std::string& field)
{
    const auto instance = view.get<model::Instance>(id);
    if (!instance) return 0;
    const auto& load = view.load(id);
    return field == "memory" || field == "MEMORY" ? instance->memory - load.memory : instance->cpu - load.cpu;
}

// Tasks that differ in nothing but their age; the newest is the last. Tasks of one instance are together whatever is asked.
struct Alike {
    bool serves = false, started = false;
    std::array<int*, spreads_max> crowds{};                  // of its groups
    std::size_t spreads = 0;                                 // so many of them
    std::int64_t slack = 0;
    Entries::const_iterator begin, end;                      // those that are left of them: a part of the index …
    std::vector<std::pair<Time, TaskId>> listed;             // … or these

    bool empty() const { return listed.empty() && begin == end; }
    std::pair<Time, TaskId> newest() const
    {
        if (!listed.empty()) return listed.back();
        const auto last = std::prev(end);
        return {last->first.created_at, last->second};
    }
    void drop_newest()
    {
        if (!listed.empty()) listed.pop_back();
        else --end;
    }
    bool before(const Alike& other) const                    // it goes first
    {
        if (std::tie(serves, started) != std::tie(other.serves, other.started)) return std::tie(serves, started) < std::tie(other.serves, other.started);
        for (std::size_t i = 0; i < spreads; ++i)
            if (*crowds[i] != *other.crowds[i]) return *crowds[i] > *other.crowds[i];
        if (slack != other.slack) return slack > other.slack;
        return newest() > other.newest();
    }
};

class Choice {
public:
    Choice(const state::View& view, const model::Service& service, const Candidates& candidates) : view_(view), candidates_(candidates)
    {
        for (const auto& [type, field] : service.strategies) {
            if (type == "spread") spreads_.emplace_back(field);
            if (type == "binpack" && packing_.empty()) packing_ = field;
        }
        if (service.strategies.empty()) {
            spreads_.emplace_back("attribute:ecs.availability-zone");
            spreads_.emplace_back("instanceId");
        }
        CHECK(spreads_.size() <= spreads_max);
        for (const auto& revision : candidates.revisions) read(revision);
        list_others();
        for (const auto& task : candidates.apart)
            for (auto& spread : spreads_) --spread.crowd(view_, task->zone, task->instance);
    }

    std::vector<TaskPtr> take(int count)
    {
        std::vector<TaskPtr> chosen;
        while (static_cast<int>(chosen.size()) < count && !alike_.empty()) {
            const auto first = std::ranges::min_element(alike_, [](const Alike& a, const Alike& b) { return a.before(b); });
            auto task = view_.get<model::Task>(first->newest().second);
            first->drop_newest();
            if (may_stop(*task)) {
                for (std::size_t i = 0; i < first->spreads; ++i) --*first->crowds[i];
                chosen.push_back(std::move(task));
            }
            if (!first->empty()) continue;
            std::swap(*first, alike_.back());
            alike_.pop_back();
        }
        return chosen;
    }

private:
    bool may_stop(const model::Task& task) const
    {
        const auto is_this = [&](const TaskPtr& other) { return other->id == task.id; };
        if (std::ranges::any_of(candidates_.others, is_this)) return true;
        return std::ranges::none_of(candidates_.apart, is_this) && candidates_.may_stop(task);
    }

    Alike alike(const Text& zone, const InstanceId& instance, bool serves, bool started, int count)
    {
        Alike those;
        those.serves = serves;
        those.started = started;
        for (auto& spread : spreads_) {
            int& crowd = spread.crowd(view_, zone, instance);
            crowd += count;
            those.crowds[those.spreads++] = &crowd;
        }
        if (!packing_.empty()) those.slack = slack_of(view_, instance, packing_);
        return those;
    }

    // From one instance's tasks to the next one's, without a look at what is between.
    void read(const model::RevisionKey& revision)
    {
        const auto& entries = view_.entries<state::WantedTasks>();
        auto at = entries.lower_bound({{.revision = revision, .serves = candidates_.serving}, TaskId{}});
        while (at != entries.end() && at->first.revision == revision) {
            state::Standing last = at->first;
            last.created_at = {std::numeric_limits<std::int64_t>::max()};
            const auto end = entries.lower_bound({last, TaskId{}}, at);
            Alike those = alike(last.zone, last.instance, last.serves, last.started, static_cast<int>(entries.distance(at, end)));
            those.begin = at;
            those.end = end;
            alike_.push_back(std::move(those));
            at = end;
        }
    }

    void list_others()
    {
        std::map<std::tuple<InstanceId, Text, bool, bool>, std::vector<std::pair<Time, TaskId>>> groups;
        for (const auto& task : candidates_.others)
            groups[{task->instance, task->zone, task->ready(), task->status >= model::TaskStatus::running}].emplace_back(task->created_at, task->id);
        for (auto& [key, tasks] : groups) {
            std::ranges::sort(tasks);
            const auto& [instance, zone, serves, started] = key;
            Alike those = alike(zone, instance, serves, started, static_cast<int>(tasks.size()));
            those.listed = std::move(tasks);
            alike_.push_back(std::move(those));
        }
    }

    const state::View& view_;
    const Candidates& candidates_;
    std::vector<Spread> spreads_;
    std::string packing_;
    std::vector<Alike> alike_;
};

}  // namespace

std::vector<TaskPtr> whom_to_stop(const state::View& view, const model::Service& service, const Candidates& candidates, int count)
{
    if (count <= 0) return {};
    return Choice(view, service, candidates).take(count);
}

}  // namespace boxship::decide
