#include "decide/placement/ranking.h"

#include <algorithm>

namespace boxship::decide {

using model::Instance;

Ranking::Ranking(const PlacementRequest& request) : request_(request), steps_(steps_of(request_.strategies))
{
    by_group_ = request.distinct_instance;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        if (steps_[i].by == Step::By::attribute_tasks) spreads_.push_back(i);
        by_group_ |= steps_[i].by == Step::By::attribute_tasks || steps_[i].by == Step::By::host_tasks;
    }
    values_.resize(spreads_.size());
}

bool Ranking::is_for(const PlacementRequest& request) const
{
    return request_.cluster == request.cluster && request_.launch_type == request.launch_type && (!by_group_ || request_.group == request.group) &&
           request_.distinct_instance == request.distinct_instance && request_.need == request.need && request_.strategies == request.strategies &&
           request_.constraints == request.constraints;  // equal texts are one expression while we hold it
}

std::optional<Score> Ranking::best_of(const Branch& branch)
{
    if (!branch.fitting.empty()) return branch.fitting.front();
    if (!branch.order.empty()) return branch.order.begin()->first;
    return std::nullopt;
}

// A branch's best or its value's tasks may have changed: so may its place among its neighbours, and theirs among their own.
void Ranking::restand(Branch* branch)
{
    for (; branch->parent; branch = branch->parent) {
        auto next = best_of(*branch);
        if (next) next->parts[spreads_[branch->depth - 1]] = branch->value->tasks;
        if (next == branch->standing) return;
        auto& order = branch->parent->order;
        std::set<std::pair<Score, Branch*>>::node_type node;
        if (branch->standing) node = order.extract({*branch->standing, branch});
        if (next && node) {
            node.value().first = *next;
            order.insert(std::move(node));
        } else if (next) {
            order.emplace(*next, branch);
        }
        branch->standing = next;
    }
}

Ranking::Branch* Ranking::branch_of(const Instance& instance)
{
    Branch* branch = &root_;
    for (std::size_t depth = 0; depth < spreads_.size(); ++depth) {
        const Text text(spread_value(instance, steps_[spreads_[depth]].attribute));
        auto& place = branch->branches[text];
        if (!place) {
            Value& value = values_[depth][text];
            value.text = text;
            place = std::make_unique<Branch>();
            place->parent = branch;
            place->depth = depth + 1;
            place->value = &value;
            value.branches.push_back(place.get());
        }
        branch = place.get();
    }
    return branch;
}

// Takes away what no host is in any more.
void Ranking::prune(Branch* branch)
{
    while (branch->parent && branch->known == 0 && branch->branches.empty()) {
        Branch* const parent = branch->parent;
        Value& value = *branch->value;
        const Text text = value.text;
        std::erase(value.branches, branch);
        if (value.branches.empty()) values_[branch->depth - 1].erase(text);
        parent->branches.erase(text);
        branch = parent;
    }
}

// Tasks of the group came (or went) on a host of this branch: every branch of the same values moves.
void Ranking::count(Branch* branch, int tasks)
{
    for (; tasks != 0 && branch->parent; branch = branch->parent) {
        branch->value->tasks += tasks;
        for (Branch* each : branch->value->branches) restand(each);
    }
}

void Ranking::remove(Entry& entry)
{
    if (entry.fits) entry.branch->fitting.erase(entry.score);
    restand(entry.branch);
    count(entry.branch, -entry.tasks);
    --entry.branch->known;
    prune(entry.branch);
}

void Ranking::forget(const InstanceId& id)
{
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    remove(found->second);
    entries_.erase(found);
}

// The host's row is another one, or gone.
void Ranking::look_at_row(const state::View& view, const InstanceId& id)
{
    auto row = view.get<Instance>(id);
    if (!row || !is_candidate(*row, request_)) return forget(id);
    Entry& entry = entries_[id];
    Branch* const branch = branch_of(*row);
    if (branch != entry.branch) {
        ++branch->known;
        if (entry.row) remove(entry);
        entry = {.branch = branch, .score = {.host = id}};
    }
    entry.row = std::move(row);
    entry.able = fixed_obstacle(*entry.row, request_, nullptr).empty();
}

void Ranking::look(const state::View& view, const InstanceId& id)
{
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;  // no candidate
    Entry& entry = found->second;
    const auto& load = view.load(id);
    Score score{.host = id};
    for (std::size_t i = 0; i < steps_.size(); ++i) score.parts[i] = own_part(steps_[i], *entry.row, load, request_.group);
    const bool fits = entry.able && load_obstacle(*entry.row, load, request_, nullptr).empty();
    const bool moves = fits != entry.fits || (fits && score != entry.score);
    if (moves) {
        if (entry.fits) entry.branch->fitting.erase(entry.score);
        if (fits) entry.branch->fitting.insert(score);
        entry.fits = fits;
        entry.score = score;
    }
    const int more = by_group_ ? group_tasks(load, request_.group) - entry.tasks : 0;
    entry.tasks += more;
    if (more != 0) count(entry.branch, more);  // its own branch as well
    else if (moves) restand(entry.branch);
}

void Ranking::follow(const state::View& view)
{
    const auto& log = view.hosts();
    // Looking at what changed must not cost more than looking at all.
    const bool near = mark_ && log.end() - *mark_ <= 4 * entries_.size() + 64;
    InstanceId last;
    const bool followed = near && log.since(*mark_, [&](const state::HostLog::Entry& change) {
        if (change.row) look_at_row(view, change.host);
        if (change.row || change.host != last) look(view, change.host);
        last = change.host;
    });
    mark_ = log.end();
    if (followed) return;
    entries_.clear();
    for (auto& values : values_) values.clear();
    root_ = {};
    for (const auto& instance : view.all<state::InstancesByCluster>(request_.cluster)) {
        look_at_row(view, instance->id);
        look(view, instance->id);
    }
}

// How many hosts of the branch are as good as the best, and the one of that number: random choice is among equals.
std::size_t Ranking::equals(const Branch& branch, const Score& best) const
{
    if (branch.depth == spreads_.size()) {
        Score behind = best;
        ++behind.parts[steps_max - 1];
        behind.host = {};
        return branch.fitting.position(branch.fitting.lower_bound(behind));
    }
    std::size_t sum = 0;
    for (const auto& [score, next] : branch.order) {
        if (score.parts != best.parts) break;
        sum += equals(*next, *best_of(*next));
    }
    return sum;
}

InstanceId Ranking::pick(const Branch& branch, const Score& best, std::size_t number) const
{
    if (branch.depth == spreads_.size()) return branch.fitting.nth(number)->host;
    for (const auto& [score, next] : branch.order) {
        const Score next_best = *best_of(*next);
        const std::size_t those = equals(*next, next_best);
        if (number < those) return pick(*next, next_best, number);
        number -= those;
    }
    return best.host;
}

std::optional<InstanceId> Ranking::best(const state::View& view, Ids& ids)
{
    follow(view);
    const auto best = best_of(root_);
    if (!best) return std::nullopt;
    if (steps_.back().by != Step::By::random) return best->host;
    return pick(root_, *best, ids.number(equals(root_, *best)));
}

Ranking& Rankings::of(const PlacementRequest& request)
{
    constexpr std::size_t hosts_max = 1 << 19;  // of all together: some hundred bytes each
    constexpr std::size_t rankings_min = 8;
    const auto found = std::ranges::find_if(rankings_, [&](const Ranking& ranking) { return ranking.is_for(request); });
    if (found != rankings_.end()) {
        rankings_.splice(rankings_.begin(), rankings_, found);
        return rankings_.front();
    }
    std::size_t hosts = 0, kept = 0;
    for (auto at = rankings_.begin(); at != rankings_.end(); ++kept) {
        hosts += at->hosts() + 64;
        if (hosts > hosts_max && kept >= rankings_min) at = rankings_.erase(at);
        else ++at;
    }
    return rankings_.emplace_front(request);
}

}  // namespace boxship::decide
