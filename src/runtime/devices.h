// Device nodes: those every container has, those a task definition maps in, all of the host's for privileged ones.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/cgroup.h"
#include "runtime/spec.h"

namespace boxship::runtime {

struct DeviceNode {
    std::string path;  // in the container
    char type = 'c';
    unsigned major = 0;
    unsigned minor = 0;
    mode_t mode = 0666;
    uid_t uid = 0;
    gid_t gid = 0;
};

struct Devices {
    std::vector<DeviceNode> nodes;  // besides those the OCI runtime makes by itself
    std::vector<DeviceRule> rules;  // the whole allow-list
};

// A mapped path that is a directory stands for all devices in it.
HostResult<Devices> choose_devices(const ContainerSpec& spec);

}  // namespace boxship::runtime
