// Whom to stop when there are more tasks than should be.
#pragma once

#include <memory>
#include <vector>

#include "state/view.h"

namespace boxship::decide {

using TaskPtr = std::shared_ptr<const model::Task>;

// `count` of the candidates, first to stop first: what does not serve anyway, then what unbalances the zones (or what the
// service's placement strategies would place last), the newest first among equals. `staying`: the service's other tasks,
// which count for the balance.
std::vector<TaskPtr> whom_to_stop(const state::View& view, const model::Service& service, std::vector<TaskPtr> candidates,
                                  const std::vector<TaskPtr>& staying, int count);

}  // namespace boxship::decide
