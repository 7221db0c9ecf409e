// Process 1 of a container that asked for one (`initProcessEnabled`).
#pragma once

namespace boxship::runtime {

// Starts `words` (ending with a null pointer) as a child, passes on the signals it gets, reaps whatever is orphaned;
// returns the child's status, 128 + signal if it was killed, 127 or 126 if it could not be executed.
int run_as_init(char* const* words);

}  // namespace boxship::runtime
