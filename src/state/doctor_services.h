// The doctor's part about services.
#pragma once

#include <string>
#include <vector>

#include "state/view.h"

namespace boxship::state {

void examine_services(const View& view, std::vector<std::string>& complaints);
void examine_deployments(const View& view, const ServiceId& service, std::vector<std::string>& complaints);     // of that service
void examine_revisions(const View& view, std::vector<std::string>& complaints);                                 // and deployments, all of them

}  // namespace boxship::state
