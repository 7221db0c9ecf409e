// Where a platform's runtime keeps things.
//
//   <state_dir>/containers/<id>/         the container's own layer (durable storage, not durable content)
//   <state_dir>/exits/<id>               the monitor's last line: how it ended; written durably
//   <state_dir>/logs/<id>/               its output (log_format.h); stays until asked to go
//   <state_dir>/boot                     the boot during which all of this was made
//
// <run> is <run_dir>/runtime, a tmpfs of our own where run_dir is not on one: ext4, for one, takes milliseconds to
// find a free inode among those deleted within the last seconds, and every container comes and goes with a dozen files.
//
//   <run>/containers/<id>/               bundle: config.json, rootfs (mounted), sock, lock, pid, oci.log, hosts …
//   <run>/tasks/<task>/                  hosts, hostname, resolv.conf; ipc, shm
//   <run>/oci/                           the OCI runtime's own state
#pragma once

#include <string>

#include "runtime/rootfs.h"
#include "runtime/spec.h"

namespace boxship::runtime {

struct Paths {
    std::string state;
    std::string run;

    std::string boot() const { return state + "/boot"; }
    std::string exits() const { return state + "/exits"; }
    std::string exit_of(const ContainerId& id) const { return exits() + "/" + to_text(id); }
    std::string logs() const { return state + "/logs"; }
    std::string log_of(const ContainerId& id) const { return logs() + "/" + to_text(id); }
    std::string layers() const { return state + "/containers"; }
    std::string bundles() const { return run + "/containers"; }
    std::string bundle_of(const ContainerId& id) const { return bundles() + "/" + to_text(id); }
    std::string tasks() const { return run + "/tasks"; }
    std::string task(const TaskId& id) const { return tasks() + "/" + to_text(id); }
    std::string oci() const { return run + "/oci"; }
    RootfsPaths rootfs_of(const ContainerId& id) const { return {layers() + "/" + to_text(id), bundle_of(id) + "/rootfs"}; }
};

}  // namespace boxship::runtime
