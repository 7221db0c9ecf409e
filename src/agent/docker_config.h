// The two texts of Docker API JSON in a payload, dockerConfig.config and dockerConfig.hostConfig, applied to a plan.
// A key that cannot be honoured is an error unless its value is Docker's default (null, false, 0, "", [], {}).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/host.h"
#include "shape/json_value.h"

namespace boxship::agent {

// What the texts may say beside the plan's own members.
struct DockerExtras {
    std::vector<std::string> environment;      // "NAME=value"
    std::optional<std::vector<std::string>> command;
    std::optional<std::vector<std::string>> entry_point;
    std::vector<std::string> extra_hosts;      // "name:address"
    bool network_disabled = false;
};

// The error names the key.
std::optional<std::string> apply_docker_config(const shape::Json& config, const shape::Json& host_config, ContainerPlan& plan,
                                               DockerExtras& extras);

}  // namespace boxship::agent
