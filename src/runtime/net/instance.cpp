#include "runtime/net/instance.h"

#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "base/strings.h"
#include "env/real/files.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

constexpr const char* bridge_name = "bx0";
constexpr const char* table = "boxship";
constexpr const char* published_map = "published";

std::vector<Ipv4Net> bridge_candidates()
{
    std::vector<Ipv4Net> candidates;
    for (std::uint32_t second = 17; second < 32; ++second) candidates.push_back({{0xAC000000 | second << 16}, 16});
    for (std::uint32_t second = 200; second < 256; ++second) candidates.push_back({{0x0A000000 | second << 16}, 16});
    return candidates;
}

std::string table_text(Ipv4 instance, const Ipv4Net& bridge)
{
    static constexpr const char* rules = R"(
add table inet {table}
add map inet {table} {published} {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
add chain inet {table} guard {{ type filter hook prerouting priority raw; policy accept; }}
add chain inet {table} incoming {{ type nat hook prerouting priority dstnat; policy accept; }}
add chain inet {table} local {{ type nat hook output priority -100; policy accept; }}
add chain inet {table} outgoing {{ type nat hook postrouting priority srcnat; policy accept; }}
flush chain inet {table} guard
flush chain inet {table} incoming
flush chain inet {table} local
flush chain inet {table} outgoing
add rule inet {table} guard iifname "{bx0}" ip daddr 127.0.0.0/8 drop
add rule inet {table} incoming ip daddr {{ {instance}, {gateway} }} meta l4proto {{ tcp, udp }} dnat ip to meta l4proto . th dport map @{published}
add rule inet {table} local ip daddr {{ {instance}, {gateway}, 127.0.0.0/8 }} meta l4proto {{ tcp, udp }} dnat ip to meta l4proto . th dport map @{published}
add rule inet {table} outgoing oifname "{bx0}" ip saddr 127.0.0.0/8 masquerade
add rule inet {table} outgoing oifname "{bx0}" ip saddr {bridge} ct status & dnat == dnat masquerade
add rule inet {table} outgoing oifname "eth0" ip saddr {bridge} masquerade
)";
    return fmt::format(rules, fmt::arg("table", table), fmt::arg("published", published_map), fmt::arg("bx0", bridge_name),
                       fmt::arg("instance", to_text(instance)), fmt::arg("gateway", to_text(bridge.at(1))),
                       fmt::arg("bridge", to_text(bridge)));
}

std::string link_name(const std::string& netns)
{
    return hashed_name('c', netns);
}

std::string alias_of(const std::string& netns, Ipv4 address)
{
    return netns + "/" + to_text(address);
}

}  // namespace

HostResult<std::unique_ptr<InstanceNet>> InstanceNet::ensure(const Router& router, const InstanceSpec& spec,
                                                             std::span<const Ipv4Net> avoid)
{
    std::unique_ptr<InstanceNet> net(new InstanceNet(router, spec));
    ASSIGN_OR_RETURN(net->path_, attach_eni(router, net->eni(), NamespaceUse::instance));
    ASSIGN_OR_RETURN(net->routes_, open_netlink_in(net->path_, NETLINK_ROUTE));
    ASSIGN_OR_RETURN(net->filter_, open_netlink_in(net->path_, NETLINK_NETFILTER));
    RETURN_IF_ERROR(net->ensure_bridge(avoid));
    RETURN_IF_ERROR(net->load());
    return net;
}

HostResult<> InstanceNet::ensure_bridge(std::span<const Ipv4Net> avoid)
{
    RETURN_IF_ERROR(routes_->request(make_bridge(bridge_name, {}, router_.mtu())));
    ASSIGN_OR_RETURN(const auto link, find_link(*routes_, bridge_name));
    if (!link) return HostError{"the bridge went away while it was configured", ENODEV};
    bridge_index_ = link->index;

    ASSIGN_OR_RETURN(const auto present, addresses_of(*routes_, bridge_index_));
    if (!present.empty()) {
        bridge_ = {{present[0].base.value - 1}, present[0].bits};
    } else {
        std::vector<Ipv4Net> taken{router_.spec().cidr};
        auto chosen = first_free(bridge_candidates(), taken);
        taken.insert(taken.end(), avoid.begin(), avoid.end());
        if (const auto better = first_free(bridge_candidates(), taken)) chosen = better;
        if (!chosen) return HostError{"no range for containers beside " + to_text(router_.spec().cidr), EADDRNOTAVAIL};
        bridge_ = *chosen;
    }
    std::array messages{set_link_up(bridge_index_), add_address(bridge_index_, bridge_.at(1), bridge_.bits)};
    RETURN_IF_ERROR(routes_->request(messages));
    return run_in(path_, [&]() -> HostResult<> {
        RETURN_IF_ERROR(run_nft(table_text(spec_.address, bridge_)));
        // After the guard: it lets this namespace's own processes use 127.0.0.1:hostPort, and only them.
        return env::write_file(fmt::format("/proc/sys/net/ipv4/conf/{}/route_localnet", bridge_name), "1");
    });
}

HostResult<> InstanceNet::load()
{
    ASSIGN_OR_RETURN(const auto links, list_links(*routes_));
    for (const Link& link : links) {
        const auto parts = split(link.alias, '/');
        const auto address = parts.size() == 2 ? Ipv4::parse(parts[1]) : std::nullopt;
        if (!address || link.name != link_name(parts[0]) || !bridge_.contains(*address)) continue;
        if (!is_namespace(router_.platform().netns_path(parts[0]))) continue;  // released: its link is about to go
        attached_[parts[0]] = *address;
        last_offset_ = std::max(last_offset_, address->value - bridge_.base.value);
    }
    ASSIGN_OR_RETURN(const auto elements, list_elements(*filter_, table, published_map));
    for (const Element& element : elements) {
        if (element.key.size() != 8 || element.value.size() != 8) continue;
        const auto byte = [](const std::string& text, std::size_t at) { return std::uint32_t(std::uint8_t(text[at])); };
        PublishedPort port;
        port.protocol = Protocol(byte(element.key, 0));
        port.host_port = std::uint16_t(byte(element.key, 4) << 8 | byte(element.key, 5));
        for (std::size_t i = 0; i < 4; ++i) port.address.value = port.address.value << 8 | byte(element.value, i);
        port.container_port = std::uint16_t(byte(element.value, 4) << 8 | byte(element.value, 5));
        published_[{port.protocol, port.host_port}] = port;
    }
    return {};
}

HostResult<Ipv4> InstanceNet::choose_address()
{
    std::set<Ipv4> taken;
    for (const auto& [netns, address] : attached_) taken.insert(address);
    const std::uint32_t usable = std::uint32_t(bridge_.size()) - 3;  // without network, gateway and broadcast
    for (std::uint32_t step = 0; step < usable; ++step) {
        last_offset_ = last_offset_ + 1 > usable + 1 ? 2 : last_offset_ + 1;
        if (!taken.count(bridge_.at(last_offset_))) return bridge_.at(last_offset_);
    }
    return HostError{"no free address in " + to_text(bridge_), EADDRNOTAVAIL};
}

HostResult<> InstanceNet::attach_link(const std::string& netns, const OpenNamespace& inside, Ipv4 address)
{
    const std::string name = link_name(netns);
    ASSIGN_OR_RETURN(const auto outer, find_link(*routes_, name));
    ASSIGN_OR_RETURN(auto inner, find_link(*inside.routes, eth0));
    const bool whole = outer && inner && outer->peer_index == inner->index && inner->peer_index == outer->index &&
                       outer->alias == alias_of(netns, address);
    if (!whole) {
        RETURN_IF_ERROR(routes_->request(delete_link(name)));
        RETURN_IF_ERROR(inside.routes->request(delete_link(eth0)));
        const VethEnd near{.name = name, .mac = {}, .alias = alias_of(netns, address), .bridge_index = bridge_index_};
        const VethEnd far{.name = eth0, .mac = Mac::of(address), .namespace_fd = inside.fd.get()};
        auto messages = make_veth(near, far, router_.mtu());
        RETURN_IF_ERROR(routes_->request(messages));
        ASSIGN_OR_RETURN(inner, find_link(*inside.routes, eth0));
        if (!inner) return HostError{"eth0 went away while it was attached", ENODEV};
    }
    std::array messages{set_link_up(inner->index), add_address(inner->index, address, bridge_.bits),
                        add_route({.to = {}, .via = bridge_gateway(), .index = inner->index})};
    RETURN_IF_ERROR(inside.routes->request(messages));
    ASSIGN_OR_RETURN(const auto port, find_link(*routes_, name));
    if (!port) return HostError{name + " went away while it was attached", ENODEV};
    if (!port->active) RETURN_IF_ERROR(wait_until_active(*routes_, port->index));
    return wait_until_active(*routes_, bridge_index_);
}

HostResult<BridgeEnd> InstanceNet::attach(const std::string& netns)
{
    RETURN_IF_ERROR(check_name("namespace", netns));
    if (netns == instance_netns) return HostError{"a container cannot be called " + netns, EINVAL};
    BridgeEnd end{.namespace_path = router_.platform().netns_path(netns), .address = {}, .mac = {}};
    ASSIGN_OR_RETURN(const OpenNamespace inside, make_namespace(end.namespace_path, NamespaceUse::container));
    std::lock_guard lock(mutex_);
    if (const auto known = attached_.find(netns); known != attached_.end()) {
        end.address = known->second;
    } else {
        ASSIGN_OR_RETURN(end.address, choose_address());
    }
    RETURN_IF_ERROR(attach_link(netns, inside, end.address));
    attached_[netns] = end.address;
    end.mac = Mac::of(end.address);
    return end;
}

HostResult<> InstanceNet::detach(const std::string& netns)
{
    std::lock_guard lock(mutex_);
    return detach_locked(netns);
}

HostResult<> InstanceNet::detach_locked(const std::string& netns)
{
    if (const auto known = attached_.find(netns); known != attached_.end()) {
        const auto ports = published_;
        for (const auto& [key, port] : ports)
            if (port.address == known->second) RETURN_IF_ERROR(unpublish_locked(port.protocol, port.host_port));
    }
    RETURN_IF_ERROR(remove_namespace(router_.platform().netns_path(netns)));
    attached_.erase(netns);
    return {};
}

HostResult<LinkCounters> InstanceNet::read_counters(const std::string& netns)
{
    ASSIGN_OR_RETURN(const auto link, find_link(*routes_, link_name(netns)));
    if (!link) return host_error("read the counters of " + netns, ENODEV);
    return seen_from_far_end(link->counters);
}

std::map<std::string, Ipv4> InstanceNet::attached()
{
    std::lock_guard lock(mutex_);
    return attached_;
}

HostResult<> InstanceNet::sweep(const std::set<std::string>& known)
{
    std::lock_guard lock(mutex_);
    const auto attached = attached_;
    for (const auto& [netns, address] : attached)
        if (!known.count(netns)) RETURN_IF_ERROR(detach_locked(netns));
    // Ports whose container vanished together with its link, and links whose namespace somebody still holds.
    std::set<Ipv4> alive;
    for (const auto& [netns, address] : attached_) alive.insert(address);
    const auto ports = published_;
    for (const auto& [key, port] : ports)
        if (!alive.count(port.address)) RETURN_IF_ERROR(unpublish_locked(port.protocol, port.host_port));
    ASSIGN_OR_RETURN(const auto links, list_links(*routes_));
    std::vector<Message> removals;
    for (const Link& link : links) {
        const std::string netns = split(link.alias, '/')[0];
        if (link.name.size() == link_name(netns).size() && link.name[0] == 'c' && !attached_.count(netns))
            removals.push_back(delete_link(link.name));
    }
    return routes_->request(removals);
}

HostResult<> InstanceNet::release()
{
    RETURN_IF_ERROR(sweep({}));
    return detach_eni(router_, eni());
}

}  // namespace boxship::runtime::net
