// The sockets that a configuration listens on. The keeper has them open and hands them to every HAProxy, so that none closes when an
// HAProxy ends, however it ends: a connection waits in the kernel until the next HAProxy takes it.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boxship::drive::haproxy {

struct Bind {
    std::string address;                // "10.0.0.1:80", "[::1]:80"
    std::string network;                // the path of a network namespace; "" the one that we are in
    auto operator<=>(const Bind&) const = default;
};

// Calls a function in a network namespace.
using EnterNetwork = std::function<HostResult<>(const std::string& path, const std::function<HostResult<>()>& fn)>;

// The same configuration with a descriptor in the place of each address that is listened on.
HostResult<std::string> with_descriptors(std::string_view configuration, const std::function<HostResult<int>(const Bind&)>& descriptor_of);

HostResult<env::UniqueFd> listen_on(const Bind& bind, const EnterNetwork& enter);

// What another process listens on by TCP, as descriptors of ours.
HostResult<std::vector<env::UniqueFd>> listening_sockets_of(pid_t pid, const env::UniqueFd& pidfd);
bool listens_on(const env::UniqueFd& socket, const Bind& bind, const EnterNetwork& enter);

}  // namespace boxship::drive::haproxy
