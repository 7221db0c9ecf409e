// Named network namespaces: a file that the namespace is bind-mounted on keeps it alive.
//
// No thread of a pool ever leaves the host's namespace: whatever must happen inside another one happens on a thread
// made for it, which ends there. Everything here blocks for 0.1 to 1 ms and may be called from any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/net/address.h"
#include "runtime/net/netlink.h"

namespace boxship::runtime::net {

bool is_namespace(const std::string& path);                              // a mounted namespace, not a plain file
HostResult<env::UniqueFd> open_namespace(const std::string& path);

// Runs `fn` in the namespace, on a thread of its own, and waits for it. /proc/sys/net is the namespace's there.
HostResult<> run_in(const std::string& path, const std::function<HostResult<>()>& fn);
HostResult<std::unique_ptr<Netlink>> open_netlink_in(const std::string& path, int protocol);

// A listening TCP socket inside the namespace (SO_REUSEADDR, close-on-exec, non-blocking). It keeps the namespace
// alive until it is closed.
HostResult<env::UniqueFd> open_listener_in(const std::string& path, Ipv4 address, std::uint16_t port, int backlog = 512);

enum class NamespaceUse {
    container,  // unprivileged ports from 0 and ping for everybody, as in Docker's containers
    router,     // forwards; what is created in it filters by reverse path and answers ARP for what it routes
    instance,   // forwards, and is a container's namespace for `host` mode
};
struct OpenNamespace {
    env::UniqueFd fd;
    std::unique_ptr<Netlink> routes;  // NETLINK_ROUTE inside
};
// Makes the namespace, or takes the one that is there; the sysctls of `use` are set and IPv6 is off, `lo` is up.
HostResult<OpenNamespace> make_namespace(const std::string& path, NamespaceUse use);

// Unmounts and removes the file; absent: fine. The kernel takes the namespace down later, when nobody is in it.
HostResult<> remove_namespace(const std::string& path);
HostResult<std::vector<std::string>> list_namespaces(const std::string& dir);  // names of files, mounted or half-made

}  // namespace boxship::runtime::net
