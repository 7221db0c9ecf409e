#include "agent/admission.h"

#include <fmt/format.h>

namespace boxship::agent {
namespace {

constexpr std::uint16_t dynamic_port_first = 32768;
constexpr std::uint16_t dynamic_port_last = 60999;

}  // namespace

Admission::Share Admission::share_of(const TaskSpec& task, const TaskPorts& ports)
{
    Share share{task.cpu_units(), task.memory_mib(), {}};
    for (const auto& container : ports) {
        for (const PortBinding& port : container) share.ports.emplace_back(port.protocol, port.host_port);
    }
    return share;
}

std::optional<std::string> Admission::refuses(const TaskSpec& task) const
{
    if (total_.cpu_units > 0 && task.cpu_units() > total_.cpu_units)
        return fmt::format("the task asks for {} CPU units and this host has {}", task.cpu_units(), total_.cpu_units);
    if (task.memory_mib() > total_.memory_mib)
        return fmt::format("the task asks for {} MiB of memory and this host has {}", task.memory_mib(), total_.memory_mib);
    if (task.network_mode != NetworkMode::bridge && task.network_mode != NetworkMode::host) return std::nullopt;
    std::set<std::pair<std::string, std::uint16_t>> wanted;
    for (const ContainerSpec& container : task.containers) {
        for (const PortMapping& mapping : container.ports) {
            const std::uint16_t port = task.network_mode == NetworkMode::host ? mapping.container_port : mapping.host_port;
            if (port == 0) continue;
            if ((mapping.protocol == "udp" ? total_.udp : total_.tcp).contains(port))
                return fmt::format("port {}/{} of this host is reserved", port, mapping.protocol);
            if (!wanted.emplace(mapping.protocol, port).second)
                return fmt::format("the task asks for host port {}/{} twice", port, mapping.protocol);
        }
    }
    return std::nullopt;
}

bool Admission::admit(const TaskSpec& task, const TaskPorts& ports)
{
    if (shares_.contains(task.id)) return true;
    const Share share = share_of(task, ports);
    if (total_.cpu_units > 0 && cpu_used_ + share.cpu_units > total_.cpu_units) return false;
    if (memory_used_ + share.memory_mib > total_.memory_mib) return false;
    for (const auto& port : share.ports) {
        if (ports_used_.contains(port)) return false;
    }
    restore(task, ports);
    return true;
}

void Admission::restore(const TaskSpec& task, const TaskPorts& ports)
{
    const Share share = share_of(task, ports);
    if (!shares_.emplace(task.id, share).second) return;
    cpu_used_ += share.cpu_units;
    memory_used_ += share.memory_mib;
    ports_used_.insert(share.ports.begin(), share.ports.end());
}

void Admission::release(const std::string& task)
{
    std::erase_if(ports_promised_, [&](const auto& promise) { return promise.second == task; });
    const auto at = shares_.find(task);
    if (at == shares_.end()) return;
    cpu_used_ -= at->second.cpu_units;
    memory_used_ -= at->second.memory_mib;
    for (const Port& port : at->second.ports) ports_used_.erase(port);
    shares_.erase(at);
}

std::uint16_t Admission::promise_port(const TaskSpec& task, const std::string& protocol, const PortIsFree& is_free)
{
    for (int tries = dynamic_port_first; tries <= dynamic_port_last; ++tries) {
        cursor_ = cursor_ < dynamic_port_first || cursor_ >= dynamic_port_last ? dynamic_port_first : static_cast<std::uint16_t>(cursor_ + 1);
        const Port port{protocol, cursor_};
        if (ports_used_.contains(port) || ports_promised_.contains(port) || !is_free(cursor_, protocol)) continue;
        ports_promised_.emplace(port, task.id);
        return cursor_;
    }
    return 0;
}

std::optional<TaskPorts> Admission::choose_ports(const TaskSpec& task, const PortIsFree& is_free)
{
    TaskPorts chosen;
    for (const ContainerSpec& container : task.containers) {
        auto& ports = chosen.emplace_back();
        if (task.network_mode != NetworkMode::bridge && task.network_mode != NetworkMode::host) continue;
        for (const PortMapping& mapping : container.ports) {
            PortBinding binding{mapping.container_port, mapping.host_port, mapping.protocol};
            if (task.network_mode == NetworkMode::host) binding.host_port = mapping.container_port;
            if (binding.host_port == 0) binding.host_port = promise_port(task, mapping.protocol, is_free);
            if (binding.host_port == 0) return std::nullopt;
            ports.push_back(std::move(binding));
        }
    }
    return chosen;
}

}  // namespace boxship::agent
