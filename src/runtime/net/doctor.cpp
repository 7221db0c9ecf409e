#include "runtime/net/doctor.h"

#include <sched.h>

#include <array>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/process.h"
#include "runtime/net/host.h"
#include "runtime/net/namespace.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

struct Chain {
    bool forwards = false;               // a base chain at the forward hook
    bool drops_by_default = false;
    std::vector<std::string> rules;
};
struct Table {
    std::string name;                    // "ip filter"
    std::map<std::string, Chain> chains;
};

// nft prints one thing per line; blocks nest two deep, and sets (whose lines hold no verdicts) are passed over.
std::vector<Table> parse_ruleset(const std::string& text)
{
    std::vector<Table> tables;
    Chain* chain = nullptr;
    for (const std::string& raw : split(text, '\n')) {
        const std::string line(trim(raw));
        const auto words = split(line, ' ');
        if (words[0] == "table" && words.size() == 4) {
            tables.push_back({words[1] + " " + words[2], {}});
            chain = nullptr;
        } else if (words[0] == "chain" && words.size() == 3 && !tables.empty()) {
            chain = &tables.back().chains[words[1]];
        } else if (line == "}") {
            chain = nullptr;
        } else if (chain && words[0] == "type" && line.find(" hook ") != line.npos) {
            chain->forwards = line.find(" hook forward ") != line.npos;
            chain->drops_by_default = line.find("policy drop") != line.npos;
        } else if (chain && !line.empty()) {
            chain->rules.push_back(line);
        }
    }
    return tables;
}

bool has_word(const std::string& rule, std::string_view word)
{
    const auto words = split(rule, ' ');
    return std::find(words.begin(), words.end(), word) != words.end();
}

// The link that a rule insists on ("iifname "docker0""), none if it names none or names it with "!=" or as a set.
std::optional<std::string> link_of(const std::string& rule, std::string_view direction)
{
    const auto words = split(rule, ' ');
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        if (words[i] != direction || words[i + 1].size() < 2 || words[i + 1][0] != '"') continue;
        return words[i + 1].substr(1, words[i + 1].size() - 2);
    }
    return std::nullopt;
}

// Our packets come from an uplink and leave by the way out, or the other way round.
bool may_match(const std::string& rule, const std::string& ours, const std::string& way_out)
{
    for (const char* direction : {"iifname", "oifname"}) {
        const auto link = link_of(rule, direction);
        if (!link) continue;
        const std::string stem = link->ends_with('*') ? link->substr(0, link->size() - 1) : *link;
        const bool pattern = stem.size() != link->size();
        const bool matches = pattern ? ours.starts_with(stem) || stem.starts_with(ours) || way_out.starts_with(stem)
                                     : link->starts_with(ours) || *link == way_out;
        if (!matches) return false;
    }
    return true;
}

void collect(const Table& table, const std::string& name, const std::string& ours, const std::string& way_out,
             std::set<std::string>& seen, std::vector<ForeignDrop>& drops)
{
    const auto chain = table.chains.find(name);
    if (chain == table.chains.end() || !seen.insert(name).second) return;
    const std::string where = fmt::format("nft table {}, chain {}", table.name, name);
    for (const std::string& rule : chain->second.rules) {
        if (!may_match(rule, ours, way_out)) continue;
        if (has_word(rule, "drop") || has_word(rule, "reject")) drops.push_back({where, rule});
        const auto words = split(rule, ' ');
        for (std::size_t i = 0; i + 1 < words.size(); ++i)
            if (words[i] == "jump" || words[i] == "goto") collect(table, words[i + 1], ours, way_out, seen, drops);
    }
    if (chain->second.forwards && chain->second.drops_by_default) drops.push_back({where, "policy drop"});
}

bool accepts_us(const Table& table, const std::string& ours)
{
    const auto chain = table.chains.find("DOCKER-USER");
    if (chain == table.chains.end()) return false;
    int directions = 0;
    for (const std::string& rule : chain->second.rules)
        for (const char* direction : {"iifname", "oifname"})
            if (link_of(rule, direction) == ours + "*" && has_word(rule, "accept")) ++directions;
    return directions >= 2;
}

void find_legacy_drops(std::vector<ForeignDrop>& drops)
{
    const auto tables = env::read_file("/proc/net/ip_tables_names");
    if (!tables.ok() || trim(*tables).empty()) return;
    const auto shown = env::run_process({"iptables-legacy", "-S", "FORWARD"});
    if (!shown.ok() || shown->exit_code != 0) return;
    for (const std::string& line : split(shown->out, '\n'))
        if (line == "-P FORWARD DROP" || line.ends_with("-j DROP") || line.find("-j REJECT") != line.npos)
            drops.push_back({"iptables-legacy, chain FORWARD", line});
}

struct Probe {
    const char* part;
    const char* needed_for;
    const char* commands;   // for nft
};
constexpr Probe probes[] = {
    {"nft filter chains", "security groups and the check of sources",
     "add chain inet probe f { type filter hook forward priority 0; }; add chain inet probe r { type filter hook prerouting priority raw; }"},
    {"nft sets of links and addresses", "the check of sources", "add set inet probe s { type ifname . ipv4_addr; }"},
    {"nft connection tracking", "stateful security groups", "add rule inet probe f ct state established,related accept"},
    {"nft masquerade", "a task's way to other networks",
     "add chain inet probe p { type nat hook postrouting priority srcnat; }; add rule inet probe p masquerade"},
    {"nft destination NAT by map", "published ports and the agent's endpoint",
     "add map inet probe m { type inet_proto . inet_service : ipv4_addr . inet_service; }; "
     "add chain inet probe d { type nat hook prerouting priority dstnat; }; "
     "add rule inet probe d meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @m"},
};

void probe_here(std::vector<MissingPart>& missing)
{
    if (unshare(CLONE_NEWNET) != 0) {
        missing.push_back({"network namespaces", "everything but host mode", host_error("unshare", errno).message});
        return;
    }
    const auto netlink = Netlink::open(NETLINK_ROUTE);
    const auto note = [&](const char* part, const char* needed_for, const HostResult<>& outcome) {
        if (!outcome.ok()) missing.push_back({part, needed_for, outcome.error().message});
    };
    if (netlink.ok()) {
        auto veth = make_veth({.name = "probe0", .mac = {}}, {.name = "probe1", .mac = {}}, 1500);
        note("veth", "every network mode but host", (*netlink)->request(veth));
        note("bridge", "bridge mode", (*netlink)->request(make_bridge("probe2", {}, 1500)));
    }
    if (const auto table = run_nft("add table inet probe"); !table.ok()) {
        note("nftables, inet family", "every network mode but host", table);
        return;
    }
    for (const Probe& probe : probes) note(probe.part, probe.needed_for, run_nft(probe.commands));
}

}  // namespace

std::vector<ForeignDrop> find_drops(const std::string& ruleset, const std::string& ours, const std::string& way_out)
{
    std::vector<ForeignDrop> drops;
    for (const Table& table : parse_ruleset(ruleset)) {
        if (table.name.starts_with("inet boxship-") || accepts_us(table, ours)) continue;
        std::set<std::string> seen;
        for (const auto& [name, chain] : table.chains)
            if (chain.forwards) collect(table, name, ours, way_out, seen, drops);
    }
    return drops;
}

HostResult<HostNetwork> inspect_host(const Platform& platform)
{
    HostNetwork network;
    ASSIGN_OR_RETURN(const std::string forwarding, env::read_file("/proc/sys/net/ipv4/ip_forward"));
    network.forwarding = trim(forwarding) == "1";

    ASSIGN_OR_RETURN(const auto host, Netlink::open(NETLINK_ROUTE));
    ASSIGN_OR_RETURN(const std::string way_out, way_out_link(*host));
    const auto ruleset = read_nft("list ruleset");
    if (ruleset.ok()) {
        network.drops = find_drops(*ruleset, platform.uplink_prefix(), way_out);
        for (const Table& table : parse_ruleset(*ruleset)) {
            network.docker_user = network.docker_user || table.chains.count("DOCKER-USER");
            network.docker_accepts_us = network.docker_accepts_us || accepts_us(table, platform.uplink_prefix());
        }
    } else {
        network.missing.push_back({"nftables", "every network mode but host", ruleset.error().message});
    }
    find_legacy_drops(network.drops);
    std::thread([&] { probe_here(network.missing); }).join();
    return network;
}

}  // namespace boxship::runtime::net
