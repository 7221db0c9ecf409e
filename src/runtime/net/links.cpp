#include "runtime/net/links.h"

#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/veth.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fmt/format.h>

namespace boxship::runtime::net {
namespace {

Link link_of(const nlmsghdr& message)
{
    const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
    Link link;
    link.index = info->ifi_index;
    for (const Attribute& attribute : attributes(message, sizeof(ifinfomsg))) {
        switch (attribute.type) {
        case IFLA_IFNAME: link.name = attribute.text(); break;
        case IFLA_IFALIAS: link.alias = attribute.text(); break;
        case IFLA_LINK: link.peer_index = int(attribute.number()); break;
        case IFLA_OPERSTATE: link.active = !attribute.data.empty() && attribute.data[0] == IF_OPER_UP; break;
        case IFLA_MTU: link.mtu = attribute.number(); break;
        case IFLA_ADDRESS:
            if (attribute.data.size() == 6) std::copy(attribute.data.begin(), attribute.data.end(), link.mac.bytes.begin());
            break;
        case IFLA_STATS64: {
            rtnl_link_stats64 stats{};
            std::memcpy(&stats, attribute.data.data(), std::min(sizeof stats, attribute.data.size()));
            link.counters = {stats.rx_bytes, stats.rx_packets, stats.rx_errors, stats.rx_dropped,
                             stats.tx_bytes, stats.tx_packets, stats.tx_errors, stats.tx_dropped};
            break;
        }
        default: break;
        }
    }
    return link;
}

HostResult<std::optional<Link>> find(Netlink& netlink, Message question)
{
    std::optional<Link> found;
    RETURN_IF_ERROR(netlink.query(std::move(question.tolerate(ENODEV)), [&](const nlmsghdr& message) {
        if (message.nlmsg_type == RTM_NEWLINK) found = link_of(message);
    }));
    return found;
}

ifinfomsg link_header(int index, bool up)
{
    ifinfomsg header{};
    header.ifi_family = AF_UNSPEC;
    header.ifi_index = index;
    if (up) header.ifi_flags = header.ifi_change = IFF_UP;
    return header;
}

void put_mac(Message& message, Mac mac)
{
    if (mac) message.attribute(IFLA_ADDRESS, mac.bytes.data(), mac.bytes.size());
}

rtmsg route_header(const Route& route)
{
    rtmsg header{};
    header.rtm_family = AF_INET;
    header.rtm_dst_len = std::uint8_t(route.to.bits);
    header.rtm_table = RT_TABLE_MAIN;
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_type = route.unreachable ? RTN_UNREACHABLE : RTN_UNICAST;
    header.rtm_scope = route.unreachable || route.via ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    return header;
}

void put_route(Message& message, const Route& route)
{
    if (route.to.bits > 0) message.address(RTA_DST, route.to.base);
    if (route.via) message.address(RTA_GATEWAY, route.via);
    if (route.index) message.number(RTA_OIF, std::uint32_t(route.index));
    if (route.source) message.address(RTA_PREFSRC, route.source);
    if (route.metric) message.number(RTA_PRIORITY, route.metric);
}

}  // namespace

LinkCounters seen_from_far_end(const LinkCounters& c)
{
    return {c.tx_bytes, c.tx_packets, c.tx_errors, c.tx_dropped, c.rx_bytes, c.rx_packets, c.rx_errors, c.rx_dropped};
}

HostResult<std::optional<Link>> find_link(Netlink& netlink, const std::string& name)
{
    Message question("look for link " + name, RTM_GETLINK);
    question.body(link_header(0, false)).text(IFLA_IFNAME, name);
    return find(netlink, std::move(question));
}

HostResult<std::optional<Link>> find_link(Netlink& netlink, int index)
{
    Message question(fmt::format("look for link {}", index), RTM_GETLINK);
    question.body(link_header(index, false));
    return find(netlink, std::move(question));
}

HostResult<std::vector<Link>> list_links(Netlink& netlink)
{
    std::vector<Link> links;
    Message question("list links", RTM_GETLINK, NLM_F_DUMP);
    question.body(link_header(0, false));
    RETURN_IF_ERROR(netlink.query(std::move(question), [&](const nlmsghdr& message) {
        if (message.nlmsg_type == RTM_NEWLINK) links.push_back(link_of(message));
    }));
    return links;
}

HostResult<> wait_until_active(Netlink& netlink, int index)
{
    constexpr auto patience = std::chrono::seconds(2);  // the watcher runs at least once a second
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
        ASSIGN_OR_RETURN(const auto link, find_link(netlink, index));
        if (!link) return host_error(fmt::format("wait for link {}", index), ENODEV);
        if (link->active) return {};
        if (std::chrono::steady_clock::now() > end) return host_error("wait for link " + link->name, ETIMEDOUT);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
}

std::vector<Message> make_veth(const VethEnd& near, const VethEnd& far, std::uint32_t mtu)
{
    Message create("create veth " + near.name, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    create.body(link_header(0, true)).text(IFLA_IFNAME, near.name).number(IFLA_MTU, mtu);
    put_mac(create, near.mac);
    if (near.bridge_index) create.number(IFLA_MASTER, std::uint32_t(near.bridge_index));
    if (near.namespace_fd >= 0) create.number(IFLA_NET_NS_FD, std::uint32_t(near.namespace_fd));
    const auto info = create.nest(IFLA_LINKINFO);
    create.text(IFLA_INFO_KIND, "veth");
    const auto data = create.nest(IFLA_INFO_DATA);
    const auto peer = create.nest(VETH_INFO_PEER);
    create.body(link_header(0, false)).text(IFLA_IFNAME, far.name).number(IFLA_MTU, mtu);
    put_mac(create, far.mac);
    if (far.namespace_fd >= 0) create.number(IFLA_NET_NS_FD, std::uint32_t(far.namespace_fd));
    create.end_nest(peer);
    create.end_nest(data);
    create.end_nest(info);

    std::vector<Message> messages;
    messages.push_back(std::move(create));
    if (!near.alias.empty()) {
        Message name("name the owner of " + near.name, RTM_SETLINK);
        name.body(link_header(0, false)).text(IFLA_IFNAME, near.name).text(IFLA_IFALIAS, near.alias);
        messages.push_back(std::move(name));
    }
    return messages;
}

Message make_bridge(const std::string& name, Mac mac, std::uint32_t mtu)
{
    Message create("create bridge " + name, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    create.body(link_header(0, true)).text(IFLA_IFNAME, name).number(IFLA_MTU, mtu);
    put_mac(create, mac);
    const auto info = create.nest(IFLA_LINKINFO);
    create.text(IFLA_INFO_KIND, "bridge");
    create.end_nest(info);
    return std::move(create.tolerate(EEXIST));
}

Message delete_link(const std::string& name)
{
    Message message("delete link " + name, RTM_DELLINK);
    message.body(link_header(0, false)).text(IFLA_IFNAME, name).tolerate(ENODEV);
    return message;
}

Message set_link_up(int index)
{
    Message message(fmt::format("set link {} up", index), RTM_NEWLINK);
    message.body(link_header(index, true));
    return message;
}

Message add_address(int index, Ipv4 address, int bits)
{
    Message message(fmt::format("add address {}/{}", to_text(address), bits), RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
    ifaddrmsg header{};
    header.ifa_family = AF_INET;
    header.ifa_prefixlen = std::uint8_t(bits);
    header.ifa_scope = RT_SCOPE_UNIVERSE;
    header.ifa_index = std::uint32_t(index);
    message.body(header).address(IFA_LOCAL, address).address(IFA_ADDRESS, address).tolerate(EEXIST);
    return message;
}

Message delete_address(int index, Ipv4 address, int bits)
{
    Message message(fmt::format("delete address {}/{}", to_text(address), bits), RTM_DELADDR, 0);
    ifaddrmsg header{};
    header.ifa_family = AF_INET;
    header.ifa_prefixlen = std::uint8_t(bits);
    header.ifa_index = std::uint32_t(index);
    message.body(header).address(IFA_LOCAL, address).address(IFA_ADDRESS, address).tolerate(EADDRNOTAVAIL);
    return message;
}

HostResult<std::vector<Ipv4Net>> addresses_of(Netlink& netlink, int index)
{
    std::vector<Ipv4Net> found;
    Message question("list addresses", RTM_GETADDR, NLM_F_DUMP);
    ifaddrmsg header{};
    header.ifa_family = AF_INET;
    question.body(header);
    RETURN_IF_ERROR(netlink.query(std::move(question), [&](const nlmsghdr& message) {
        const auto* info = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
        if (message.nlmsg_type != RTM_NEWADDR || info->ifa_index != std::uint32_t(index)) return;
        for (const Attribute& attribute : attributes(message, sizeof(ifaddrmsg)))
            if (attribute.type == IFA_LOCAL) found.push_back({attribute.address(), info->ifa_prefixlen});
    }));
    return found;
}

Message add_neighbour(int index, Ipv4 address, Mac mac)
{
    Message message("add neighbour " + to_text(address), RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
    ndmsg header{};
    header.ndm_family = AF_INET;
    header.ndm_ifindex = index;
    header.ndm_state = NUD_PERMANENT;
    message.body(header).address(NDA_DST, address).attribute(NDA_LLADDR, mac.bytes.data(), mac.bytes.size());
    return message;
}

Message add_route(const Route& route)
{
    Message message("add route to " + to_text(route.to), RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
    message.body(route_header(route));
    put_route(message, route);
    return message;
}

Message delete_route(const Route& route)
{
    Message message("delete route to " + to_text(route.to), RTM_DELROUTE);
    message.body(route_header(route));
    put_route(message, route);
    message.tolerate(ESRCH).tolerate(ENODEV);
    return message;
}

HostResult<std::vector<Route>> list_routes(Netlink& netlink)
{
    std::vector<Route> routes;
    Message question("list routes", RTM_GETROUTE, NLM_F_DUMP);
    rtmsg header{};
    header.rtm_family = AF_INET;
    question.body(header);
    RETURN_IF_ERROR(netlink.query(std::move(question), [&](const nlmsghdr& message) {
        const auto* info = static_cast<const rtmsg*>(NLMSG_DATA(&message));
        if (message.nlmsg_type != RTM_NEWROUTE) return;
        Route route;
        route.table = info->rtm_table;
        route.to.bits = info->rtm_dst_len;
        route.unreachable = info->rtm_type == RTN_UNREACHABLE;
        for (const Attribute& attribute : attributes(message, sizeof(rtmsg))) {
            switch (attribute.type) {
            case RTA_DST: route.to.base = attribute.address(); break;
            case RTA_GATEWAY: route.via = attribute.address(); break;
            case RTA_OIF: route.index = int(attribute.number()); break;
            case RTA_PREFSRC: route.source = attribute.address(); break;
            case RTA_PRIORITY: route.metric = attribute.number(); break;
            case RTA_TABLE: route.table = attribute.number(); break;
            default: break;
            }
        }
        if (route.table != RT_TABLE_LOCAL) routes.push_back(route);
    }));
    return routes;
}

}  // namespace boxship::runtime::net
