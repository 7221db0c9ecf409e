// Security groups in a router: what their rules do not allow does not pass.
//
//   task ──▶ leaving: rules out of the source's groups ──▶ entering: rules into the destination's groups ──▶ task
//
// Everything goes by addresses, which nobody can forge (router.h, `sources`). The addresses that one agent answers for are
// `mine`; a packet from one of them must be allowed out, a packet to one of them in, by a rule of one of its groups. Each agent
// has an nft table of its own in the router, `groups-<agent>`: agents of one machine do not get into each other's way, and a
// packet from one's task to another's is looked at by both. The rules of a group are two chains, its members (on whatever host)
// a set: it tells whose rules count, and it is what rules of other groups name. So a task that comes or goes changes a few
// elements of sets. Established connections pass before any rule is asked: they survive every change.
//
// Routes are asked before the rules, and of established connections as well: what leaves over the uplink must be on a way out of
// its subnet. Answers to what came in by the uplink go back the way they came.
//
// Not subject to rules and routes, as on AWS: the agent's endpoint 169.254.170.2 and the resolvers.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "runtime/net/router.h"

namespace boxship::runtime::net {

struct GroupRule {
    bool egress = false;
    std::string protocol = "-1";     // "tcp", "udp", "icmp", "-1" (all), or a number
    int from_port = -1;              // icmp: the type; -1: all
    int to_port = -1;                // icmp: the code
    Ipv4Net range;                   // the peer, unless it is
    std::string group;               // the members of a group

    bool operator==(const GroupRule&) const = default;
};

struct Group {
    std::vector<GroupRule> rules;
    std::set<Ipv4> members;

    bool operator==(const Group&) const = default;
};
using GroupMap = std::map<std::string, Group>;   // by "sg-0123456789abcdef0"

// What the addresses of a subnet may reach over the uplink, as its routes say.
struct WaysOut {
    Ipv4Net subnet;
    std::vector<std::pair<Ipv4, Ipv4>> spans;    // first and last

    bool operator==(const WaysOut&) const = default;
};

// What a router's filter enforces.
struct RouterRules {
    GroupMap groups;
    std::optional<std::vector<WaysOut>> ways;    // nothing: routes are not known, and not asked
};

// nft commands that make the table, in place of the one that is there. Pure.
std::string group_table_text(const std::string& table, const RouterRules& rules, const std::set<Ipv4>& mine, std::span<const Ipv4> resolvers);

// One agent's table in one router. Not to be used by two threads at once. `router` outlives it.
class GroupFilter {
public:
    // Takes over the table that is there, with what it filters; else makes one that lets nothing of ours pass.
    static HostResult<std::unique_ptr<GroupFilter>> open(const Router& router, std::vector<Ipv4> resolvers);

    // In one step. Some milliseconds: for changes of rules and after a connect.
    HostResult<> replace(const RouterRules& rules);

    // Before an address answers. The rest is a transaction of a few elements.
    HostResult<> admit(Ipv4 address, std::span<const std::string> groups);
    HostResult<> dismiss(Ipv4 address);                           // after it has gone
    HostResult<> join(const std::string& group, Ipv4 address);    // a group that the table does not have: nothing happens
    HostResult<> leave(const std::string& group, Ipv4 address);
    // Dismisses all addresses that have no interface of this agent.
    HostResult<> sweep();
    HostResult<> remove();                                        // the table: only when nothing of ours hangs on the router

private:
    explicit GroupFilter(const Router& router, std::vector<Ipv4> resolvers);
    HostResult<std::set<Ipv4>> attached() const;

    const Router& router_;
    const std::vector<Ipv4> resolvers_;
    const std::string table_;
    std::set<Ipv4> mine_;
};

inline constexpr const char* group_table_prefix = "groups-";
std::string group_table(const Platform& platform);

}  // namespace boxship::runtime::net
