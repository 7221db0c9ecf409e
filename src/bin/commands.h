// The subcommands, one file each. A command returns 0 done, 1 failed (after one sentence on stderr), 2 wrong usage.
#pragma once

#include <string>
#include <vector>

#include "bin/options.h"

namespace boxship::bin {

struct Command {
    std::string name;
    Usage usage;
    int (*run)(const Options& options);
    bool listed = true;  // false: for boxship itself, not in the overview
};

// How the server treats its agents unless told otherwise; `up` and `server` say the same.
constexpr const char* instance_lost_after = "10m";
constexpr const char* agents_heartbeat = "30s";

Command up_command();
Command down_command();
Command server_command();
Command agent_command();
Command balancer_command();
Command env_command();
Command status_command();
Command instances_command();
Command explain_command();
Command alarm_command();
Command quotas_command();
Command logs_command();
Command doctor_command();
Command version_command();

// Prints "boxship: <sentence>" on stderr; returns 1.
int fail(const HostError& error);
int fail(const std::string& sentence);

}  // namespace boxship::bin
