// Named steps at which a process may be told to die, so that tests can look at what a crash leaves behind at just that step.
//
// Inert unless the process was started with BOXSHIP_TEST_FAULTS=<absolute directory>. Then a process that comes by
// crash_point("agent.recorded") kills itself if it can remove a file of that name in the directory: one file, one death.
// SIGKILL: nothing is flushed, unwound or said. Any thread. Without the variable it costs the load of a constant.
#pragma once

namespace boxship::env {

// Looked up once, at the start of the program; nullptr: crash points are off.
extern const char* const crash_points_directory;

void crash_if_told(const char* name);

inline void crash_point(const char* name)
{
    if (crash_points_directory) [[unlikely]] crash_if_told(name);
}

}  // namespace boxship::env
