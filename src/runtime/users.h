// Who a container's process is: numbers for the names of an image's /etc/passwd and /etc/group.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace boxship::runtime {

struct ProcessUser {
    unsigned uid = 0;
    unsigned gid = 0;
    std::vector<unsigned> groups;  // additional
    std::string home = "/";
};

// `user`: "", "name", "name:group", "uid", "uid:gid". As Docker: a user without a group given gets the primary and
// additional groups of passwd and group; numbers need not be listed there. Errors are Docker's sentences.
HostResult<ProcessUser> resolve_user(const std::string& passwd, const std::string& group, const std::string& user,
                                     const std::vector<std::string>& additional_groups);

}  // namespace boxship::runtime
