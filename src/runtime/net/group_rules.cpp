// Security groups as nft commands.
#include <algorithm>

#include <fmt/format.h>

#include "base/numbers.h"

#include "runtime/net/group_filter.h"

namespace boxship::runtime::net {
namespace {

constexpr int port_max = 65535;

std::string addresses_text(const std::set<Ipv4>& addresses)
{
    if (addresses.empty()) return {};
    std::string text = " elements = {";
    const char* comma = " ";
    for (const Ipv4 address : addresses) {
        text += comma + to_text(address);
        comma = ", ";
    }
    return text + " };";
}

// What a rule says of the kind of traffic; nothing when it can never match (we carry no IPv6, nor what we do not know).
std::optional<std::string> kind_text(const GroupRule& rule)
{
    if (rule.protocol == "-1") return "";
    if (rule.protocol == "tcp" || rule.protocol == "udp") {
        if (rule.from_port <= 0 && (rule.to_port < 0 || rule.to_port >= port_max)) return "meta l4proto " + rule.protocol + " ";
        return fmt::format("{} dport {}-{} ", rule.protocol, std::max(rule.from_port, 0), rule.to_port);
    }
    if (rule.protocol == "icmp") {
        std::string text = "meta l4proto icmp ";
        if (rule.from_port >= 0) text += fmt::format("icmp type {} ", rule.from_port);
        if (rule.from_port >= 0 && rule.to_port >= 0) text += fmt::format("icmp code {} ", rule.to_port);
        return text;
    }
    const auto number = parse_number<std::uint8_t>(rule.protocol);
    if (!number) return std::nullopt;
    return fmt::format("meta l4proto {} ", *number);
}

std::string peer_text(const GroupRule& rule, const GroupMap& groups)
{
    const char* side = rule.egress ? "daddr" : "saddr";
    if (!rule.group.empty()) return groups.contains(rule.group) ? fmt::format("ip {} @{} ", side, rule.group) : std::string();
    return rule.range.bits == 0 ? std::string("meta nfproto ipv4 ") : fmt::format("ip {} {} ", side, to_text(rule.range));
}

std::string chain_text(const std::string& name, bool egress, const Group& group, const GroupMap& groups)
{
    std::string text = fmt::format("    chain {} {{\n", name);
    for (const GroupRule& rule : group.rules) {
        const auto kind = kind_text(rule);
        const std::string peer = peer_text(rule, groups);
        if (rule.egress == egress && kind && !peer.empty()) text += fmt::format("        {}{}accept\n", peer, *kind);
    }
    return text + "    }\n";
}

// The hooks: what passes between interfaces, what a load balancer inside the router takes in and sends out.
std::string hooks_text()
{
    std::string text;
    for (const char* hook : {"forward", "input", "output"}) {
        text += fmt::format("    chain leaving-{0} {{ type filter hook {0} priority filter; policy accept; ct state established,related accept; ip saddr @mine jump leaving; }}\n", hook);
        text += fmt::format("    chain entering-{0} {{ type filter hook {0} priority filter + 1; policy accept; ct state established,related accept; ip daddr @mine jump entering; }}\n", hook);
    }
    return text;
}

std::string routes_text(const std::vector<WaysOut>& ways, std::span<const Ipv4> resolvers)
{
    std::string text = fmt::format("    chain routing {{ type filter hook forward priority filter - 1; policy accept; oifname \"{}\" ip saddr @mine ct direction original jump routed; }}\n"
                                   "    chain routed {{\n", uplink_inside);
    for (const Ipv4 resolver : resolvers) text += fmt::format("        ip daddr {} meta l4proto {{ tcp, udp }} th dport 53 return\n", to_text(resolver));
    for (const WaysOut& way : ways) {
        if (way.spans.empty()) continue;
        text += fmt::format("        ip saddr {} ip daddr {{", to_text(way.subnet));
        const char* comma = " ";
        for (const auto& [first, last] : way.spans) {
            text += comma + to_text(first) + (first == last ? "" : "-" + to_text(last));
            comma = ", ";
        }
        text += " } return\n";
    }
    return text + "        drop\n    }\n";
}

}  // namespace

std::string group_table_text(const std::string& table, const RouterRules& rules, const std::set<Ipv4>& mine, std::span<const Ipv4> resolvers)
{
    const GroupMap& groups = rules.groups;
    // "add" first, because "delete" of an absent table is an error.
    std::string text = fmt::format("add table inet {0}\ndelete table inet {0}\ntable inet {0} {{\n", table);
    text += fmt::format("    set mine {{ type ipv4_addr;{} }}\n", addresses_text(mine));
    std::string leaving = fmt::format("        ip daddr {} accept\n", to_text(agent_addresses)), entering;
    for (const Ipv4 resolver : resolvers) leaving += fmt::format("        ip daddr {} meta l4proto {{ tcp, udp }} th dport 53 accept\n", to_text(resolver));
    for (const auto& [id, group] : groups) text += fmt::format("    set {} {{ type ipv4_addr;{} }}\n", id, addresses_text(group.members));
    for (const auto& [id, group] : groups) {
        text += chain_text("out-" + id, true, group, groups) + chain_text("in-" + id, false, group, groups);
        leaving += fmt::format("        ip saddr @{0} jump out-{0}\n", id);
        entering += fmt::format("        ip daddr @{0} jump in-{0}\n", id);
    }
    text += "    chain leaving {\n" + leaving + "        drop\n    }\n    chain entering {\n" + entering + "        drop\n    }\n";
    if (rules.ways) text += routes_text(*rules.ways, resolvers);
    return text + hooks_text() + "}\n";
}

}  // namespace boxship::runtime::net
