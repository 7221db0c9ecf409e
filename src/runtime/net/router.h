// A VPC's router on this host: a network namespace of its own on which everything with a VPC address hangs by a routed
// veth. There is no common layer 2, so neighbours cannot spoof each other's ARP, and two VPCs with equal ranges do not meet.
//
//   host  <id>-u…  169.254.X.0/31 ── uplink 169.254.X.1/31  router  e<hash> ── eth0  task, instance
//
// The agent's endpoint. Tasks, bridge containers and instances all reach 169.254.170.2 through the router (it is on no
// interface of theirs: a listener in a task's own namespace would take port 80 from the task). There it is rewritten,
// by the caller's checked source address, to agent_address() of the agent that attached the caller, any port. So an agent
// opens one listener per router and port, open_listener_in(router.namespace_path(), router.agent_address(), 80), and
// knows an awsvpc task by the peer address it accepts; bridge and host-mode containers share their instance's.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/net/links.h"
#include "runtime/net/platform.h"

namespace boxship::runtime::net {

struct RouterSpec {
    std::string vpc;                 // "vpc-0123456789abcdef0"
    Ipv4Net cidr;
    // True for one VPC of the platform: the host has a route to it, and its tasks reach the host under their own
    // addresses. The others leave masqueraded as the uplink, so their ranges may be equal.
    bool reached_from_host = true;
};

class Router {
public:
    // Makes the router and what the host needs for it, or completes what is there. Must run in the host's namespace.
    // Sets net.ipv4.ip_forward on the host if it is off, and logs that. 5 to 60 ms (iptables is asked about Docker).
    static HostResult<std::unique_ptr<Router>> ensure(const Platform& platform, const RouterSpec& spec);

    // What others may undo on the host while we run (a firewall flushes all rules, Docker starts later than we): the nft
    // table, the ACCEPT in DOCKER-USER, forwarding. Call it now and then. In the host's namespace.
    HostResult<> repair_host() const;

    const Platform& platform() const { return platform_; }
    const RouterSpec& spec() const { return spec_; }
    const std::string& namespace_path() const { return path_; }
    Ipv4 agent_address() const { return agent_address_; }   // 169.254.171.N, on the router's lo
    Ipv4Net uplink() const { return uplink_; }              // .base is the host's end, the next address the router's
    std::uint32_t mtu() const { return mtu_; }              // that of the host's way out

    // Inside the router: used by eni.h and sweep.h.
    Netlink& routes() const { return *routes_; }
    Netlink& filter() const { return *filter_; }

private:
    Router(Platform platform, RouterSpec spec) : platform_(std::move(platform)), spec_(std::move(spec)) {}
    HostResult<> repair_locked() const;

    Platform platform_;
    RouterSpec spec_;
    std::string path_;
    Ipv4 agent_address_;
    Ipv4Net uplink_;
    std::uint32_t mtu_ = 1500;
    std::unique_ptr<Netlink> routes_;
    std::unique_ptr<Netlink> filter_;
};

inline constexpr const char* uplink_inside = "uplink";  // the router's end of the way to the host

// The router's nft table and its parts. Security groups are in tables of their own (group_filter.h).
inline constexpr const char* router_table = "boxship";
inline constexpr const char* sources_set = "sources";   // ifname . ipv4_addr: who may send from where
inline constexpr const char* agents_map = "agents";     // ipv4_addr : ipv4_addr: whose task is this

// The routers that are on this machine already: VPCs and their ranges.
HostResult<std::map<std::string, Ipv4Net>> standing_routers(const Platform& platform);

// Takes a router away unless an interface hangs on it or an agent filters there (group_filter.h).
HostResult<> remove_unused_router(const Platform& platform, const std::string& vpc);

// 172.31.0.0/16, 172.30.0.0/16 … 172.16.0.0/16: the first that overlaps none of `taken`.
HostResult<Ipv4Net> pick_vpc_cidr(std::span<const Ipv4Net> taken);
// The prefixes that the host has routes to, without the default route and without what this platform made.
// In the calling thread's namespace.
HostResult<std::vector<Ipv4Net>> host_prefixes(const Platform& platform);

}  // namespace boxship::runtime::net
