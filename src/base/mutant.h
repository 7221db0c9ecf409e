// Planted bugs, to try the simulator with: `if (mutant("store: …")) …` at the place where the bug would be. Only the
// simulator compiles them in; in every other program the function is a constant and the branch is gone.
#pragma once

#include <string_view>

namespace boxship {

#ifdef BOXSHIP_MUTANTS
bool mutant(std::string_view name);     // tests/sim/mutants.cpp
#else
constexpr bool mutant(std::string_view) { return false; }
#endif

}  // namespace boxship
