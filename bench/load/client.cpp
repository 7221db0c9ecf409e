#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace boxship::bench {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void give_up(const char* doing)
{
    std::fprintf(stderr, "boxship-load: %s: %s\n", doing, std::strerror(errno));
    std::exit(1);
}

struct Connection {
    int fd = -1;
    std::size_t request = 0;
    Clock::time_point sent;
    std::string in;
};

int connect_to(std::uint16_t port)
{
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) give_up("connect");
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

std::string_view header(std::string_view head, std::string_view name)
{
    for (std::size_t at = head.find('\n'); at != head.npos; at = head.find('\n', at + 1)) {
        if (head.size() - at - 1 < name.size() || ::strncasecmp(head.data() + at + 1, name.data(), name.size()) != 0) continue;
        auto value = head.substr(at + 1 + name.size(), head.find('\r', at + 1) - at - 1 - name.size());
        while (value.starts_with(' ')) value.remove_prefix(1);
        return value;
    }
    return {};
}

struct Answer {
    int status = 0;
    std::string_view body;
    bool closes = false;
};

// Nothing while the answer is incomplete. `ended`: the peer has closed, so what is there is all.
bool parse(std::string_view in, bool ended, Answer& answer)
{
    const auto end = in.find("\r\n\r\n");
    if (end == in.npos) return false;
    const auto head = in.substr(0, end + 2);
    if (head.size() < 12) return false;
    std::from_chars(head.data() + 9, head.data() + 12, answer.status);
    answer.closes = header(head, "connection:") == "close" || head.starts_with("HTTP/1.0");
    const auto length = header(head, "content-length:");
    std::size_t bytes = 0;
    if (length.empty()) {
        if (!ended) return false;
        bytes = in.size() - end - 4;
    } else {
        std::from_chars(length.data(), length.data() + length.size(), bytes);
    }
    if (in.size() < end + 4 + bytes) return false;
    answer.body = in.substr(end + 4, bytes);
    return true;
}

class Loop {
public:
    Loop(std::uint16_t port, int connections, const std::vector<Request>& requests, std::string_view shared_body, const Check& check)
        : port_(port), requests_(requests), shared_body_(shared_body), check_(check), epoll_(::epoll_create1(EPOLL_CLOEXEC)), connections_(connections)
    {
    }
    ~Loop() { ::close(epoll_); }

    Outcome run()
    {
        outcome_.ms.reserve(requests_.size());
        for (auto& connection : connections_) open(connection);
        const auto start = Clock::now();
        for (auto& connection : connections_) send_next(connection);
        epoll_event events[64];
        while (answered_ < requests_.size()) {
            const int count = ::epoll_wait(epoll_, events, 64, 60'000);
            if (count <= 0) give_up("no answer for a minute");
            for (int i = 0; i < count; ++i) readable(*static_cast<Connection*>(events[i].data.ptr));
        }
        outcome_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        for (auto& connection : connections_)
            if (connection.fd >= 0) ::close(connection.fd);
        return std::move(outcome_);
    }

private:
    void open(Connection& connection)
    {
        connection.fd = connect_to(port_);
        connection.in.clear();
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = &connection;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event) != 0) give_up("epoll");
    }

    void send_next(Connection& connection)
    {
        if (next_ == requests_.size()) return;
        connection.request = next_++;
        send(connection);
    }

    void send(Connection& connection)
    {
        const Request& request = requests_[connection.request];
        const std::string_view body = request.body.empty() ? shared_body_ : std::string_view(request.body);
        iovec parts[2] = {{const_cast<char*>(request.head.data()), request.head.size()}, {const_cast<char*>(body.data()), body.size()}};
        connection.sent = Clock::now();
        const ssize_t all = static_cast<ssize_t>(request.head.size() + body.size());
        // A small request always fits an idle connection's buffer.
        if (::writev(connection.fd, parts, 2) != all) give_up("write");
    }

    void readable(Connection& connection)
    {
        char buffer[32 << 10];
        const ssize_t got = ::recv(connection.fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        const bool ended = got <= 0;
        std::string_view in(buffer, ended ? 0 : static_cast<std::size_t>(got));
        if (ended || !connection.in.empty()) {
            connection.in.append(in);
            in = connection.in;
        }
        Answer answer;
        if (!parse(in, ended, answer)) {
            if (ended) return reopen(connection);
            if (connection.in.empty()) connection.in.assign(in);
            return;
        }
        note(connection, answer);
        connection.in.clear();
        if (answer.closes || ended) {
            ::close(connection.fd);
            ++outcome_.reconnects;
            open(connection);
        }
        send_next(connection);
    }

    // Closed between two answers: the request goes once more, over a new connection.
    void reopen(Connection& connection)
    {
        ::close(connection.fd);
        connection.fd = -1;
        if (++outcome_.reconnects > 2 * requests_.size() + 100) give_up("the peer closes every connection");
        if (next_ == requests_.size() && connection.in.empty() && answered_ == requests_.size()) return;
        open(connection);
        send(connection);
    }

    void note(const Connection& connection, const Answer& answer)
    {
        ++answered_;
        outcome_.ms.push_back(std::chrono::duration<float, std::milli>(Clock::now() - connection.sent).count());
        if (answer.status / 100 == 2 && check_(answer.body)) return;
        if (outcome_.refused++ == 0) outcome_.complaint = std::to_string(answer.status) + " " + std::string(answer.body.substr(0, 300));
    }

    const std::uint16_t port_;
    const std::vector<Request>& requests_;
    const std::string_view shared_body_;
    const Check& check_;
    const int epoll_;
    std::vector<Connection> connections_;
    std::size_t next_ = 0;
    std::size_t answered_ = 0;
    Outcome outcome_;
};

}  // namespace

Outcome run(std::uint16_t port, int connections, const std::vector<Request>& requests, std::string_view shared_body, const Check& check)
{
    return Loop(port, connections, requests, shared_body, check).run();
}

}  // namespace boxship::bench
