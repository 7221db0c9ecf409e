// The doctor's part about load balancers and certificates.
#pragma once

#include <string>
#include <vector>

#include "state/view.h"

namespace boxship::state {

void examine_load_balancers(const View& view, std::vector<std::string>& complaints);

}  // namespace boxship::state
