// Looks at all rows together for what no single row can tell: the invariants that must hold after every commit.
// For tests, the simulator and `boxship doctor`; reads everything, so not for the ordinary path.
#pragma once

#include <string>
#include <vector>

#include "state/change.h"
#include "state/view.h"

namespace boxship::state {

// A sentence for each thing that is wrong; empty when all is well.
std::vector<std::string> examine(const View& view);

// The same after these changes, when all was well before them: what is over and did not change is left alone.
std::vector<std::string> examine(const View& view, const Changes& changes);

}  // namespace boxship::state
