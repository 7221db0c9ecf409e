// A program in a container's cgroups, and the end of it and of everything it started, at the latest at a deadline.
#pragma once

#include <span>

namespace boxship::runtime {

constexpr int enter_failed = 125;     // before the program ran
constexpr int enter_too_late = 124;   // ended by the deadline

// enter [--join FILE]… [--hide-unified] [--deadline MS] [--terminal] -- program arguments…
// SIGTERM ends it early. --terminal: standard input is one, and becomes the program's controlling terminal. The arguments end with a null pointer, as main's do. Returns the program's status, 128 + signal if it was killed.
int enter(std::span<char* const> args);

}  // namespace boxship::runtime
