// The floor of a push: a socket's bytes through SHA-256 into a file, fsync, rename. No HTTP, no rights, no records.
#pragma once

#include <cstdint>

namespace boxship::bench {

// Listens on loopback, prints the port, then takes connections, each on a thread: eight bytes of length (as on this machine), the bytes;
// answers one byte when they are on the disk in `directory`. Ends with its standard input.
int serve_floor(const char* directory);

}  // namespace boxship::bench
