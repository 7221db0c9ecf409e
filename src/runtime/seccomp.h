// The system calls a container may make: the same ones as under Docker's default profile, stated by us.
#pragma once

#include <string>
#include <vector>

namespace boxship::runtime {

// The "seccomp" object of config.json for a container with these capabilities. Rendered once per set of capabilities
// that makes a difference; safe from any thread.
const std::string& seccomp_json(const std::vector<std::string>& capabilities);

}  // namespace boxship::runtime
