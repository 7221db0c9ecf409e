// A container's root file system: its image's layers below a layer of its own, by overlayfs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace boxship::runtime {

struct RootfsPaths {
    std::string writable;  // durable storage for "upper" and "work"
    std::string mount;     // where the whole is seen
};

// Mounted already: left as it is, so that a container restarts with what it wrote. Otherwise begins anew.
HostResult<> mount_rootfs(const RootfsPaths& paths, const std::vector<std::string>& layers);

// Makes the directory, and mounts a tmpfs on it unless it is on one.
HostResult<> ensure_tmpfs(const std::string& path);

HostResult<> unmount(const std::string& path);  // not mounted, or not there: fine
HostResult<bool> is_mounted(const std::string& path);

// Unmounts and removes both.
HostResult<> remove_rootfs(const RootfsPaths& paths);

}  // namespace boxship::runtime
