// The parts of a container definition that travel as Docker's own configuration: JSON text inside the payload's strings.
#pragma once

#include <string>

#include "shape/json_value.h"
#include "wire/acs/task.h"

namespace boxship::drive {

// Agent-visible members by their Docker names.
acs::DockerConfig docker_config(const shape::Json& definition, const shape::Json& override, const std::string& network_mode);

}  // namespace boxship::drive
