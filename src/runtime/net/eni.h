// Elastic network interfaces: a network namespace with `eth0`, hung on a VPC's router by a routed veth.
//
//   in the namespace   eth0 with ADDRESS/32 and the ENI's MAC, default via 169.254.1.1, lo up, IPv6 off
//   in the router      e<hash>, a /32 route, a fixed neighbour; packets from there with any other source are dropped
//                      twice: by rp_filter and by the nft set `sources`
//
// Both functions may be repeated after any crash, and from any thread, one at a time per ENI.
#pragma once

#include <string>

#include "base/result.h"
#include "runtime/net/namespace.h"
#include "runtime/net/router.h"

namespace boxship::runtime::net {

struct EniSpec {
    std::string netns;   // name of the namespace, unique for the agent: the task's id
    std::string eni;     // "eni-0123456789abcdef0"
    Ipv4 address;
    Mac mac;
};

// Makes the namespace (or takes the one there) and attaches it. The result is the namespace's path, for the runtime.
HostResult<std::string> attach_eni(const Router& router, const EniSpec& spec, NamespaceUse use = NamespaceUse::container);

// Afterwards the address may be given to another ENI, nothing passes the veth, and the namespace's file is gone. The veth
// itself goes when the kernel takes the namespace down, which happens by itself and for many at once (60 to 70 ms later, if
// nobody is inside); deleting it here would hold up every other change of links for 20 to 40 ms. sweep() deletes what stays.
HostResult<> detach_eni(const Router& router, const EniSpec& spec);

// What went through the interface since it was attached, from the task's point of view. Unknown ENI: ENODEV.
HostResult<LinkCounters> read_counters(const Router& router, const std::string& eni);

// "<agent>/<namespace>/<eni>/<address>": the alias of the router's end, by which sweeps know the owner.
struct EniOwner {
    std::string agent;
    std::string netns;
    std::string eni;
    Ipv4 address;
};
std::string eni_alias(const Platform& platform, const EniSpec& spec);
EniOwner parse_eni_alias(const std::string& alias);                 // empty parts where it is not ours
std::string eni_link_name(const std::string& eni);
HostResult<> disconnect_link(const Router& router, const std::string& name, Ipv4 address);  // route and nft elements

}  // namespace boxship::runtime::net
