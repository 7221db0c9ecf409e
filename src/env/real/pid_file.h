// Processes that outlive whoever started them: known by files, told apart from later ones with the same number.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "env/real/unique_fd.h"

namespace boxship::env {

// A process, told apart from a later one with the same number by its start time.
struct ProcessId {
    pid_t pid = 0;
    std::string start_time;  // of /proc/<pid>/stat, in clock ticks since boot
};
std::optional<ProcessId> find_process(pid_t pid);                       // nothing: it is gone, or a zombie
std::optional<ProcessId> read_pid_file(const std::string& path);        // nothing: no file, or that process is gone
HostResult<> write_pid_file(const std::string& path, pid_t pid);

// A child says first of all which process it is: the only one of its name, for as long as the descriptor is open, and its
// pid file names it. Not its supervisor writes that file: one that is killed just then would leave a process nobody knows.
// An error when another process has the name.
HostResult<UniqueFd> claim_name(const std::string& run_directory, const std::string& name);

UniqueFd open_pidfd(pid_t pid);                                         // none: it is gone
bool wait_gone(const UniqueFd& pidfd, Milliseconds timeout);
// A signal for that very process; false when it is gone.
bool send_signal(const ProcessId& process, int signal);
// SIGTERM, and SIGKILL after `grace`. Waits for the end, and reaps it if it is a child.
void terminate(const ProcessId& process, Milliseconds grace);

}  // namespace boxship::env
