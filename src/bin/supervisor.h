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
#include "bin/data_directory.h"
#include "env/real/pid_file.h"
#include "env/real/unique_fd.h"

namespace boxship::bin {

using env::claim_name;
using env::find_process;
using env::ProcessId;
using env::read_pid_file;
using env::write_pid_file;

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
    // From now on these are the children: starts what is new, ends what is not among them (SIGTERM, SIGKILL after `grace`).
    void become(const std::vector<Child>& children, Milliseconds grace);

    enum class Stop { interrupt, terminate };
    // Watches until a signal: SIGINT, or SIGTERM; SIGHUP calls `reload`. Call block_signals() first, before any thread.
    static void block_signals();
    Stop watch(const std::function<void()>& reload);
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

// The load balancers' own process: the server starts it, and it goes on without.
constexpr const char* balancer_name = "balancer";

// Stops processes that no supervisor watches any more, by their pid files.
enum class Balancer { stops, goes_on };
void stop_orphans(const DataDirectory& data, Milliseconds grace, Balancer balancer);

}  // namespace boxship::bin
