// The one HAProxy of a platform: started, adopted, reloaded, asked. It belongs to nobody's life: a server that is killed leaves
// it serving, and the next one finds it by its pid file. Everything here blocks; one thread uses it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/real/pid_file.h"

namespace boxship::drive::haproxy {

struct ProcessOptions {
    std::vector<std::string> command;   // becomes HAProxy (master and worker) with the configuration; claims the pid file
    std::string pid_file;
    std::string admin_socket;
    std::string master_socket;          // leads to the processes of before a reload
    std::string log_file;
};

class Process {
public:
    explicit Process(ProcessOptions options) : options_(std::move(options)) {}

    bool running() const;
    // For poll(): readable when it has ended. -1 when it does not run.
    int end_descriptor() const { return pidfd_.get(); }

    bool adopt();                       // the one of the pid file, if it runs
    HostResult<> start();               // returns when the process is there, not when it answers
    void reload();                      // the same file name, read again; nothing is interrupted
    void stop(Milliseconds grace);
    void forget();                      // it has ended

    // The answer to one or several commands ("a;b"). 2 seconds at most.
    HostResult<std::string> ask(const std::string& commands) const;
    // Which configuration it runs, as `show info` tells; nothing when it does not answer.
    std::optional<std::uint64_t> generation() const;
    // Processes of before the last reload, which still end their requests and take a last one on each connection.
    std::vector<pid_t> older_generations() const;
    HostResult<std::string> ask_older(pid_t process, const std::string& command) const;

    // Keeps the log file within bounds: what is over the limit goes to <file>.1.
    void trim_log() const;

private:
    HostResult<std::string> ask_at(const std::string& path, const std::string& commands) const;
    std::string of_info(std::string_view name) const;

    ProcessOptions options_;
    std::optional<env::ProcessId> process_;
    env::UniqueFd pidfd_;
};

}  // namespace boxship::drive::haproxy
