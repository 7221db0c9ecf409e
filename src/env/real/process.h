// Child programs: run a short one, take its output, know how it ended; or start one that stays.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace boxship::env {

struct ProcessOutcome {
    int exit_code = 0;      // 128 + signal when it was killed
    std::string out;        // the first 1 MiB of stdout
    std::string err;        // the first 1 MiB of stderr
};

// argv[0] is looked up on PATH. No shell. The child gets no descriptor of ours; it is killed at the deadline
// (then the result is a HostError with ETIMEDOUT). Blocks: never call it on an event loop's thread.
HostResult<ProcessOutcome> run_process(const std::vector<std::string>& argv, Milliseconds deadline = Milliseconds(30000),
                                       const std::string& input = {});

// Starts a program that stays, argv[0] by its path: in a process group of its own (Ctrl-C on the terminal reaches its parent
// alone, which ends things in order), with no input, what it writes appended to a log (0600). Its pid.
HostResult<pid_t> start_process(const std::vector<std::string>& argv, const std::string& log_file);

// As many open files as this process may have: a shell's usual 1,024 would end a server with its thousandth connection.
// Children inherit it.
void raise_open_files_limit();

}  // namespace boxship::env
