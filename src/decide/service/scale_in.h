// Whom to stop when there are more tasks than should be.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "state/view.h"

namespace boxship::decide {

using TaskPtr = std::shared_ptr<const model::Task>;

// Among whom to choose.
struct Candidates {
    std::vector<model::RevisionKey> revisions;               // their wanted tasks …
    bool serving = false;                                    // … those that are ready alone
    std::vector<TaskPtr> others;                             // and these
    std::vector<TaskPtr> apart;                              // of the revisions' tasks these count for nothing, and stay
    std::function<bool(const model::Task&)> may_stop;        // who may not counts for the balance
};

// `count` of the candidates, first to stop first: what does not serve anyway, then what unbalances the zones (or what the
// service's placement strategies would place last), the newest first among equals. Costs as much as there are hosts with
// candidates, however many tasks each of them has.
std::vector<TaskPtr> whom_to_stop(const state::View& view, const model::Service& service, const Candidates& candidates, int count);

// The wanted tasks of a revision, those that do not serve first, while `visit` says true.
template <class Visit>
void each_wanted(const state::View& view, const model::RevisionKey& revision, Visit visit)
{
    const auto& entries = view.entries<state::WantedTasks>();
    for (auto at = entries.lower_bound({{.revision = revision}, TaskId{}}); at != entries.end() && at->first.revision == revision; ++at)
        if (!visit(view.get<model::Task>(at->second))) return;
}

// Of these, the ones that do not serve, as long.
template <class Visit>
void each_idle(const state::View& view, const model::RevisionKey& revision, Visit visit)
{
    const auto& entries = view.entries<state::WantedTasks>();
    for (auto at = entries.lower_bound({{.revision = revision}, TaskId{}}); at != entries.end() && at->first.revision == revision && !at->first.stand.serves; ++at)
        if (!visit(view.get<model::Task>(at->second))) return;
}

}  // namespace boxship::decide
