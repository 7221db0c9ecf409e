// Keeps the platform's processes running: starts them, starts them again with back-off when they end, and lets them live
// when it is killed itself: a later supervisor finds them by their pid files and goes on watching.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/real/unique_fd.h"

namespace boxship::bin {

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
HostResult<env::UniqueFd> claim_name(const std::string& run_directory, const std::string& name);

struct Child {
    std::string name;                  // "server", "agent-fargate": its pid and log file
    std::vector<std::string> argv;
};

class Supervisor {
public:
    Supervisor(std::string run_directory, std::string log_directory);

    // True when this process is now the supervisor of the directory; the lock goes with the process.
    HostResult<bool> take_lock();
    static std::optional<ProcessId> running(const std::string& run_directory);

    HostResult<> start(const Child& child);  // or adopts the one that runs

    enum class Stop { interrupt, terminate };
    // Watches until a signal: SIGINT, or SIGTERM. Call block_signals() first, before any thread.
    static void block_signals();
    Stop watch();
    // In reverse order of starting: SIGTERM, and SIGKILL after `grace`. Names limits it to children whose name starts so.
    void stop_children(Milliseconds grace);

private:
    struct Watched {
        Child child;
        ProcessId process;
        env::UniqueFd pidfd;
        int failures = 0;
        std::chrono::steady_clock::time_point started;
        std::optional<std::chrono::steady_clock::time_point> restart_at;
    };
    HostResult<> launch(Watched& watched);  // or adopts the one that runs
    bool adopt(Watched& watched);
    void ended(Watched& watched);

    std::string run_directory_;
    std::string log_directory_;
    env::UniqueFd lock_;
    std::vector<Watched> children_;
};

// Stops processes that no supervisor watches any more, by their pid files.
void stop_orphans(const std::string& run_directory, Milliseconds grace);

}  // namespace boxship::bin
