// Planted bugs, to try the simulator with: `if (mutant("store: …")) …` at the place where the bug would be. The program's own
// answer is always no; the simulator brings another (tests/sim/mutants.cpp) and runs the very objects that the program is made of.
#pragma once

#include <string_view>

namespace boxship {

bool mutant(std::string_view name);

}  // namespace boxship
