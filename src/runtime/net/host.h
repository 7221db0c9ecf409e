// What a platform needs in the host's own network namespace. Internal to runtime/net: called with the run directory's
// lock held, on a thread in the host's namespace.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/net/links.h"
#include "runtime/net/platform.h"
#include "runtime/net/router.h"

namespace boxship::runtime::net {

// What was chosen for a router; kept beside its namespace, and as short-lived as that (a tmpfs).
struct RouterRecord {
    Ipv4Net cidr;
    Ipv4Net uplink;
};
HostResult<std::optional<RouterRecord>> read_record(const Platform& platform, const std::string& vpc);
HostResult<> write_record(const Platform& platform, const std::string& vpc, const RouterRecord& record);
HostResult<std::vector<std::string>> list_routers(const Platform& platform);   // VPCs, half-made routers included

// A free 169.254.X.0/31.
HostResult<Ipv4Net> pick_uplink(Netlink& host);
// The link that carries the host's default route, and its MTU; "" and 1500 without one.
HostResult<std::string> way_out_link(Netlink& host);
HostResult<std::uint32_t> way_out_mtu(Netlink& host);

HostResult<> enable_forwarding();                        // logs if it had to
HostResult<> ensure_host_table(const Platform& platform);
HostResult<> remove_host_table(const Platform& platform);

// Docker's FORWARD policy is DROP, and DOCKER-USER is where it lets others say otherwise. No iptables, no such chain: nothing.
HostResult<> ensure_docker_accept(const Platform& platform);
HostResult<> remove_docker_accept(const Platform& platform);

// The route to a VPC's range and, behind it, the one that keeps a dead task's address from leaving by the default route.
Route unreachable_route(const RouterRecord& record);
HostResult<> remove_router(const Platform& platform, const std::string& vpc);

}  // namespace boxship::runtime::net
