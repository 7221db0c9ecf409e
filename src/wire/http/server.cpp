#include "wire/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "env/real/files.h"
#include "wire/http/connection.h"

namespace boxship::http {
namespace {

namespace asio = boost::asio;

constexpr int accepts_in_a_row_max = 64;

Peer peer_of(const sockaddr_storage& from)
{
    char text[INET6_ADDRSTRLEN] = {};
    if (from.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
        ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        return Peer{text, ntohs(v4.sin_port)};
    }
    if (from.ss_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, sizeof text);
        else ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        return Peer{text, ntohs(v6.sin6_port)};
    }
    return {};
}

HostResult<env::UniqueFd> bind_tcp(const std::string& address, std::uint16_t& port)
{
    sockaddr_storage to{};
    socklen_t size = 0;
    auto& v4 = reinterpret_cast<sockaddr_in&>(to);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(to);
    if (::inet_pton(AF_INET, address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        size = sizeof v4;
    } else if (::inet_pton(AF_INET6, address.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        size = sizeof v6;
    } else {
        return HostError{fmt::format("listen on \"{}\": not an IP address", address), EINVAL};
    }
    const std::string doing = fmt::format("listen on {} port {}", address, port);
    env::UniqueFd fd(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return host_error(doing, errno);
    const int one = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (to.ss_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&to), size) != 0 || ::listen(fd.get(), 1024) != 0) {
        if (errno == EADDRINUSE) return HostError{doing + ": another program uses this port already", EADDRINUSE};
        return host_error(doing, errno);
    }
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&to), &size);
    port = ntohs(to.ss_family == AF_INET ? v4.sin_port : v6.sin6_port);
    return fd;
}

// A socket file that nobody answers on is left over from a dead process.
bool somebody_answers(const sockaddr_un& address)
{
    const env::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

HostResult<env::UniqueFd> bind_unix(const std::string& path)
{
    const std::string doing = "listen on " + path;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return HostError{doing + ": the path is too long for a socket", ENAMETOOLONG};
    std::memcpy(address.sun_path, path.data(), path.size());
    if (env::file_exists(path)) {
        if (somebody_answers(address)) return HostError{doing + ": another program listens there already", EADDRINUSE};
        RETURN_IF_ERROR(env::remove_file(path));
    }
    env::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return host_error(doing, errno);
    // fchmod before bind decides the file's mode, with no moment in which others could connect.
    if (::fchmod(fd.get(), 0600) != 0 || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd.get(), 1024) != 0)
        return host_error(doing, errno);
    return fd;
}

}  // namespace

Server::Impl::Impl(IoThreads& on, Handler on_request, ServerOptions chosen)
    : threads(on), handler(std::move(on_request)), options(std::move(chosen))
{
    const auto shortest = std::min({options.header_timeout, options.idle_timeout, options.progress_timeout});
    sweep_period = std::clamp(shortest / 4, Milliseconds(5), Milliseconds(500));
    for (std::size_t i = 0; i < threads.size(); ++i) hubs.push_back(std::make_unique<Hub>(threads.executor(i)));
}

void Server::Impl::enter()
{
    const std::lock_guard lock(mutex);
    ++live;
}

void Server::Impl::leave()
{
    const std::lock_guard lock(mutex);
    --live;
    changed.notify_all();
}

bool Server::Impl::enter_peer(const std::string& peer)
{
    if (options.connections_per_peer_max == 0) return true;
    const std::lock_guard lock(mutex);
    std::size_t& count = peers[peer];
    if (count >= options.connections_per_peer_max) return false;
    ++count;
    return true;
}

void Server::Impl::leave_peer(const std::string& peer)
{
    if (options.connections_per_peer_max == 0) return;
    const std::lock_guard lock(mutex);
    const auto found = peers.find(peer);
    if (--found->second == 0) peers.erase(found);
}

void Server::Impl::on_each_hub(std::function<void(Hub&)> work)
{
    for (const auto& hub : hubs) {
        enter();
        asio::post(hub->executor, [self = shared_from_this(), &hub = *hub, work] {
            work(hub);
            self->leave();
        });
    }
}

bool Server::Impl::wait_until_left(Milliseconds at_most)
{
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, at_most, [this] { return live == 0; });
}

// Looks at all connections; runs only while there are some.
void Server::Impl::sweep(Hub& hub)
{
    hub.sweeping = !hub.connections.empty();
    if (!hub.sweeping) return;
    hub.sweep_timer.expires_after(sweep_period);
    hub.sweep_timer.async_wait([weak = weak_from_this(), &hub](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self) return;
        const std::int64_t now = steady_ms();
        for (auto next = hub.connections.begin(); next != hub.connections.end();) (*next++)->look(now);
        self->sweep(hub);
    });
}

namespace {

Async<> run_connection(std::shared_ptr<Connection> connection) { co_await connection->run(); }

void start_connection(const std::shared_ptr<Server::Impl>& server, Hub& hub, std::shared_ptr<Listener> listener, env::UniqueFd fd,
                      Peer peer, std::string peer_key)
{
    auto connection = std::make_shared<Connection>(server, hub, std::move(listener), std::move(fd), std::move(peer));
    if (!hub.sweeping) server->sweep(hub);
    const auto slot = connection->cancellation();
    // The completion handler holds the connection last: its signal must outlive the coroutine.
    asio::co_spawn(hub.executor, run_connection(connection),
                   asio::bind_cancellation_slot(slot, [server, connection, peer_key = std::move(peer_key)](const std::exception_ptr& failure) mutable {
                       if (failure) {
                           try {
                               std::rethrow_exception(failure);
                           } catch (const boost::system::system_error& error) {
                               if (error.code() != asio::error::operation_aborted) log_error("connection: {}", error.what());
                           } catch (const std::exception& error) {
                               log_error("connection: {}", error.what());
                           }
                       }
                       connection.reset();
                       server->leave_peer(peer_key);
                       --server->connection_count;
                       server->leave();
                   }));
}

}  // namespace

bool Server::Impl::accept_one(Listener& listener, const std::shared_ptr<Listener>& shared, bool& more)
{
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int raw = ::accept4(listener.waiter.native_handle(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (raw < 0) {
        more = errno == EINTR || errno == ECONNABORTED || errno == EPROTO;
        const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (exhausted) log_warning("accept: {}", host_error("new connection", errno).message);
        return !exhausted;
    }
    more = true;
    env::UniqueFd fd(raw);
    const Peer peer = peer_of(from);
    const std::string peer_key = listener.tag + ' ' + peer.address;
    if (connection_count.load() >= options.connections_max || !enter_peer(peer_key)) {
        if (!listener.tls) {
            static constexpr std::string_view busy =
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\nRetry-After: 1\r\n\r\n";
            [[maybe_unused]] const auto sent = ::send(raw, busy.data(), busy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        return true;
    }
    if (from.ss_family != AF_UNIX) {
        const int one = 1;
        ::setsockopt(raw, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    }
    ++connection_count;
    enter();
    Hub& hub = *hubs[next_hub.fetch_add(1, std::memory_order_relaxed) % hubs.size()];
    auto owned = std::make_shared<env::UniqueFd>(std::move(fd));  // a posted function must be copyable
    asio::post(hub.executor, [self = shared_from_this(), &hub, shared, owned, peer, peer_key] {
        if (hub.draining) {
            self->leave_peer(peer_key);
            --self->connection_count;
            return self->leave();
        }
        start_connection(self, hub, shared, std::move(*owned), peer, peer_key);
    });
    return true;
}

Async<> Server::Impl::accept_loop(std::shared_ptr<Listener> listener)
{
    while (!listener->closed) {
        const auto [error] = co_await listener->waiter.async_wait(asio::posix::stream_descriptor::wait_read, asio::as_tuple(asio::use_awaitable));
        if (error) break;
        bool more = true;
        bool fine = true;
        for (int i = 0; i < accepts_in_a_row_max && more && fine && !listener->closed; ++i) fine = accept_one(*listener, listener, more);
        if (!fine && !listener->closed) co_await sleep_for(Milliseconds(100));
    }
    boost::system::error_code ignored;  // closed or not, there is nothing more to do
    listener->waiter.close(ignored);
    if (!listener->unix_path.empty()) ::unlink(listener->unix_path.c_str());
}

HostResult<> Server::Impl::start(std::shared_ptr<Listener> listener)
{
    {
        const std::lock_guard lock(mutex);
        if (draining) return HostError{"the server is stopping", ECANCELED};
        if (listener->tag.empty()) listener->tag = fmt::format("listener-{}", ++unnamed);
        if (!listeners.emplace(listener->tag, listener).second)
            return HostError{fmt::format("a listener named {} exists already", listener->tag), EEXIST};
        ++live;
    }
    asio::co_spawn(listener->executor, accept_loop(listener), [self = shared_from_this()](const std::exception_ptr& failure) {
        if (failure) log_error("a listener ended unexpectedly");
        self->leave();
    });
    return {};
}

namespace {

void close_listener(const std::shared_ptr<Listener>& listener)
{
    asio::post(listener->executor, [listener] {
        listener->closed = true;
        boost::system::error_code ignored;  // closed already
        listener->waiter.cancel(ignored);
    });
}

}  // namespace

void Server::Impl::close_listeners()
{
    std::map<std::string, std::shared_ptr<Listener>> closing;
    {
        const std::lock_guard lock(mutex);
        draining = true;
        closing.swap(listeners);
    }
    for (const auto& [tag, listener] : closing) close_listener(listener);
}

void Server::Impl::drain(Milliseconds deadline)
{
    close_listeners();
    on_each_hub([](Hub& hub) {
        hub.draining = true;
        for (Connection* connection : hub.connections) connection->drain();
    });
    if (wait_until_left(deadline)) return;
    on_each_hub([](Hub& hub) {
        for (auto next = hub.connections.begin(); next != hub.connections.end();) (*next++)->cut();
    });
    while (!wait_until_left(Milliseconds(10'000))) log_warning("a request handler does not end; the server waits for it");
}

Server::Server(IoThreads& threads, Handler handler, ServerOptions options)
    : impl_(std::make_shared<Impl>(threads, std::move(handler), std::move(options)))
{
}

Server::~Server() { impl_->drain(Milliseconds(0)); }

HostResult<std::uint16_t> Server::listen(const std::string& address, std::uint16_t port, std::string tag)
{
    ASSIGN_OR_RETURN(env::UniqueFd fd, bind_tcp(address, port));
    RETURN_IF_ERROR(impl_->start(std::make_shared<Listener>(impl_->threads.executor(), std::move(fd), std::move(tag))));
    return port;
}

HostResult<std::uint16_t> Server::listen_tls(const std::string& address, std::uint16_t port, std::string tag)
{
    if (!impl_->tls) {
        ASSIGN_OR_RETURN(impl_->tls, TlsContext::server(impl_->options.tls_certificate_file, impl_->options.tls_key_file));
    }
    ASSIGN_OR_RETURN(env::UniqueFd fd, bind_tcp(address, port));
    auto listener = std::make_shared<Listener>(impl_->threads.executor(), std::move(fd), std::move(tag));
    listener->tls = impl_->tls;
    RETURN_IF_ERROR(impl_->start(std::move(listener)));
    return port;
}

HostResult<> Server::listen_unix(const std::string& path, std::string tag)
{
    ASSIGN_OR_RETURN(env::UniqueFd fd, bind_unix(path));
    auto listener = std::make_shared<Listener>(impl_->threads.executor(), std::move(fd), std::move(tag));
    listener->unix_path = path;
    return impl_->start(std::move(listener));
}

void Server::adopt(env::UniqueFd listening_socket, std::string tag)
{
    const auto started = impl_->start(std::make_shared<Listener>(impl_->threads.executor(), std::move(listening_socket), std::move(tag)));
    if (!started.ok()) log_error("adopt a socket: {}", started.error().message);
}

void Server::release(const std::string& tag)
{
    std::shared_ptr<Listener> listener;
    {
        const std::lock_guard lock(impl_->mutex);
        const auto found = impl_->listeners.find(tag);
        if (found == impl_->listeners.end()) return;
        listener = std::move(found->second);
        impl_->listeners.erase(found);
    }
    close_listener(listener);
    impl_->on_each_hub([listener](Hub& hub) {
        for (auto next = hub.connections.begin(); next != hub.connections.end();) {
            Connection* connection = *next++;
            if (connection->came_by(listener.get())) connection->cut();
        }
    });
}

void Server::drain(Milliseconds deadline) { impl_->drain(deadline); }
std::size_t Server::connections() const { return impl_->connection_count; }

}  // namespace boxship::http
