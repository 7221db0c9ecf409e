// The sizes of EC2 types, for simulated hosts.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace boxship::bin {

struct InstanceType {
    std::string name;
    int cpu = 0;     // CPU units: 1024 for each vCPU
    int memory = 0;  // MiB that the ECS agent registers: what the kernel leaves of what the type's sheet says
};
// "t3.medium", "c6i.4xlarge" …; nothing for a type that is not known.
std::optional<InstanceType> find_instance_type(std::string_view name);
std::string instance_type_names();  // for error messages: families with their sizes

}  // namespace boxship::bin
