// What a host says about itself when it registers: attributes of section "capabilities" that are true, and resources.
#pragma once

#include <map>
#include <string>

#include "agent/admission.h"
#include "shape/json_value.h"

namespace boxship::agent {

struct HostFacts {
    std::string identity;             // of the host among all: the same after its record was lost
    std::string cluster;
    bool fargate = false;
    std::string zone;
    std::string region;
    std::string account;
    std::string instance_type;        // "" unknown
    std::string vpc_address;          // the host's own in the VPC; "" none
    Resources resources;
    int registered_cpu_units = 0;     // what is told; `resources` may leave it uncounted
    bool awsvpc = true;
    std::map<std::string, std::string> attributes;   // custom ones
};

// RegisterContainerInstance's input; `instance_arn` of an earlier registration or "".
shape::Json registration(const HostFacts& facts, const std::string& instance_arn, const std::string& client_token);

// CPU units and MiB of this machine.
struct MachineSize {
    int cpu_units = 0;
    int memory_mib = 0;
};
MachineSize machine_size();

}  // namespace boxship::agent
