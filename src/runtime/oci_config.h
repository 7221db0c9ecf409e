// config.json: the container as the OCI runtime is told about it, with Docker's defaults.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/devices.h"
#include "runtime/spec.h"
#include "runtime/users.h"

namespace boxship::runtime {

struct ConfigInputs {
    std::string rootfs;
    std::string names_directory;            // holds hosts, hostname, resolv.conf
    std::string hostname;
    Network network;
    std::string shared_ipc;                 // the namespace's file; empty: none is shared
    std::string shared_shm;                 // the directory
    std::string cgroups_path;               // with limits and devices in the file; empty: the cgroup is made by us
    std::string seccomp_bpf;                // base64, in place of the profile; crun only
    std::string init_program;               // on the host; needed if spec.init
    ProcessUser user;
    std::vector<std::string> capabilities;
    Devices devices;
};

HostResult<std::string> render_config(const ContainerSpec& spec, const ConfigInputs& inputs);

// Only the "process" object, as `exec` takes it.
HostResult<std::string> render_exec_process(const std::string& config, const ExecSpec& spec, const ProcessUser* user);

}  // namespace boxship::runtime
