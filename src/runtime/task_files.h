// What the containers of a task share besides cgroups: hosts, hostname and resolv.conf; an IPC namespace and /dev/shm.
#pragma once

#include <string>

#include "base/result.h"
#include "runtime/spec.h"

namespace boxship::runtime {

// Writes hosts, hostname and resolv.conf into the directory, which exists.
HostResult<> write_name_files(const std::string& directory, const NameFiles& names);

// An IPC namespace of its own, kept by the file `ipc` there, and a tmpfs `shm`. Done already: left alone.
HostResult<> make_shared_ipc(const std::string& directory, std::uint64_t shm_bytes);
HostResult<> remove_shared_ipc(const std::string& directory);

}  // namespace boxship::runtime
