#include "drive/haproxy/binds.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

#include "base/strings.h"
#include "drive/haproxy/words.h"
#include "env/real/files.h"

namespace boxship::drive::haproxy {
namespace {

constexpr std::string_view bind_begins = "    bind ", network_begins = "namespace ";
constexpr int backlog = 4096;           // what HAProxy asks for is more than the kernel's limit, and this is Debian's limit

// The next word of a line, which it loses.
std::string_view take_word(std::string_view& line)
{
    const auto end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

struct Address {
    sockaddr_storage name{};
    socklen_t size = 0;
};

std::optional<Address> parse(const std::string& text)
{
    const auto colon = text.rfind(':');
    if (colon == text.npos) return std::nullopt;
    std::uint16_t port = 0;
    if (std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ec != std::errc{}) return std::nullopt;
    Address out;
    if (text.front() == '[' && colon > 1) {
        auto& name = reinterpret_cast<sockaddr_in6&>(out.name);
        name.sin6_family = AF_INET6;
        name.sin6_port = htons(port);
        out.size = sizeof name;
        return ::inet_pton(AF_INET6, text.substr(1, colon - 2).c_str(), &name.sin6_addr) == 1 ? std::optional(out) : std::nullopt;
    }
    auto& name = reinterpret_cast<sockaddr_in&>(out.name);
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    out.size = sizeof name;
    return ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &name.sin_addr) == 1 ? std::optional(out) : std::nullopt;
}

std::string text_of(const sockaddr_storage& address)
{
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET6) {
        const auto& name = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &name.sin6_addr, text, sizeof text);
        return fmt::format("[{}]:{}", text, ntohs(name.sin6_port));
    }
    const auto& name = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &name.sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(name.sin_port));
}

// The kernel's number of the network namespace that a socket is in. 0: it does not tell.
std::uint64_t network_of(int socket)
{
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return ::getsockopt(socket, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

HostResult<> in_network(const Bind& bind, const EnterNetwork& enter, const std::function<HostResult<>()>& fn)
{
    return bind.network.empty() ? fn() : enter(bind.network, fn);
}

}  // namespace

HostResult<std::string> with_descriptors(std::string_view configuration, const std::function<HostResult<int>(const Bind&)>& descriptor_of)
{
    std::string out;
    for (const std::string& text : split(configuration, '\n')) {
        std::string_view line = text;
        if (!line.starts_with(bind_begins)) {
            out.append(line).append("\n");
            continue;
        }
        line.remove_prefix(bind_begins.size());
        Bind bind{std::string(take_word(line)), {}};
        if (line.starts_with(network_begins)) {
            line.remove_prefix(network_begins.size());
            // As HAProxy reads it: from where `ip netns` has its namespaces.
            bind.network = "/var/run/netns/" + plain_text(take_word(line));
        }
        ASSIGN_OR_RETURN(const int descriptor, descriptor_of(bind));
        out += fmt::format("{}fd@{}{}{}\n", bind_begins, descriptor, line.empty() ? "" : " ", line);
    }
    out.pop_back();                     // the last line had none
    return out;
}

HostResult<env::UniqueFd> listen_on(const Bind& bind, const EnterNetwork& enter)
{
    const std::string doing = "listen on " + bind.address + (bind.network.empty() ? "" : " in " + bind.network);
    const auto address = parse(bind.address);
    if (!address) return HostError{doing + ": this is no address"};
    env::UniqueFd socket;
    RETURN_IF_ERROR(in_network(bind, enter, [&]() -> HostResult<> {
        socket.reset(::socket(address->name.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket) return host_error(doing, errno);
        const int yes = 1;
        ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (address->name.ss_family == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
        if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address->name), address->size) != 0) return host_error(doing, errno);
        if (::listen(socket.get(), backlog) != 0) return host_error(doing, errno);
        return {};
    }));
    return socket;
}

HostResult<std::vector<env::UniqueFd>> listening_sockets_of(pid_t pid, const env::UniqueFd& pidfd)
{
    std::vector<env::UniqueFd> found;
    ASSIGN_OR_RETURN(const auto numbers, env::list_directory(fmt::format("/proc/{}/fd", pid)));
    for (const auto& number : numbers) {
        env::UniqueFd one(static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), std::atoi(number.c_str()), 0)));
        if (!one && errno == EBADF) continue;   // it was closed meanwhile
        if (!one) return host_error(fmt::format("take descriptor {} of process {}", number, pid), errno);
        int listens = 0, family = 0;
        socklen_t size = sizeof listens;
        if (::getsockopt(one.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens) continue;
        size = sizeof family;
        if (::getsockopt(one.get(), SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && (family == AF_INET || family == AF_INET6)) found.push_back(std::move(one));
    }
    return found;
}

bool listens_on(const env::UniqueFd& socket, const Bind& bind, const EnterNetwork& enter)
{
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&name), &size) != 0 || text_of(name) != bind.address) return false;
    std::uint64_t network = 0;
    const auto looked = in_network(bind, enter, [&]() -> HostResult<> {
        const env::UniqueFd other(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!other) return host_error("make a socket", errno);
        network = network_of(other.get());
        return {};
    });
    return looked.ok() && network != 0 && network == network_of(socket.get());
}

}  // namespace boxship::drive::haproxy
