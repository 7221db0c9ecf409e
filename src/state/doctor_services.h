// The doctor's part about services.
#pragma once

#include <string>
#include <vector>

#include "state/view.h"

namespace boxship::state {

void examine_services(const View& view, std::vector<std::string>& complaints);

}  // namespace boxship::state
