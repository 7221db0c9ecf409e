// Files inside a container's root file system, found as the container would find them: an absolute link, or "..", in
// the image never leads out of it.
#pragma once

#include <string>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boxship::runtime {

HostResult<env::UniqueFd> open_inside(int root, const std::string& path, int flags);
HostResult<std::string> read_inside(int root, const std::string& path);   // absent: empty
HostResult<> make_directory_inside(int root, const std::string& path, unsigned uid, unsigned gid);  // with its parents

}  // namespace boxship::runtime
