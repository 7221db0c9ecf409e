// Whose network this is, and how its things on a host are called. Several platforms may share a machine, and several
// agents of one platform too; a sweep takes only what carries the own name.
//
//   run_dir/netns/<agent>/<name>   a task's, bridge container's or instance's namespace (a bind mount)
//   run_dir/router/<vpc>           a router's namespace, and <vpc>.record, which says what was given to it
//   run_dir/agents/<agent>         the number behind the agent's address in routers
//   <id>-u<hash of vpc>            the host's end of a router's uplink
//   inet boxship-<id>              the host's nft table
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/net/address.h"

namespace boxship::runtime::net {

struct Platform {
    std::string id;       // "bx3f": 1 to 5 of [a-z0-9], beginning with a letter
    std::string run_dir;  // "/run/boxship/bx3f": on a tmpfs, so that it does not outlive what it describes
    std::string agent;    // this agent's name among those of the machine: 1 to 64 of [a-z0-9-]

    std::string netns_dir() const { return run_dir + "/netns/" + agent; }
    std::string netns_path(std::string_view name) const { return netns_dir() + "/" + std::string(name); }
    std::string router_dir() const { return run_dir + "/router"; }
    std::string router_path(std::string_view vpc) const { return router_dir() + "/" + std::string(vpc); }
    std::string uplink_name(std::string_view vpc) const;
    std::string uplink_prefix() const { return id + "-u"; }
    std::string host_table() const { return "boxship-" + id; }
};

// An error unless id, run_dir and agent have the forms above.
HostResult<> check(const Platform& platform);

// Names become file names and parts of link aliases: 1 to 128 of [A-Za-z0-9._-], not beginning with a dot.
HostResult<> check_name(std::string_view what, std::string_view name);

// `prefix` and 13 digits of a hash: a link name (15 characters at most) for a text of any length.
std::string hashed_name(char prefix, std::string_view text);

// Held while a router is made, swept or purged: agents of one machine share routers. Released by closing.
HostResult<env::UniqueFd> lock_run_dir(const Platform& platform);

// 169.254.171.N: where this agent listens inside routers; N is given once per agent and machine.
HostResult<Ipv4> agent_address(const Platform& platform);

// Addresses that mean the same in every router.
inline constexpr Ipv4 gateway_address{0xA9FE0101};             // 169.254.1.1, the tasks' next hop
inline constexpr Ipv4 metadata_address{0xA9FEAA02};            // 169.254.170.2, what tasks call their agent
inline constexpr Ipv4Net agent_addresses{{0xA9FEAB00}, 24};    // 169.254.171.0/24
inline constexpr Ipv4Net link_local{{0xA9FE0000}, 16};         // 169.254.0.0/16

}  // namespace boxship::runtime::net
