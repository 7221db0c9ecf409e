// Published host ports of an instance.
#include <cerrno>

#include <fmt/format.h>

#include "runtime/net/conntrack.h"
#include "runtime/net/instance.h"
#include "runtime/net/nft.h"

namespace boxship::runtime::net {
namespace {

constexpr const char* table = "boxship";
constexpr const char* published_map = "published";

Element element_of(const PublishedPort& port)
{
    return {part_of_number(std::uint8_t(port.protocol)) + part_of_port(port.host_port),
            part_of(port.address) + part_of_port(port.container_port)};
}

const char* name_of(Protocol protocol)
{
    return protocol == Protocol::tcp ? "tcp" : "udp";
}

}  // namespace

HostResult<> InstanceNet::publish(const std::string& netns, Protocol protocol, std::uint16_t host_port, std::uint16_t container_port)
{
    std::lock_guard lock(mutex_);
    const auto owner = attached_.find(netns);
    if (owner == attached_.end()) return host_error("publish a port of " + netns, ENOENT);
    const PublishedPort port{protocol, host_port, owner->second, container_port};
    const auto present = published_.find({protocol, host_port});
    if (present != published_.end() && present->second != port)
        return host_error(fmt::format("publish {} port {} of {}", name_of(protocol), host_port, netns), EADDRINUSE);
    const bool fresh = present == published_.end();
    RETURN_IF_ERROR(put_element(*filter_, table, published_map, element_of(port)));
    published_[{protocol, host_port}] = port;
    // Senders that tried before the port was there are remembered as going nowhere.
    if (protocol == Protocol::udp && fresh) return forget_udp_flows(*filter_, host_port);
    return {};
}

HostResult<> InstanceNet::unpublish(Protocol protocol, std::uint16_t host_port)
{
    std::lock_guard lock(mutex_);
    return unpublish_locked(protocol, host_port);
}

HostResult<> InstanceNet::unpublish_locked(Protocol protocol, std::uint16_t host_port)
{
    RETURN_IF_ERROR(drop_element(*filter_, table, published_map, element_of({protocol, host_port, {}, 0})));
    published_.erase({protocol, host_port});
    if (protocol == Protocol::udp) return forget_udp_flows(*filter_, host_port);
    return {};
}

std::vector<PublishedPort> InstanceNet::published()
{
    std::lock_guard lock(mutex_);
    std::vector<PublishedPort> ports;
    for (const auto& [key, port] : published_) ports.push_back(port);
    return ports;
}

}  // namespace boxship::runtime::net
