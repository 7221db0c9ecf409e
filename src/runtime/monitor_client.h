// The agent's side of a monitor: starting one, finding one that lives, understanding what it says.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/spec.h"

namespace boxship::runtime {

// The process that holds the monitor's lock in this container's directory; 0: none.
pid_t monitor_pid(const std::string& directory);

HostResult<env::UniqueFd> connect_monitor(const std::string& directory);
HostResult<> send_command(int connection, const std::string& line);

struct MonitorNews {
    enum class Kind { started, oom, failed, exited, broken, other };
    Kind kind = Kind::other;
    Started started;  // for started
    Exit exit;        // for exited
    int error = 0;    // for broken
};
MonitorNews read_news(std::string_view line);

// Reads one line, keeping in `rest` what came behind it. nullopt: the monitor is gone. ETIMEDOUT, EIO …: an error.
HostResult<std::optional<std::string>> next_line(int connection, std::string& rest, Milliseconds patience);

// Starts `words` with `listener` and `program` as its descriptors 3 and 4, standard error appended to a file, an
// environment of PATH only. A child of ours: whoever sees its end reaps it.
HostResult<pid_t> spawn_monitor(const std::vector<std::string>& words, int listener, int program, const std::string& error_file);

// Waits for the end of a process and, if it is our child, reaps it. False: it still runs.
bool await_end(pid_t pid, Milliseconds patience);

// The OCI runtime's last words in the log, without its timestamp.
std::string oci_complaint(const std::string& directory);

}  // namespace boxship::runtime
