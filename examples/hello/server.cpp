#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <vector>

#include "page.h"
#include "request.h"

namespace hello {
namespace {

constexpr std::size_t connections_max = 4000;
constexpr std::size_t unsent_bytes_max = 256 << 10;  // a client that asks on and never reads
constexpr std::chrono::seconds idle_max{65};         // longer than load balancers keep a connection
constexpr std::chrono::seconds request_max{15};
constexpr std::chrono::seconds drain_max{20};

std::string peer_of(const sockaddr_storage& address)
{
    char text[INET6_ADDRSTRLEN] = "-";
    if (address.ss_family == AF_INET6) ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text, sizeof text);
    if (address.ss_family == AF_INET) ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
    return std::strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text;
}

// As many descriptors as the container may have.
std::size_t connections_allowed()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return std::clamp<std::size_t>(limit.rlim_cur, 32, connections_max) - 16;
}

bool would_block()
{
    return errno == EAGAIN || errno == EINTR;
}

}  // namespace

Server::~Server()
{
    for (const Connection& connection : connections_) ::close(connection.fd);
    if (listener_ >= 0) ::close(listener_);
}

bool Server::listen(std::uint16_t port)
{
    allowed_ = connections_allowed();
    const int on = 1;
    const int off = 0;
    sockaddr_in6 any6{};
    any6.sin6_family = AF_INET6;
    any6.sin6_port = htons(port);
    sockaddr_in any4{};
    any4.sin_family = AF_INET;
    any4.sin_port = htons(port);
    for (const int family : {AF_INET6, AF_INET}) {
        listener_ = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (listener_ < 0) continue;  // a host without IPv6
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (family == AF_INET6) ::setsockopt(listener_, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        const sockaddr* address = family == AF_INET6 ? reinterpret_cast<const sockaddr*>(&any6) : reinterpret_cast<const sockaddr*>(&any4);
        if (::bind(listener_, address, family == AF_INET6 ? sizeof any6 : sizeof any4) == 0 && ::listen(listener_, 1024) == 0) return true;
        std::fprintf(stderr, "hello: cannot listen on port %u: %s\n", port, std::strerror(errno));
        return false;
    }
    std::fprintf(stderr, "hello: no socket: %s\n", std::strerror(errno));
    return false;
}

void Server::run(int stop_fd)
{
    Clock::time_point stop_at = Clock::time_point::max();
    std::vector<pollfd> waiting;
    std::vector<Connection*> who;
    while (!stopping_ || (!connections_.empty() && Clock::now() < stop_at)) {
        waiting.clear();
        who.clear();
        waiting.push_back({stopping_ ? -1 : stop_fd, POLLIN, 0});
        waiting.push_back({stopping_ || connections_.size() >= allowed_ ? -1 : listener_, POLLIN, 0});
        Clock::time_point wake = stop_at;
        for (Connection& connection : connections_) {
            waiting.push_back({connection.fd, static_cast<short>(connection.out.empty() ? POLLIN : POLLOUT), 0});
            who.push_back(&connection);
            wake = std::min(wake, connection.deadline);
        }
        int timeout = facts_.due_in();
        if (wake != Clock::time_point::max()) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(wake - Clock::now()).count() + 1;
            const int until_wake = static_cast<int>(std::clamp<long>(left, 0, 60'000));
            timeout = timeout < 0 ? until_wake : std::min(timeout, until_wake);
        }
        if (::poll(waiting.data(), waiting.size(), timeout) < 0 && errno != EINTR) {
            std::fprintf(stderr, "hello: poll: %s\n", std::strerror(errno));
            return;
        }
        facts_.refresh();
        const Clock::time_point now = Clock::now();
        for (std::size_t i = 0; i < who.size(); ++i) {
            const short events = waiting[i + 2].revents;
            if (events & POLLOUT) send(*who[i]);
            else if (events != 0) receive(*who[i]);
            else if (now >= who[i]->deadline) who[i]->closed = true;
        }
        if (waiting[1].revents != 0) accept_all();
        if (waiting[0].revents != 0 && !stopping_) {
            stopping_ = true;
            stop_at = now + drain_max;
            accept_all();  // who is in the queue was let in already
            ::close(listener_);
            listener_ = -1;
            log_ += "stopping: no new connections, answering what was asked\n";
        }
        connections_.remove_if([this](const Connection& connection) {
            // A connection between two requests need not be waited for.
            const bool idle = connection.in.empty() && connection.out.empty() && connection.to_skip == 0;
            if (!connection.closed && !(stopping_ && idle)) return false;
            ::close(connection.fd);
            return true;
        });
        write_log();
    }
}

void Server::accept_all()
{
    while (connections_.size() < allowed_) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        const int fd = ::accept4(listener_, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        Connection connection;
        connection.fd = fd;
        connection.peer = peer_of(address);
        connection.deadline = Clock::now() + request_max;
        connections_.push_back(std::move(connection));
        receive(connections_.back());  // the request is often there already
    }
}

void Server::receive(Connection& connection)
{
    char buffer[16 << 10];
    const ssize_t got = ::recv(connection.fd, buffer, sizeof buffer, 0);
    if (got < 0 && would_block()) return;
    if (got <= 0) {
        connection.closed = true;
        return;
    }
    if (connection.in.empty()) connection.deadline = Clock::now() + request_max;
    connection.in.append(buffer, static_cast<std::size_t>(got));
    answer_all(connection);
}

// Everything complete in `in`: clients may send several requests without waiting.
void Server::answer_all(Connection& connection)
{
    while (!connection.last && connection.out.size() < unsent_bytes_max) {
        const std::size_t skipped = std::min(connection.to_skip, connection.in.size());
        connection.in.erase(0, skipped);
        connection.to_skip -= skipped;
        if (connection.to_skip > 0 || connection.in.empty()) break;
        const Parsed parsed = parse_request(connection.in);
        if (parsed.status < 0) break;
        if (parsed.status > 0) {
            refuse(connection, parsed.status);
            break;
        }
        connection.in.erase(0, parsed.header_bytes);
        connection.to_skip = parsed.request.body_bytes;
        answer(connection, parsed.request);
    }
    if (!connection.out.empty()) send(connection);
}

void Server::answer(Connection& connection, const Request& request)
{
    int status = 200;
    std::string type = "text/plain; charset=utf-8";
    std::string body;
    const bool head = request.method == "HEAD";
    if (!head && request.method != "GET") {
        status = 405;
        body = "only GET and HEAD\n";
    } else if (request.path == "/") {
        type = "text/html; charset=utf-8";
        body = html_page(facts_);
    } else if (request.path == "/json") {
        type = "application/json";
        body = json_page(facts_);
    } else if (request.path == "/health") {
        body = "ok\n";
    } else {
        status = 404;
        body = "not found\n";
    }
    connection.last = !request.keep_alive || stopping_;
    connection.out += render(status, type, body, !head, !connection.last);
    log(connection, request.method + " " + request.path, status, body.size());
}

void Server::refuse(Connection& connection, int status)
{
    const std::string body = "bad request\n";
    connection.last = true;
    connection.in.clear();
    connection.out += render(status, "text/plain; charset=utf-8", body, true, false);
    log(connection, "-", status, body.size());
}

void Server::send(Connection& connection)
{
    while (connection.sent < connection.out.size()) {
        const ssize_t wrote = ::send(connection.fd, connection.out.data() + connection.sent, connection.out.size() - connection.sent, MSG_NOSIGNAL);
        if (wrote < 0 && would_block()) return;
        if (wrote < 0) {
            connection.closed = true;
            return;
        }
        connection.sent += static_cast<std::size_t>(wrote);
    }
    connection.out.clear();
    connection.sent = 0;
    connection.deadline = Clock::now() + idle_max;
    if (connection.last) {
        // The other side sees the end after the answer, not a reset because of bytes that nobody read.
        ::shutdown(connection.fd, SHUT_WR);
        char rest[4096];
        while (::recv(connection.fd, rest, sizeof rest, 0) > 0) {}
        connection.closed = true;
    } else if (!connection.in.empty()) {
        answer_all(connection);
    }
}

void Server::log(const Connection& connection, const std::string& what, int status, std::size_t bytes)
{
    char stamp[32];
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &parts);
    std::string clean = what;
    std::replace_if(clean.begin(), clean.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    log_ += std::string(stamp) + " " + connection.peer + " " + clean + " " + std::to_string(status) + " " + std::to_string(bytes) + "\n";
}

void Server::write_log()
{
    std::fwrite(log_.data(), 1, log_.size(), stdout);
    std::fflush(stdout);
    log_.clear();
}

}  // namespace hello
