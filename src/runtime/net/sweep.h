// Taking away what nobody owns any more: after a crash, a restart, or for good.
#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "runtime/net/router.h"

namespace boxship::runtime::net {

// This agent's namespaces that are not in `known` (names as given to attach_eni and InstanceNet::attach, those being attached
// right now and instance_netns included), their links, routes and nft elements in this router. What belongs to other agents
// stays. Containers on an instance's bridge: InstanceNet::sweep, before this.
HostResult<> sweep(const Router& router, const std::set<std::string>& known);

// Everything of the platform on this machine, of all its agents: namespaces, links, routes, the nft table, the rules in
// DOCKER-USER, the run directory's network part. net.ipv4.ip_forward stays as it is: others may rely on it by now.
// Goes on after an error and returns the first.
HostResult<> purge(const Platform& platform);

}  // namespace boxship::runtime::net
