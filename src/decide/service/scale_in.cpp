#include "decide/service/scale_in.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
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

// Tasks that differ in nothing but their age. Tasks of one instance are together whatever is asked.
struct Alike {
    const state::Stand* stand = nullptr;
    int left = 0;                                            // so many of them
    std::array<int*, spreads_max> crowds{};                  // of its groups
    std::size_t spreads = 0;                                 // so many of these
    std::int64_t slack = 0;
    model::RevisionKey revision;                             // they are of the index …
    std::optional<Entries::const_iterator> newest;           // … where this one is the last, looked for only when it matters
    std::vector<std::pair<Time, TaskId>>* listed = nullptr;  // or they are these, the newest the last
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
            Alike* first = &alike_.front();
            for (Alike& those : alike_)
                if (goes_before(those, *first)) first = &those;
            auto task = view_.get<model::Task>(newest(*first).second);
            drop_newest(*first);
            if (may_stop(*task)) {
                for (std::size_t i = 0; i < first->spreads; ++i) --*first->crowds[i];
                chosen.push_back(std::move(task));
            }
            if (first->left > 0) continue;
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

    Alike& add(const state::Stand& stand, int count)
    {
        Alike& those = alike_.emplace_back();
        those.stand = &stand;
        those.left = count;
        for (auto& spread : spreads_) {
            int& crowd = spread.crowd(view_, stand.zone, stand.instance);
            crowd += count;
            those.crowds[those.spreads++] = &crowd;
        }
        if (!packing_.empty()) those.slack = slack_of(view_, stand.instance, packing_);
        return those;
    }

    void read(const model::RevisionKey& revision)
    {
        const auto& stands = view_.stands(revision);
        for (auto at = stands.lower_bound({.serves = candidates_.serving}); at != stands.end(); ++at) add(at->first, at->second).revision = revision;
    }

    void list_others()
    {
        for (const auto& task : candidates_.others) others_[state::stand_of(*task)].emplace_back(task->created_at, task->id);
        for (auto& [stand, tasks] : others_) {
            std::ranges::sort(tasks);
            add(stand, static_cast<int>(tasks.size())).listed = &tasks;
        }
    }

    // Many hosts are alike in all but this, and only those that are first must be asked.
    std::pair<Time, TaskId> newest(Alike& those) const
    {
        if (those.listed) return those.listed->back();
        if (!those.newest) {
            const auto& entries = view_.entries<state::WantedTasks>();
            those.newest = std::prev(entries.lower_bound({{those.revision, *those.stand, {std::numeric_limits<std::int64_t>::max()}}, TaskId{}}));
        }
        return {(*those.newest)->first.created_at, (*those.newest)->second};
    }
    static void drop_newest(Alike& those)
    {
        if (--those.left == 0) return;
        if (those.listed) those.listed->pop_back();
        else --*those.newest;
    }
    bool goes_before(Alike& a, Alike& b) const
    {
        if (a.stand->serves != b.stand->serves) return b.stand->serves;
        if (a.stand->started != b.stand->started) return b.stand->started;
        for (std::size_t i = 0; i < a.spreads; ++i)
            if (*a.crowds[i] != *b.crowds[i]) return *a.crowds[i] > *b.crowds[i];
        if (a.slack != b.slack) return a.slack > b.slack;
        return newest(a) > newest(b);
    }

    const state::View& view_;
    const Candidates& candidates_;
    std::vector<Spread> spreads_;
    std::string packing_;
    std::map<state::Stand, std::vector<std::pair<Time, TaskId>>> others_;
    std::vector<Alike> alike_;
};

}  // namespace

std::vector<TaskPtr> whom_to_stop(const state::View& view, const model::Service& service, const Candidates& candidates, int count)
{
    if (count <= 0) return {};
    return Choice(view, service, candidates).take(count);
}

}  // namespace boxship::decide
