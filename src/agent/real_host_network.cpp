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

HostResult<net::Router*> RealHost::ensure_router(const std::string& name, const std::string& cidr, bool standing)
{
    const std::lock_guard lock(network_mutex_);
    if (const auto known = routers_.find(name); known != routers_.end()) return known->second.get();
    const auto range = net::Ipv4Net::parse(cidr);
    if (!range) return HostError{"VPC " + name + ": " + cidr + " is not a range of addresses"};
    ASSIGN_OR_RETURN(auto router, net::Router::ensure(platform_, {name, *range, name == default_vpc}));
    RETURN_IF_ERROR(groups_.enforce(*router, standing));
    ASSIGN_OR_RETURN(auto metadata, net::open_listener_in(router->namespace_path(), router->agent_address(), metadata_port));
    ASSIGN_OR_RETURN(auto api, net::open_listener_in(router->namespace_path(), router->agent_address(), api_port));
    on_router_(std::move(metadata), std::move(api), name);
    return routers_.emplace(name, std::move(router)).first->second.get();
}

// Those of other VPCs: their tasks may be ours, or nobody's any more.
HostResult<> RealHost::take_over_routers()
{
    ASSIGN_OR_RETURN(const auto standing, net::standing_routers(platform_));
    for (const auto& [name, cidr] : standing) RETURN_IF_ERROR(ensure_router(name, to_text(cidr), true));
    return {};
}

std::vector<std::shared_ptr<net::Router>> RealHost::routers()
{
    const std::lock_guard lock(network_mutex_);
    std::vector<std::shared_ptr<net::Router>> all;
    for (const auto& [name, router] : routers_) all.push_back(router);
    return all;
}

// Of a VPC that was deleted: it had no interface any more. The last agent of the machine takes the router itself away.
HostResult<> RealHost::drop_router(const std::string& name)
{
    const std::lock_guard lock(network_mutex_);
    const auto at = routers_.find(name);
    if (name == default_vpc || at == routers_.end()) return {};
    for (const auto& [task, eni] : enis_)
        if (eni.first == at->second.get()) return {};
    if (router_gone_) router_gone_(name);
    RETURN_IF_ERROR(groups_.remove(*at->second));
    routers_.erase(at);
    return net::remove_unused_router(platform_, name);
}

HostResult<> RealHost::make_instance(const net::Router& router)
{
    const auto address = net::Ipv4::parse(options_.instance_address);
    if (!address) return HostError{"the instance's address " + options_.instance_address + " is not an IPv4 address"};
    ASSIGN_OR_RETURN(const auto avoid, net::host_prefixes(platform_));
    const net::InstanceSpec spec{"eni-" + options_.agent_name, *address, net::Mac::of(*address)};
    RETURN_IF_ERROR(groups_.admit(router, *address, {}));
    ASSIGN_OR_RETURN(instance_, net::InstanceNet::ensure(router, spec, avoid));
    return {};
}

HostResult<net::Router*> RealHost::router_for(const EniSpec& eni)
{
    return ensure_router(eni.router, eni.router == default_vpc ? options_.vpc_cidr : eni.vpc_cidr);
}

HostResult<std::string> RealHost::attach(const TaskPlan& plan)
{
    ASSIGN_OR_RETURN(net::Router* router, router_for(*plan.eni));
    ASSIGN_OR_RETURN(const auto interface, interface_of(plan.task, *plan.eni));
    RETURN_IF_ERROR(groups_.admit(*router, interface.address, plan.eni->groups));
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
    RETURN_IF_ERROR(net::detach_eni(*router, interface));
    return groups_.dismiss(*router, interface.address);
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
    for (const auto& router : routers()) {
        RETURN_IF_ERROR(net::sweep(*router, names));
        RETURN_IF_ERROR(groups_.sweep(*router));
    }
    return {};
}

HostResult<> RealHost::remove_filters()
{
    for (const auto& router : routers()) RETURN_IF_ERROR(groups_.remove(*router));
    return {};
}

void RealHost::take_groups(net::GroupNews news)
{
    {
        const std::lock_guard lock(news_mutex_);
        news_.push_back(std::move(news));
    }
    workers_.post([this] { work_off_groups(); });
}

void RealHost::settle_groups()
{
    workers_.post([this] {
        if (const auto settled = groups_.settle(); !settled) log_error("security groups: {}", settled.error().message);
    });
}

// Whoever comes first takes all that is there, in its order.
void RealHost::work_off_groups()
{
    const std::lock_guard taking(taking_mutex_);
    std::vector<net::GroupNews> news;
    {
        const std::lock_guard lock(news_mutex_);
        news.swap(news_);
    }
    if (news.empty()) return;
    if (const auto taken = groups_.take(news); !taken) log_error("security groups: {}", taken.error().message);
    for (const std::string& name : groups_.deserted())
        if (const auto dropped = drop_router(name); !dropped) log_error("the router of {}, which is gone: {}", name, dropped.error().message);
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
