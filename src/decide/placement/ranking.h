// The hosts that could take one kind of task, best first, kept up with the rows: a host is looked at again only when it
// changed. Hosts that differ in the value of a spread attribute stand in branches, a level for each such step, because a task
// started anywhere moves all hosts of its value at once. Placing costs the logarithm of the hosts, whatever the strategies.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

#include "base/sorted_set.h"
#include "decide/placement/score.h"

namespace boxship::decide {

class Ranking {
public:
    explicit Ranking(const PlacementRequest& request);

    bool is_for(const PlacementRequest& request) const;
    std::optional<InstanceId> best(const state::View& view, Ids& ids);
    std::size_t hosts() const { return entries_.size(); }

private:
    struct Branch;
    struct Value {                                            // of a spread attribute
        Text text;
        int tasks = 0;                                        // of the group, on all hosts with it, full ones included
        std::vector<Branch*> branches;                        // one below each value of the steps before
    };
    struct Branch {
        Branch* parent = nullptr;
        std::size_t depth = 0;
        Value* value = nullptr;                               // of the parent's step
        std::map<Text, std::unique_ptr<Branch>> branches;     // by value; a last branch has none
        std::set<std::pair<Score, Branch*>> order;            // of those with hosts that fit, by the best of them
        SortedSet<Score> fitting;                      // last branches only
        std::optional<Score> standing;                        // its place in the parent's order
        std::size_t known = 0;                                // entries in a last branch
    };
    struct Entry {
        std::shared_ptr<const model::Instance> row;
        Branch* branch = nullptr;
        Score score;
        int tasks = 0;                                        // of the group
        bool able = false;                                    // its row is no obstacle
        bool fits = false;                                    // nor its tasks
    };

    void follow(const state::View& view);
    void look_at_row(const state::View& view, const InstanceId& id);
    void look(const state::View& view, const InstanceId& id);
    void forget(const InstanceId& id);
    void remove(Entry& entry);
    Branch* branch_of(const model::Instance& instance);
    void prune(Branch* branch);
    void restand(Branch* branch);
    void count(Branch* branch, int tasks);
    static std::optional<Score> best_of(const Branch& branch);
    std::size_t equals(const Branch& branch, const Score& best) const;
    InstanceId pick(const Branch& branch, const Score& best, std::size_t number) const;

    PlacementRequest request_;
    std::vector<Step> steps_;
    std::vector<std::size_t> spreads_;                        // the steps with branches
    bool by_group_ = false;                                   // does the group matter?
    Branch root_;
    std::vector<std::map<Text, Value>> values_;               // by depth
    std::unordered_map<InstanceId, Entry, IdHash<struct InstanceTag>> entries_;
    std::optional<std::uint64_t> mark_;                       // in the host log
};

// Those in use, the latest first.
class Rankings {
public:
    Ranking& of(const PlacementRequest& request);

private:
    std::list<Ranking> rankings_;
};

}  // namespace boxship::decide
