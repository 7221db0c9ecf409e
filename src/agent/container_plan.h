// From what was asked for and what the image says to what is run: a ContainerPlan with nothing left open.
#pragma once

#include <string>

#include "agent/host.h"
#include "agent/record.h"

namespace boxship::agent {

// What a host's containers have in common.
struct PlanContext {
    std::string region;
    std::string api_url{"http://169.254.170.2:4566"};    // the control plane as containers reach it; "": not told
};

// Failures: "CannotCreateContainerError: …", "DockerClientConfigError: …".
HostOutcome<ContainerPlan> plan_container(const TaskRecord& task, std::size_t container, const ImageConfig& image, const PlanContext& context);

inline constexpr std::string_view metadata_url = "http://169.254.170.2";

}  // namespace boxship::agent
