// Links, addresses, routes and neighbours of one network namespace, over a Netlink opened in it.
// The functions that return a Message only build it, so that several go to the kernel in one call.
#pragma once

#include <linux/rtnetlink.h>

#include <optional>
#include <string>
#include <vector>

#include "runtime/net/netlink.h"

namespace boxship::runtime::net {

constexpr const char* eth0 = "eth0";   // the one interface of a task's or an instance's namespace

struct LinkCounters {
    std::uint64_t rx_bytes = 0, rx_packets = 0, rx_errors = 0, rx_dropped = 0;
    std::uint64_t tx_bytes = 0, tx_packets = 0, tx_errors = 0, tx_dropped = 0;
};

struct Link {
    int index = 0;
    int peer_index = 0;      // of a veth: the other end's index, in the other end's namespace
    std::uint32_t mtu = 0;
    bool active = false;     // sends; see wait_until_active
    std::string name;
    std::string alias;
    Mac mac;
    LinkCounters counters;
};

LinkCounters seen_from_far_end(const LinkCounters& near);  // what one end sends the other receives

HostResult<std::optional<Link>> find_link(Netlink& netlink, const std::string& name);
HostResult<std::optional<Link>> find_link(Netlink& netlink, int index);
HostResult<std::vector<Link>> list_links(Netlink& netlink);

// The end of a veth that was up before its peer (and a bridge before its first port) drops what it should send until the
// kernel's link watcher has run: a SYN lost there comes again a second later. Linux 6.8 and later run it when the link is
// asked for, so this takes one question; earlier kernels run it by themselves, usually within a millisecond.
HostResult<> wait_until_active(Netlink& netlink, int index);

struct VethEnd {
    std::string name;
    Mac mac;                 // none: the kernel's choice
    int namespace_fd = -1;   // -1: the namespace of the socket
    std::string alias;       // only of the near end
    int bridge_index = 0;    // only of the near end
};
// Both ends are created in their namespaces, as moving a link later costs the kernel a grace period. The near one is up
// at once; the far one cannot be yet (veth refuses while it has no peer).
std::vector<Message> make_veth(const VethEnd& near, const VethEnd& far, std::uint32_t mtu);

Message make_bridge(const std::string& name, Mac mac, std::uint32_t mtu);
Message delete_link(const std::string& name);                       // absent: fine
Message set_link_up(int index);
Message add_address(int index, Ipv4 address, int bits);             // present: fine
Message delete_address(int index, Ipv4 address, int bits);          // absent: fine
HostResult<std::vector<Ipv4Net>> addresses_of(Netlink& netlink, int index);   // the address itself with its prefix length
Message add_neighbour(int index, Ipv4 address, Mac mac);            // permanent; replaces

struct Route {
    Ipv4Net to;
    Ipv4 via;                  // none: the destination is on the link
    int index = 0;             // outgoing link; 0 with `unreachable`
    Ipv4 source;               // preferred source address; none: the kernel's choice
    std::uint32_t metric = 0;
    bool unreachable = false;
    std::uint32_t table = RT_TABLE_MAIN;   // only read
};
Message add_route(const Route& route);                              // replaces
Message delete_route(const Route& route);                           // absent: fine
HostResult<std::vector<Route>> list_routes(Netlink& netlink);       // IPv4; all tables but the kernel's local one

}  // namespace boxship::runtime::net
