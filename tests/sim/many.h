// Many runs, each in a process of its own: one that crashes is a finding, not the end.
#pragma once

#include <string>
#include <vector>

#include "sim/world.h"

namespace boxship::sim {

// Sized so that hundreds fit into a minute.
RunOptions small_run(std::uint64_t seed);

void print(const RunOptions& options, const RunOutcome& outcome);

struct Batch {
    std::uint64_t from = 1;
    std::uint64_t runs = 1;
    unsigned jobs = 2;
    bool small = false;
};
// Prints what fails and a summary. The process's exit code.
int run_many(const Batch& batch);

// Planted bugs (base/mutant.h). Those of the list below are each looked for with the first seeds_max seeds.
const std::vector<std::pair<std::string, std::string>>& mutants();   // name, what it does
bool enable_mutant(const std::string& name);
int hunt_mutants(unsigned jobs);

}  // namespace boxship::sim
