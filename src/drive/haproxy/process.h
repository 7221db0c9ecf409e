// The HAProxy of a platform, a process a generation of its configuration under a keeper (keeper.h): started, adopted, reloaded,
// asked. It belongs to nobody's life: a server that is killed leaves it serving, and the next one finds it by its pid file. HAProxies
// whose keeper was killed serve on, and the next keeper takes them over.
// Everything here blocks; one thread uses it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/real/pid_file.h"

namespace boxship::drive::haproxy {

struct ProcessOptions {
    std::vector<std::string> command;   // becomes the keeper of HAProxy with the configuration; claims the pid file
    std::string pid_file;
    std::string directory;              // of the admin sockets
    std::string log_file;
};

class Process {
public:
    explicit Process(ProcessOptions options) : options_(std::move(options)) {}

    bool running() const;
    // For poll(): readable when it has ended. -1 when it does not run.
    int end_descriptor() const { return pidfd_.get(); }

    bool adopt();                       // the keeper of the pid file, if it runs; what answers is taken up in any case
    bool left() const;                  // there are HAProxies that answer, with their keeper or without
    HostResult<> start();               // returns when the keeper is there, not when HAProxy answers
    void reload();                      // the same file name, read by a new generation beside the one that serves
    void stop(Milliseconds grace);
    void forget();                      // it has ended

    // True when this generation answers; from then on it is the one that serves.
    bool take_up(std::uint64_t generation);
    std::optional<std::uint64_t> generation() const { return generation_; }   // which one serves
    HostResult<std::string> ask(const std::string& commands) const;

    // Those of before, which end their requests and take a last one on each connection; some may have ended.
    std::vector<std::uint64_t> older_generations() const;
    HostResult<std::string> ask(std::uint64_t generation, const std::string& commands) const;
    // Ends one that listens no more: when no connection is left, or whatever is under way.
    void end_idle(std::uint64_t generation) const;
    void end(std::uint64_t generation) const;

    // Keeps the log file within bounds: what is over the limit goes to <file>.1.
    void trim_log() const;

private:
    bool answers(std::uint64_t generation) const { return number_of_info(generation, "Pid: ").has_value(); }
    std::optional<std::int64_t> number_of_info(std::uint64_t generation, std::string_view name) const;

    ProcessOptions options_;
    std::optional<env::ProcessId> process_;    // the keeper
    env::UniqueFd pidfd_;
    std::optional<std::uint64_t> generation_;
};

}  // namespace boxship::drive::haproxy
