// Connections that the kernel remembers. A UDP sender that never pauses keeps its remembered way alive for ever: without
// this, the X-Ray daemon's successor on a host port would never see the packets of clients that knew its predecessor.
#pragma once

#include <cstdint>

#include "runtime/net/netlink.h"

namespace boxship::runtime::net {

// Forgets every UDP flow whose first packet went to `port`, in the namespace of `filter` (a NETLINK_NETFILTER socket).
// A kernel without the conntrack netlink family: nothing happens, and it says so once in the log.
HostResult<> forget_udp_flows(Netlink& filter, std::uint16_t port);

}  // namespace boxship::runtime::net
