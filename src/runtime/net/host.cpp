#include "runtime/net/host.h"

#include <array>
#include <cerrno>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/process.h"
#include "runtime/net/namespace.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

constexpr std::string_view record_suffix = ".record";
constexpr const char* forward_path = "/proc/sys/net/ipv4/ip_forward";

std::string record_path(const Platform& platform, const std::string& vpc)
{
    return platform.router_path(vpc) + std::string(record_suffix);
}

// argv of a rule, as both -C, -I and -D take it.
std::vector<std::string> docker_rule(const Platform& platform, const char* direction)
{
    return {direction, platform.uplink_prefix() + "+", "-m", "comment", "--comment", "boxship " + platform.id, "-j", "ACCEPT"};
}

HostResult<env::ProcessOutcome> iptables(const std::string& program, const char* verb, const std::vector<std::string>& rule = {})
{
    std::vector<std::string> argv{program, "-w", "5", verb, "DOCKER-USER"};
    argv.insert(argv.end(), rule.begin(), rule.end());
    return env::run_process(argv);
}

// The iptables program in whose tables Docker works here; empty when there is no Docker or no iptables.
std::string docker_iptables()
{
    for (const char* program : {"iptables", "iptables-nft"}) {
        const auto shown = iptables(program, "-S");
        if (shown.ok() && shown->exit_code == 0) return program;
    }
    return {};
}

HostResult<std::optional<Link>> way_out(Netlink& host)
{
    ASSIGN_OR_RETURN(const auto routes, list_routes(host));
    const Route* best = nullptr;
    for (const Route& route : routes) {
        const bool way = route.table == RT_TABLE_MAIN && route.to.bits == 0 && route.index != 0;
        if (way && (!best || route.metric < best->metric)) best = &route;
    }
    if (!best) return std::optional<Link>();
    return find_link(host, best->index);
}

}  // namespace

HostResult<std::optional<RouterRecord>> read_record(const Platform& platform, const std::string& vpc)
{
    const auto text = env::read_file(record_path(platform, vpc));
    if (!text.ok() && text.error().code == ENOENT) return std::optional<RouterRecord>();
    if (!text.ok()) return text.error();
    const auto words = split(trim(*text), ' ');
    const auto cidr = words.size() == 2 ? Ipv4Net::parse(words[0]) : std::nullopt;
    const auto uplink = words.size() == 2 ? Ipv4Net::parse(words[1]) : std::nullopt;
    if (!cidr || !uplink) return std::optional<RouterRecord>();  // half-written: as if absent
    return std::optional<RouterRecord>(RouterRecord{*cidr, *uplink});
}

HostResult<> write_record(const Platform& platform, const std::string& vpc, const RouterRecord& record)
{
    return env::write_file(record_path(platform, vpc), fmt::format("{} {}\n", to_text(record.cidr), to_text(record.uplink)));
}

HostResult<std::vector<std::string>> list_routers(const Platform& platform)
{
    ASSIGN_OR_RETURN(const auto files, env::list_directory(platform.router_dir()));
    std::set<std::string> vpcs;
    for (const std::string& file : files) {
        const bool record = file.ends_with(record_suffix);
        vpcs.insert(record ? file.substr(0, file.size() - record_suffix.size()) : file);
    }
    return std::vector<std::string>(vpcs.begin(), vpcs.end());
}

HostResult<Ipv4Net> pick_uplink(Netlink& host)
{
    ASSIGN_OR_RETURN(const auto routes, list_routes(host));
    std::vector<Ipv4Net> taken{{gateway_address, 32}, {metadata_address, 32}, agent_addresses, {{0xA9FEA900}, 24}};  // 169.254.169.0/24
    for (const Route& route : routes)
        if (route.to.bits > link_local.bits) taken.push_back(route.to);  // a zeroconf route to all of 169.254 is no owner
    for (std::uint32_t third = 2; third < 256; ++third) {
        const std::array candidate{Ipv4Net{link_local.at(third << 8), 31}};
        const std::array block{Ipv4Net{candidate[0].base, 24}};
        if (first_free(block, taken)) return candidate[0];
    }
    return HostError{"no free 169.254.x.0/31 for an uplink", EADDRNOTAVAIL};
}

HostResult<std::string> way_out_link(Netlink& host)
{
    ASSIGN_OR_RETURN(const auto link, way_out(host));
    return link ? link->name : std::string();
}

HostResult<std::uint32_t> way_out_mtu(Netlink& host)
{
    ASSIGN_OR_RETURN(const auto link, way_out(host));
    return link && link->mtu >= 1280 ? link->mtu : 1500u;
}

HostResult<> enable_forwarding()
{
    ASSIGN_OR_RETURN(const std::string now, env::read_file(forward_path));
    if (trim(now) == "1") return {};
    RETURN_IF_ERROR(env::write_file(forward_path, "1"));
    log_info("set net.ipv4.ip_forward=1 on this host: tasks reach other networks through it");
    return {};
}

HostResult<> ensure_host_table(const Platform& platform)
{
    // Nobody gets in from outside (nor from another VPC) except by what the host itself opens, as with AWS's private addresses.
    static constexpr const char* rules = R"(
add table inet {table}
add chain inet {table} outgoing {{ type nat hook postrouting priority srcnat; policy accept; }}
add chain inet {table} forward {{ type filter hook forward priority filter; policy accept; }}
flush chain inet {table} outgoing
flush chain inet {table} forward
add rule inet {table} outgoing iifname "{uplinks}*" oifname != "{uplinks}*" masquerade
add rule inet {table} forward oifname "{uplinks}*" ct state established,related accept
add rule inet {table} forward oifname "{uplinks}*" drop
)";
    return run_nft(fmt::format(rules, fmt::arg("table", platform.host_table()), fmt::arg("uplinks", platform.uplink_prefix())));
}

HostResult<> remove_host_table(const Platform& platform)
{
    // "add" first, because "delete" of an absent table is an error.
    return run_nft(fmt::format("add table inet {0}\ndelete table inet {0}\n", platform.host_table()));
}

HostResult<> ensure_docker_accept(const Platform& platform)
{
    const std::string program = docker_iptables();
    if (program.empty()) return {};
    for (const char* direction : {"-i", "-o"}) {
        const auto rule = docker_rule(platform, direction);
        ASSIGN_OR_RETURN(const auto present, iptables(program, "-C", rule));
        if (present.exit_code == 0) continue;
        ASSIGN_OR_RETURN(const auto inserted, iptables(program, "-I", rule));
        if (inserted.exit_code != 0) return HostError{"accept our traffic in DOCKER-USER: " + std::string(trim(inserted.err)), EIO};
    }
    return {};
}

HostResult<> remove_docker_accept(const Platform& platform)
{
    const std::string program = docker_iptables();
    if (program.empty()) return {};
    for (const char* direction : {"-i", "-o"}) {
        const auto rule = docker_rule(platform, direction);
        for (;;) {
            ASSIGN_OR_RETURN(const auto removed, iptables(program, "-D", rule));
            if (removed.exit_code != 0) break;  // none left
        }
    }
    return {};
}

Route unreachable_route(const RouterRecord& record)
{
    return {.to = record.cidr, .metric = std::numeric_limits<std::uint32_t>::max(), .unreachable = true};
}

HostResult<> remove_router(const Platform& platform, const std::string& vpc)
{
    ASSIGN_OR_RETURN(const auto host, Netlink::open(NETLINK_ROUTE));
    RETURN_IF_ERROR(host->request(delete_link(platform.uplink_name(vpc))));
    ASSIGN_OR_RETURN(const auto record, read_record(platform, vpc));
    if (record) RETURN_IF_ERROR(host->request(delete_route(unreachable_route(*record))));
    const std::string path = platform.router_path(vpc);
    if (is_namespace(path)) {
        // Whoever still holds a socket inside keeps the namespace, so its links are taken away by name.
        ASSIGN_OR_RETURN(const auto inside, open_netlink_in(path, NETLINK_ROUTE));
        ASSIGN_OR_RETURN(const auto links, list_links(*inside));
        std::vector<Message> removals;
        for (const Link& link : links)
            if (link.name.starts_with('e')) removals.push_back(delete_link(link.name));
        RETURN_IF_ERROR(inside->request(removals));
    }
    RETURN_IF_ERROR(remove_namespace(path));
    return env::remove_file(record_path(platform, vpc));
}

}  // namespace boxship::runtime::net
