// `boxship-monitor`: the small process that stays with one container, whatever happens to the agent.
//
//   run    start the container through the OCI runtime, keep its output, wait for its end, write the exit file
//          durably, then tell whoever listens. options.h lists its arguments; protocol.h its socket.
//   enter  run a program in the cgroups named: how `exec` gets into a container's (enter.h).
//   init   inside a container: start the arguments as a child, pass signals on, reap orphans, end with its status.
//
// It shares no code with the agent beyond files and descriptors, links statically and allocates little: there is one
// per container.
#pragma once

#include <span>

namespace boxship::runtime {

// `args` are those after the program's name. Returns the process's exit status.
int monitor_main(std::span<char* const> args);

}  // namespace boxship::runtime
