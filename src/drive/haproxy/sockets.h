// The admin sockets and pid files of HAProxy's processes: one a generation of the configuration, so that each is spoken to by name for as long
// as it lives, also when it takes no connection any more.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace boxship::drive::haproxy {

std::string admin_socket(const std::string& directory, std::uint64_t generation);
// Those that have a socket in the directory, oldest first; a process that has ended leaves its socket behind.
std::vector<std::uint64_t> generations_in(const std::string& directory);

// Which process a generation is (env/real/pid_file.h), for a keeper that did not start it. Oldest first; it may have ended.
std::string pid_file(const std::string& directory, std::uint64_t generation);
std::vector<std::uint64_t> pid_files_in(const std::string& directory);

// The answer to one or several commands ("a;b"). 2 seconds at most. ECONNREFUSED: its process has ended.
HostResult<std::string> ask(const std::string& socket, const std::string& commands);

}  // namespace boxship::drive::haproxy
