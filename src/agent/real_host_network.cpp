// Where containers are in the network: routers, interfaces, the instance's bridge.
#include "agent/real_host.h"
#include "base/log.h"
#include "runtime/net/sweep.h"

namespace boxship::agent {

namespace net = runtime::net;

namespace {

constexpr std::uint16_t metadata_port = 80;
constexpr std::uint16_t api_port = 4566;
constexpr const char* default_vpc = "default";

HostResult<net::EniSpec> interface_of(const std::string& task, const EniSpec& eni)
{
    const auto address = net::Ipv4::parse(eni.ipv4);
    const auto mac = net::Mac::parse(eni.mac);
    if (!address || !mac) return HostError{"interface " + eni.id + ": address " + eni.ipv4 + " or MAC " + eni.mac + " is malformed"};
    return net::EniSpec{task, eni.id, *address, *mac};
}

net::Protocol protocol_of(const PortBinding& port)
{
    return port.protocol == "udp" ? net::Protocol::udp : net::Protocol::tcp;
}

void add(const net::LinkCounters& counters, ContainerStats& stats)
{
    stats.has_network = true;
    stats.rx_bytes = counters.rx_bytes;
    stats.rx_packets = counters.rx_packets;
    stats.rx_errors = counters.rx_errors;
    stats.rx_dropped = counters.rx_dropped;
    stats.tx_bytes = counters.tx_bytes;
    stats.tx_packets = counters.tx_packets;
    stats.tx_errors = counters.tx_errors;
    stats.tx_dropped = counters.tx_dropped;
}

}  // namespace

HostResult<net::Router*> RealHost::ensure_router(const std::string& vpc, const std::string& cidr)
{
    const std::lock_guard lock(network_mutex_);
    if (const auto known = routers_.find(vpc); known != routers_.end()) return known->second.get();
    const auto range = net::Ipv4Net::parse(cidr);
    if (!range) return HostError{"VPC " + vpc + ": " + cidr + " is not a range of addresses"};
    ASSIGN_OR_RETURN(auto router, net::Router::ensure(platform_, {vpc, *range, vpc == default_vpc}));
    ASSIGN_OR_RETURN(auto metadata, net::open_listener_in(router->namespace_path(), router->agent_address(), metadata_port));
    ASSIGN_OR_RETURN(auto api, net::open_listener_in(router->namespace_path(), router->agent_address(), api_port));
    on_router_(std::move(metadata), std::move(api), vpc);
    return routers_.emplace(vpc, std::move(router)).first->second.get();
}

HostResult<net::Router*> RealHost::router_for(const EniSpec& eni)
{
    if (eni.vpc_id.empty()) return ensure_router(default_vpc, options_.vpc_cidr);
    return ensure_router(eni.vpc_id, eni.vpc_cidr);
}

HostResult<std::string> RealHost::attach(const TaskPlan& plan)
{
    ASSIGN_OR_RETURN(net::Router* router, router_for(*plan.eni));
    ASSIGN_OR_RETURN(const auto interface, interface_of(plan.task, *plan.eni));
    ASSIGN_OR_RETURN(auto path, net::attach_eni(*router, interface));
    const std::lock_guard lock(network_mutex_);
    enis_[plan.task] = {router, plan.eni->id};
    return path;
}

HostResult<> RealHost::detach(const TaskPlan& plan)
{
    if (!plan.eni) return {};
    ASSIGN_OR_RETURN(net::Router* router, router_for(*plan.eni));
    ASSIGN_OR_RETURN(const auto interface, interface_of(plan.task, *plan.eni));
    {
        const std::lock_guard lock(network_mutex_);
        enis_.erase(plan.task);
    }
    return net::detach_eni(*router, interface);
}

HostResult<runtime::Network> RealHost::network_of(const ContainerPlan& plan, runtime::NameFiles& names)
{
    using runtime::Network;
    switch (plan.network_mode) {
        case NetworkMode::none: return Network{};
        case NetworkMode::awsvpc: return Network{Network::Mode::path, platform_.netns_path(plan.task)};
        case NetworkMode::host:
        case NetworkMode::bridge:
            if (!instance_) return HostError{"networkMode " + std::string(to_text(plan.network_mode)) + " needs a container instance, which this host is not"};
            break;
    }
    if (plan.network_mode == NetworkMode::host) return Network{Network::Mode::path, instance_->namespace_path()};
    ASSIGN_OR_RETURN(const net::BridgeEnd end, instance_->attach(plan.id));
    for (const PortBinding& port : plan.ports) RETURN_IF_ERROR(instance_->publish(plan.id, protocol_of(port), port.host_port, port.container_port));
    names.hosts.push_back({to_text(end.address), plan.host_name});
    return Network{Network::Mode::path, end.namespace_path};
}

HostResult<> RealHost::sweep_networks(const Known& known)
{
    std::set<std::string> containers(known.containers.begin(), known.containers.end());
    std::set<std::string> names(known.tasks.begin(), known.tasks.end());
    names.insert(known.containers.begin(), known.containers.end());
    if (instance_) {
        RETURN_IF_ERROR(instance_->sweep(containers));
        names.insert(net::instance_netns);
    }
    const std::lock_guard lock(network_mutex_);
    for (const auto& [vpc, router] : routers_) RETURN_IF_ERROR(net::sweep(*router, names));
    return {};
}

void RealHost::add_network_stats(const std::string& task, const std::string& container, ContainerStats& stats)
{
    std::pair<net::Router*, std::string> eni{};
    {
        const std::lock_guard lock(network_mutex_);
        if (const auto at = enis_.find(task); at != enis_.end()) eni = at->second;
    }
    if (eni.first) {
        if (const auto counters = net::read_counters(*eni.first, eni.second)) add(*counters, stats);
    } else if (instance_ && instance_->attached().contains(container)) {
        if (const auto counters = instance_->read_counters(container)) add(*counters, stats);
    }
}

}  // namespace boxship::agent
