// What of a host matters to our networking: for `boxship doctor host`, and for refusing features with their reason.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/net/platform.h"

namespace boxship::runtime::net {

// A rule of somebody else's that may drop what passes between our uplinks and the world. Reported, never worked around.
struct ForeignDrop {
    std::string where;   // "nft table ip filter, chain FORWARD", "iptables-legacy, chain FORWARD"
    std::string rule;    // as its owner's tool prints it: "policy drop", "meta l4proto tcp drop"

    auto operator<=>(const ForeignDrop&) const = default;
};

struct MissingPart {
    std::string part;        // "nft masquerade"
    std::string needed_for;  // "a task's way to other networks"
    std::string error;       // what the kernel said
};

struct HostNetwork {
    bool forwarding = false;           // net.ipv4.ip_forward
    bool docker_user = false;          // the chain in which Docker lets others decide exists (iptables' nf_tables variant)
    bool docker_accepts_us = false;
    std::vector<ForeignDrop> drops;
    std::vector<MissingPart> missing;
};

// Changes nothing; the kernel's parts are tried in a namespace made for it. In the host's namespace. 10 to 100 ms.
HostResult<HostNetwork> inspect_host(const Platform& platform);

// From `nft list ruleset`: chains at the forward hook, and those they jump to, that may drop our packets. Rules bound to
// other links than `ours` (a prefix) and `way_out` are left out; so is a table whose DOCKER-USER accepts ours.
std::vector<ForeignDrop> find_drops(const std::string& ruleset, const std::string& ours, const std::string& way_out);

}  // namespace boxship::runtime::net
