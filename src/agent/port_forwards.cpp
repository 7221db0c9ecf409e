#include "agent/port_forwards.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/log.h"

namespace boxship::agent {
namespace {

HostResult<env::UniqueFd> listen_on_loopback(std::uint16_t port)
{
    env::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int yes = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd.get(), 512) != 0)
        return host_error("listen on 127.0.0.1:" + std::to_string(port), errno);
    return fd;
}

}  // namespace

PortForwards::PortForwards(Board& board, Forward& forward, std::string instance_address)
    : forward_(forward), instance_address_(std::move(instance_address))
{
    board.watch([this](const TaskView& task) { changed(task); });
}

void PortForwards::changed(const TaskView& view)
{
    const TaskSpec& spec = *view.record.spec;
    if (spec.network_mode != NetworkMode::bridge && spec.network_mode != NetworkMode::host) return;
    for (std::size_t at = 0; at < view.record.containers.size(); ++at) {
        const ContainerRecord& container = view.record.containers[at];
        const std::string id = container_id(spec.id, at);
        if (container.life == Life::running && !container.ports.empty() && open_.insert(id).second) {
            for (const PortBinding& port : container.ports) open(id, port);
        } else if (container.life == Life::stopped && open_.erase(id) > 0) {
            forward_.release(id);
        }
    }
}

void PortForwards::open(const std::string& container, const PortBinding& port)
{
    if (port.protocol != "tcp") return;
    auto socket = listen_on_loopback(port.host_port);
    if (!socket) return log_info("{}; use {}:{}", socket.error().message, instance_address_, port.host_port);
    forward_.adopt(std::move(*socket), "http://" + instance_address_ + ":" + std::to_string(port.host_port), container);
}

}  // namespace boxship::agent
