// The network of one `--instances` host: a namespace of its own that hangs on the VPC's router like a task, and in it a
// bridge for containers in `bridge` mode. `host` mode containers join namespace_path() itself.
//
//   router ──veth── eth0 INSTANCE/32   bx0 172.17.0.1/16 (or the next range that is free)
//                   nft: published ports (DNAT)          c<hash> ──veth── eth0 of a container's namespace
//
// A published port answers at INSTANCE:port from everywhere that reaches the instance, from the instance's own processes
// also at 127.0.0.1:port, and from its containers (the target itself included). 127.0.0.1 of the machine is not served:
// DNAT there would need route_localnet in the host's namespace, so whoever wants that relays a TCP listener to INSTANCE:port.
// Host ports are the caller's choice (dynamic ones from 32768 to 60999); a port has one owner.
//
// 169.254.170.2 is reached through the router, as from a task (router.h); the caller seen there is the instance's address.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/net/eni.h"

namespace boxship::runtime::net {

inline constexpr const char* instance_netns = "instance";  // its name among the agent's namespaces

struct InstanceSpec {
    std::string eni;
    Ipv4 address;     // in the VPC
    Mac mac;
};

enum class Protocol : std::uint8_t { tcp = 6, udp = 17 };

struct PublishedPort {
    Protocol protocol = Protocol::tcp;
    std::uint16_t host_port = 0;
    Ipv4 address;                    // the container's on the bridge
    std::uint16_t container_port = 0;

    auto operator<=>(const PublishedPort&) const = default;
};

struct BridgeEnd {
    std::string namespace_path;
    Ipv4 address;
    Mac mac;
};

class InstanceNet {
public:
    // Makes the instance's network or takes over what a predecessor left, containers and ports included. `avoid`: ranges
    // the bridge should stay clear of besides the VPC's, normally host_prefixes(). `router` must outlive the result.
    static HostResult<std::unique_ptr<InstanceNet>> ensure(const Router& router, const InstanceSpec& spec,
                                                           std::span<const Ipv4Net> avoid);

    const std::string& namespace_path() const { return path_; }
    const InstanceSpec& spec() const { return spec_; }
    Ipv4Net bridge() const { return bridge_; }
    Ipv4 bridge_gateway() const { return bridge_.at(1); }

    // A container's namespace on the bridge; `netns` is its name among the agent's, unique per container. Addresses are
    // given out in turn, so that one is not reused while somebody still remembers its last owner.
    HostResult<BridgeEnd> attach(const std::string& netns);
    HostResult<> detach(const std::string& netns);       // takes its ports away too
    HostResult<LinkCounters> read_counters(const std::string& netns);
    std::map<std::string, Ipv4> attached();

    // EADDRINUSE when another container has the host port; ENOENT when `netns` is not attached.
    HostResult<> publish(const std::string& netns, Protocol protocol, std::uint16_t host_port, std::uint16_t container_port);
    HostResult<> unpublish(Protocol protocol, std::uint16_t host_port);
    std::vector<PublishedPort> published();

    // Detaches every container whose name is not in `known`, deletes what they left.
    HostResult<> sweep(const std::set<std::string>& known);
    // Everything: containers, ports, the instance's ENI and namespace.
    HostResult<> release();

private:
    InstanceNet(const Router& router, InstanceSpec spec) : router_(router), spec_(std::move(spec)) {}

    EniSpec eni() const { return {instance_netns, spec_.eni, spec_.address, spec_.mac}; }
    HostResult<> ensure_bridge(std::span<const Ipv4Net> avoid);
    HostResult<> load();
    HostResult<Ipv4> choose_address();
    HostResult<> attach_link(const std::string& netns, const OpenNamespace& inside, Ipv4 address);
    HostResult<> detach_locked(const std::string& netns);
    HostResult<> unpublish_locked(Protocol protocol, std::uint16_t host_port);

    const Router& router_;
    InstanceSpec spec_;
    std::string path_;
    Ipv4Net bridge_;
    int bridge_index_ = 0;
    std::unique_ptr<Netlink> routes_;   // in the instance's namespace, as is the next
    std::unique_ptr<Netlink> filter_;

    std::mutex mutex_;                  // guards what follows, and one change at a time
    std::map<std::string, Ipv4> attached_;
    std::map<std::pair<Protocol, std::uint16_t>, PublishedPort> published_;
    std::uint32_t last_offset_ = 1;     // of the address given out last
};

}  // namespace boxship::runtime::net
