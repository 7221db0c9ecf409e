#include "wire/http/connect.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/strings.h"

namespace boxship::http {
namespace {

namespace asio = boost::asio;

struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

Address v4(in_addr address, std::uint16_t port)
{
    Address made;
    auto& to = reinterpret_cast<sockaddr_in&>(made.bytes);
    to.sin_family = AF_INET;
    to.sin_addr = address;
    to.sin_port = htons(port);
    made.size = sizeof to;
    return made;
}

Address v6(in6_addr address, std::uint16_t port)
{
    Address made;
    auto& to = reinterpret_cast<sockaddr_in6&>(made.bytes);
    to.sin6_family = AF_INET6;
    to.sin6_addr = address;
    to.sin6_port = htons(port);
    made.size = sizeof to;
    return made;
}

// What needs no resolver: literal addresses, and localhost with all names below it (RFC 6761), which not every libc knows.
std::vector<Address> known_addresses(const std::string& host, std::uint16_t port)
{
    in_addr four;
    in6_addr six;
    if (::inet_pton(AF_INET, host.c_str(), &four) == 1) return {v4(four, port)};
    if (::inet_pton(AF_INET6, host.c_str(), &six) == 1) return {v6(six, port)};
    const std::string name = to_lower(host);
    if (name != "localhost" && !name.ends_with(".localhost")) return {};
    four.s_addr = htonl(INADDR_LOOPBACK);
    return {v4(four, port), v6(in6addr_loopback, port)};
}

// What is under way, so that one timer can end it whatever it is.
struct Attempt {
    explicit Attempt(const Executor& executor) : resolver(executor), timer(executor) {}
    asio::ip::tcp::resolver resolver;
    asio::steady_timer timer;
    bool timed_out = false;
};

Async<HostResult<std::vector<Address>>> resolve(Url url, std::shared_ptr<Attempt> attempt)
{
    std::vector<Address> addresses = known_addresses(url.host, url.port);
    if (!addresses.empty()) co_return addresses;
    const auto [error, results] = co_await attempt->resolver.async_resolve(url.host, "", asio::as_tuple(asio::use_awaitable));
    if (attempt->timed_out) co_return host_error("look up " + url.host, ETIMEDOUT);
    if (error) co_return HostError{fmt::format("look up {}: {}", url.host, error.message()), EHOSTUNREACH};
    for (const auto& result : results) {
        const auto address = result.endpoint().address();
        if (address.is_v4()) {
            in_addr four;
            std::memcpy(&four, address.to_v4().to_bytes().data(), sizeof four);
            addresses.push_back(v4(four, url.port));
        } else {
            in6_addr six;
            std::memcpy(&six, address.to_v6().to_bytes().data(), sizeof six);
            addresses.push_back(v6(six, url.port));
        }
    }
    if (addresses.empty()) co_return HostError{fmt::format("look up {}: no address", url.host), EHOSTUNREACH};
    co_return addresses;
}

HostResult<Address> unix_address(std::string_view via)
{
    if (!via.starts_with("unix:")) return HostError{fmt::format("connect via \"{}\": not unix:/path", via), EINVAL};
    const std::string_view path = via.substr(5);
    Address made;
    auto& to = reinterpret_cast<sockaddr_un&>(made.bytes);
    if (path.empty() || path.size() >= sizeof to.sun_path) return HostError{fmt::format("connect via \"{}\": bad path", via), ENAMETOOLONG};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, path.data(), path.size());
    made.size = sizeof to;
    return made;
}

// One address. Returns the stream, or sets `code`.
Async<std::shared_ptr<Stream>> try_address(Address address, Milliseconds timeout, int& code)
{
    code = 0;
    env::UniqueFd fd(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        code = errno;
        co_return nullptr;
    }
    if (address.bytes.ss_family != AF_UNIX) {
        const int one = 1;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    const int raw = fd.get();
    const bool at_once = ::connect(raw, reinterpret_cast<const sockaddr*>(&address.bytes), address.size) == 0;
    if (!at_once && errno != EINPROGRESS) {
        code = errno;
        co_return nullptr;
    }
    const Executor executor = co_await this_executor();
    auto stream = std::make_shared<Stream>(executor, std::move(fd));
    stream->watch_itself();
    if (!at_once) {
        stream->arm_write(timeout, false);
        code = co_await stream->wait_connected();
        stream->disarm_write();
    }
    if (code != 0) co_return nullptr;
    co_return stream;
}

}  // namespace

Async<HostResult<std::shared_ptr<Stream>>> connect_stream(Url url, std::string via, std::shared_ptr<TlsContext> tls, Milliseconds timeout)
{
    const std::string doing = fmt::format("connect to {}", via.empty() ? url.host_header() : via);
    const std::int64_t until = steady_ms() + timeout.count();
    std::vector<Address> addresses;
    if (via.empty()) {
        const Executor executor = co_await this_executor();
        auto attempt = std::make_shared<Attempt>(executor);
        attempt->timer.expires_after(timeout);
        attempt->timer.async_wait([weak = std::weak_ptr(attempt)](const boost::system::error_code& error) {
            const auto running = weak.lock();
            if (error || !running) return;
            running->timed_out = true;
            running->resolver.cancel();
        });
        HostResult<std::vector<Address>> resolved = co_await resolve(url, attempt);
        attempt->timer.cancel();
        if (!resolved.ok()) co_return std::move(resolved).error();
        addresses = std::move(resolved).value();
    } else {
        HostResult<Address> address = unix_address(via);
        if (!address.ok()) co_return std::move(address).error();
        addresses.push_back(*address);
    }

    int code = ETIMEDOUT;
    std::shared_ptr<Stream> stream;
    for (std::size_t i = 0; i < addresses.size() && !stream; ++i) {
        const std::int64_t left = until - steady_ms();
        if (left <= 0) break;
        const Milliseconds share(std::max<std::int64_t>(left / static_cast<std::int64_t>(addresses.size() - i), 1));
        stream = co_await try_address(addresses[i], share, code);
    }
    if (!stream) co_return host_error(doing, code);
    if (!tls) co_return stream;

    stream->arm_read(Milliseconds(std::max<std::int64_t>(until - steady_ms(), 1)), false);
    SslPointer ssl = tls->connect(stream->fd(), url.host);
    code = co_await stream->handshake(std::move(ssl), false);
    stream->disarm_read();
    if (code == EPROTO) co_return HostError{fmt::format("{}: TLS: {}", doing, stream->tls_error()), code};
    if (code != 0) co_return host_error(doing + ": TLS", code);
    co_return stream;
}

bool is_idempotent(std::string_view method)
{
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

std::string request_head(std::string_view method, const Url& url, const Headers& headers, std::size_t body_bytes)
{
    std::string out;
    out.reserve(512);
    out.append(method).append(" ").append(url.target).append(" HTTP/1.1\r\n");
    if (!headers.has("Host")) out.append("Host: ").append(url.host_header()).append("\r\n");
    for (const Header& field : headers) out.append(field.name).append(": ").append(field.value).append("\r\n");
    const bool sends_body = body_bytes > 0 || (method != "GET" && method != "HEAD" && method != "DELETE" && method != "OPTIONS");
    if (sends_body && !headers.has("Content-Length")) out.append("Content-Length: ").append(std::to_string(body_bytes)).append("\r\n");
    out.append("\r\n");
    return out;
}

Async<int> read_response_head(Stream& stream, Buffer& buffer, ClientResponse& response, Framing& framing, bool& anything)
{
    std::size_t scanned = 0;
    anything = !buffer.empty();
    for (;;) {
        const std::size_t end = find_head_end(buffer.data(), scanned);
        if (end != std::string_view::npos) {
            if (!parse_response_head(buffer.data().substr(0, end), response, framing)) co_return EBADMSG;
            buffer.consume(end);
            if (response.status >= 200 || response.status == 101) co_return 0;
            scanned = 0;
            continue;
        }
        if (buffer.size() >= response_head_bytes_max) co_return EBADMSG;
        const std::span<char> room = buffer.room(response_head_bytes_max);
        const Io io = co_await stream.read_some(room.data(), room.size());
        if (io.code != 0) co_return io.code;
        if (io.bytes == 0) co_return ECONNRESET;
        anything = true;
        buffer.commit(io.bytes);
    }
}

}  // namespace boxship::http
