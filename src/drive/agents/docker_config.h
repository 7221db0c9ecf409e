// The parts of a container definition that travel as Docker's own configuration: JSON text inside the payload's strings.
#pragma once

#include <string>

#include "shape/json_value.h"

namespace boxship::drive {

// {"version", "config": "<json>", "hostConfig": "<json>"}: agent-visible members by their Docker names.
shape::Json docker_config(const shape::Json& definition, const shape::Json& override, const std::string& network_mode);

}  // namespace boxship::drive
