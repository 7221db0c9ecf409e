#include "runtime/net/router.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include <fmt/format.h>

#include "base/log.h"
#include "runtime/net/eni.h"
#include "runtime/net/group_filter.h"
#include "runtime/net/host.h"
#include "runtime/net/namespace.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

HostResult<> ensure_uplink(Netlink& host, const OpenNamespace& inside, const std::string& name, std::uint32_t mtu)
{
    ASSIGN_OR_RETURN(const auto outer, find_link(host, name));
    ASSIGN_OR_RETURN(const auto inner, find_link(*inside.routes, uplink_inside));
    if (outer && inner && outer->peer_index == inner->index && inner->peer_index == outer->index) return {};
    RETURN_IF_ERROR(host.request(delete_link(name)));
    RETURN_IF_ERROR(inside.routes->request(delete_link(uplink_inside)));
    const VethEnd near{.name = name, .mac = {}, .alias = "boxship router"};
    const VethEnd far{.name = uplink_inside, .mac = {}, .namespace_fd = inside.fd.get()};
    auto messages = make_veth(near, far, mtu);
    return host.request(messages);
}

// The host's side: address, the VPC's route (where the host shall reach it) and the unreachable one behind it.
HostResult<> configure_host(Netlink& host, const std::string& name, const RouterSpec& spec, const RouterRecord& record)
{
    ASSIGN_OR_RETURN(const auto link, find_link(host, name));
    if (!link) return HostError{"the uplink " + name + " went away while it was configured", ENODEV};
    std::vector<Message> messages;
    messages.push_back(set_link_up(link->index));
    messages.push_back(add_address(link->index, record.uplink.base, record.uplink.bits));
    if (spec.reached_from_host) {
        messages.push_back(add_route({.to = record.cidr, .via = record.uplink.at(1), .index = link->index}));
        messages.push_back(add_route(unreachable_route(record)));
    }
    RETURN_IF_ERROR(host.request(messages));
    return wait_until_active(host, link->index);
}

HostResult<> configure_inside(Netlink& inside, const RouterRecord& record, Ipv4 agent)
{
    ASSIGN_OR_RETURN(const auto link, find_link(inside, uplink_inside));
    if (!link) return HostError{"the router's uplink went away while it was configured", ENODEV};
    std::vector<Message> messages;
    messages.push_back(set_link_up(link->index));
    messages.push_back(add_address(link->index, record.uplink.at(1), record.uplink.bits));
    for (const Ipv4 address : {gateway_address, metadata_address, agent}) messages.push_back(add_address(1, address, 32));
    messages.push_back(add_route({.to = {}, .via = record.uplink.base, .index = link->index}));
    // Addresses without a task end here at once, and nobody's 169.254.169.254 (a cloud's, behind the host) is reachable.
    messages.push_back(add_route({.to = record.cidr, .unreachable = true}));
    messages.push_back(add_route({.to = link_local, .unreachable = true}));
    return inside.request(messages);
}

std::string table_of(const RouterSpec& spec)
{
    static constexpr const char* rules = R"(
add table inet {table}
add set inet {table} {sources} {{ type ifname . ipv4_addr; }}
add map inet {table} {agents} {{ type ipv4_addr : ipv4_addr; }}
add chain inet {table} source_check {{ type filter hook prerouting priority raw; policy accept; }}
add chain inet {table} agent_endpoint {{ type nat hook prerouting priority dstnat; policy accept; }}
add chain inet {table} input {{ type filter hook input priority filter; policy accept; }}
add chain inet {table} outgoing {{ type nat hook postrouting priority srcnat; policy accept; }}
flush chain inet {table} source_check
flush chain inet {table} agent_endpoint
flush chain inet {table} input
flush chain inet {table} outgoing
add rule inet {table} source_check iifname {{ "lo", "{uplink}" }} accept
add rule inet {table} source_check iifname . ip saddr != @{sources} drop
add rule inet {table} agent_endpoint ip daddr {metadata} dnat ip to ip saddr map @{agents}
add rule inet {table} input iifname != "lo" ip daddr {agent_range} ct status & dnat == 0 drop
)";
    std::string text = fmt::format(rules, fmt::arg("table", router_table), fmt::arg("sources", sources_set),
                                   fmt::arg("agents", agents_map), fmt::arg("uplink", uplink_inside),
                                   fmt::arg("metadata", to_text(metadata_address)),
                                   fmt::arg("agent_range", to_text(agent_addresses)));
    if (!spec.reached_from_host) text += fmt::format("add rule inet {} outgoing oifname \"{}\" masquerade\n", router_table, uplink_inside);
    return text;
}

}  // namespace

HostResult<std::unique_ptr<Router>> Router::ensure(const Platform& platform, const RouterSpec& spec)
{
    RETURN_IF_ERROR(check_name("VPC", spec.vpc));
    ASSIGN_OR_RETURN(const Ipv4 agent, net::agent_address(platform));
    ASSIGN_OR_RETURN(const env::UniqueFd lock, lock_run_dir(platform));
    ASSIGN_OR_RETURN(const auto host, Netlink::open(NETLINK_ROUTE));

    std::unique_ptr<Router> router(new Router(platform, spec));
    router->path_ = platform.router_path(spec.vpc);
    router->agent_address_ = agent;
    ASSIGN_OR_RETURN(router->mtu_, way_out_mtu(*host));

    ASSIGN_OR_RETURN(OpenNamespace inside, make_namespace(router->path_, NamespaceUse::router));
    ASSIGN_OR_RETURN(auto record, read_record(platform, spec.vpc));
    if (record && record->cidr != spec.cidr)
        return HostError{fmt::format("{} is {} on this host, not {}: release its tasks and purge first", spec.vpc,
                                     to_text(record->cidr), to_text(spec.cidr)), EEXIST};
    if (!record) {
        ASSIGN_OR_RETURN(const Ipv4Net uplink, pick_uplink(*host));
        record = RouterRecord{spec.cidr, uplink};
        RETURN_IF_ERROR(write_record(platform, spec.vpc, *record));
    }
    router->uplink_ = record->uplink;

    // Filters first: nothing can hang on the router before the source check is there.
    RETURN_IF_ERROR(run_in(router->path_, [&]() -> HostResult<> {
        RETURN_IF_ERROR(run_nft(table_of(spec)));
        ASSIGN_OR_RETURN(router->filter_, Netlink::open(NETLINK_NETFILTER));
        return {};
    }));
    const std::string name = platform.uplink_name(spec.vpc);
    RETURN_IF_ERROR(ensure_uplink(*host, inside, name, router->mtu_));
    RETURN_IF_ERROR(configure_inside(*inside.routes, *record, agent));
    RETURN_IF_ERROR(configure_host(*host, name, spec, *record));
    RETURN_IF_ERROR(router->repair_locked());
    router->routes_ = std::move(inside.routes);
    return router;
}

HostResult<> Router::repair_host() const
{
    ASSIGN_OR_RETURN(const env::UniqueFd lock, lock_run_dir(platform_));
    return repair_locked();
}

HostResult<> Router::repair_locked() const
{
    // Forwarding last: before it nothing can come in past rules that are not there yet.
    RETURN_IF_ERROR(ensure_host_table(platform_));
    RETURN_IF_ERROR(ensure_docker_accept(platform_));
    return enable_forwarding();
}

HostResult<std::map<std::string, Ipv4Net>> standing_routers(const Platform& platform)
{
    std::map<std::string, Ipv4Net> found;
    ASSIGN_OR_RETURN(const auto vpcs, list_routers(platform));
    for (const std::string& vpc : vpcs) {
        ASSIGN_OR_RETURN(const auto record, read_record(platform, vpc));
        if (record && is_namespace(platform.router_path(vpc))) found[vpc] = record->cidr;
    }
    return found;
}

HostResult<> remove_unused_router(const Platform& platform, const std::string& vpc)
{
    ASSIGN_OR_RETURN(const env::UniqueFd lock, lock_run_dir(platform));
    const std::string path = platform.router_path(vpc);
    if (is_namespace(path)) {
        ASSIGN_OR_RETURN(const auto inside, open_netlink_in(path, NETLINK_ROUTE));
        ASSIGN_OR_RETURN(const auto links, list_links(*inside));
        for (const Link& link : links)
            if (parse_eni_alias(link.alias).address) return {};
        std::string tables;
        RETURN_IF_ERROR(run_in(path, [&]() -> HostResult<> {
            ASSIGN_OR_RETURN(tables, read_nft("list tables"));
            return {};
        }));
        if (tables.find(group_table_prefix) != tables.npos) return {};
    }
    return remove_router(platform, vpc);
}

HostResult<Ipv4Net> pick_vpc_cidr(std::span<const Ipv4Net> taken)
{
    std::vector<Ipv4Net> candidates;
    for (std::uint32_t second = 31; second >= 16; --second) candidates.push_back({{0xAC000000 | second << 16}, 16});
    if (const auto free = first_free(candidates, taken)) return *free;
    return HostError{"172.16.0.0/16 to 172.31.0.0/16 are all in use on this host: name a range with --vpc-cidr", EADDRNOTAVAIL};
}

HostResult<std::vector<Ipv4Net>> host_prefixes(const Platform& platform)
{
    ASSIGN_OR_RETURN(const auto host, Netlink::open(NETLINK_ROUTE));
    ASSIGN_OR_RETURN(const auto routes, list_routes(*host));
    ASSIGN_OR_RETURN(const auto links, list_links(*host));
    std::set<int> ours;
    for (const Link& link : links)
        if (link.name.starts_with(platform.uplink_prefix())) ours.insert(link.index);
    std::vector<Ipv4Net> prefixes;
    std::vector<Ipv4Net> own_ranges;
    for (const Route& route : routes)
        if (ours.count(route.index)) own_ranges.push_back(route.to);
    ASSIGN_OR_RETURN(const auto vpcs, list_routers(platform));
    for (const std::string& vpc : vpcs) {
        ASSIGN_OR_RETURN(const auto record, read_record(platform, vpc));
        if (record) own_ranges.push_back(record->cidr);
    }
    for (const Route& route : routes) {
        const bool own = ours.count(route.index) || std::find(own_ranges.begin(), own_ranges.end(), route.to) != own_ranges.end();
        if (route.to.bits > 0 && !own) prefixes.push_back(route.to);
    }
    return prefixes;
}

}  // namespace boxship::runtime::net
