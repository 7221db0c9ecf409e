#include "runtime/monitor/listeners.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "runtime/monitor/protocol.h"

namespace boxship::runtime {
namespace {

constexpr std::size_t command_max = 256;

bool watch(int epoll, int fd)
{
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

}  // namespace

HostResult<> Listeners::open(const std::string& directory)
{
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) return host_error("socket", errno);
    // The address is relative to the working directory: a unix socket's own name is limited to 107 bytes.
    if (::chdir(directory.c_str()) != 0) return host_error("change to " + directory, errno);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", monitor_socket_name);
    ::unlink(monitor_socket_name);
    const mode_t before = ::umask(0177);
    const int bound = ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(before);
    if (bound != 0 || ::listen(socket_.get(), 64) != 0) return host_error("listen on " + directory + "/" + monitor_socket_name, errno);
    if (!watch(epoll_, socket_.get())) return host_error("epoll", errno);
    return {};
}

void Listeners::adopt(int fd)
{
    Connection connection{env::UniqueFd(fd), {}};
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (!watch(epoll_, fd)) return;
    tell(connection, history_);  // one that sent its command and left does not hear it
    connections_.push_back(std::move(connection));
}

bool Listeners::owns(int fd) const
{
    return fd == socket_.get() ||
           std::any_of(connections_.begin(), connections_.end(), [fd](const Connection& one) { return one.fd.get() == fd; });
}

void Listeners::announce(const std::string& line)
{
    history_ += line;
    connections_.remove_if([&](const Connection& connection) { return !tell(connection, line); });
}

void Listeners::readable(int fd, const std::function<void(std::string_view)>& command)
{
    if (fd == socket_.get()) {
        for (;;) {
            const int accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
            if (accepted < 0) return;
            adopt(accepted);
        }
    }
    const auto found = std::find_if(connections_.begin(), connections_.end(), [fd](const Connection& one) { return one.fd.get() == fd; });
    if (found == connections_.end()) return;
    char buffer[512];
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        connections_.erase(found);
        return;
    }
    found->unfinished.append(buffer, static_cast<std::size_t>(got));
    for (auto newline = found->unfinished.find('\n'); newline != std::string::npos; newline = found->unfinished.find('\n')) {
        command(std::string_view(found->unfinished).substr(0, newline));
        found->unfinished.erase(0, newline + 1);
    }
    if (found->unfinished.size() > command_max) connections_.erase(found);
}

bool Listeners::tell(const Connection& connection, std::string_view text)
{
    if (text.empty()) return true;
    return ::send(connection.fd.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

}  // namespace boxship::runtime
