// Linux capabilities by name: Docker's default set, and what a task definition adds and drops.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace boxship::runtime {

const std::vector<std::string>& all_capabilities();      // those there are to give here, "CAP_CHOWN" …, in numeric order
const std::vector<std::string>& default_capabilities();  // Docker's fourteen

// Numeric order, "CAP_" in front. An unknown name is an error (HostConfigError's text).
HostResult<std::vector<std::string>> choose_capabilities(bool privileged, const std::vector<std::string>& add,
                                                         const std::vector<std::string>& drop);

}  // namespace boxship::runtime
