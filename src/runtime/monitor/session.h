// One container from its start to its end, as its monitor sees it: a single-threaded loop over descriptors. It never
// polls, and does one durable write: the exit file.
#pragma once

#include <sys/types.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/monitor/listeners.h"
#include "runtime/monitor/log_writer.h"
#include "runtime/monitor/oom.h"
#include "runtime/monitor/options.h"

namespace boxship::runtime {

class Session {
public:
    explicit Session(MonitorOptions options);
    int run();  // to the end of the container; the process's exit status

private:
    enum class Phase { starting, running, ended };
    struct Ended {
        pid_t pid;
        int status;
    };

    HostResult<> begin();
    HostResult<> lock();
    HostResult<> open_output();
    HostResult<> launch();
    void turn();
    void handle(int fd);

    void reap();
    void oci_ended(int status);
    void started(pid_t init);
    void init_ended(int status);
    void conclude(std::string line);

    void command(std::string_view line);
    void kill_everything();
    void read_output(std::size_t which);
    void drain_output();
    void note_oom();
    bool watch(int fd);

    MonitorOptions options_;
    env::UniqueFd epoll_;
    env::UniqueFd lock_;
    env::UniqueFd signals_;
    env::UniqueFd stop_timer_;
    env::UniqueFd terminal_socket_;
    env::UniqueFd stdin_keep_;                  // the writing end of a stdin that is to stay open
    std::array<env::UniqueFd, 2> output_;       // stdout (or the terminal) and stderr
    std::array<env::UniqueFd, 3> child_;        // the child's ends, until it is launched
    Listeners listeners_;
    LogWriter log_;
    OomWatch oom_;
    int oom_fd_ = -1;
    Phase phase_ = Phase::starting;
    pid_t oci_ = -1;
    pid_t init_ = -1;
    std::vector<Ended> strangers_;              // ended before we knew whose they were
    std::string buffer_;
};

}  // namespace boxship::runtime
