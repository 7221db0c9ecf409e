#include "agent/forward.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <map>

#include "base/log.h"

namespace boxship::agent {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Socket = std::shared_ptr<Tcp::socket>;

constexpr std::size_t connections_max = 2'000;
constexpr Milliseconds accept_pause{100};           // after an error such as too many open files

void close(const Socket& socket)
{
    boost::system::error_code ignored;
    socket->close(ignored);                          // an error here means that it is closed already
}

// One direction. At the end the other side is told that no more comes; an error cuts both.
http::Async<> pump(Socket from, Socket to)
{
    std::array<char, 16 * 1024> buffer;
    boost::system::error_code error;
    for (;;) {
        const std::size_t size = co_await from->async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
        co_await asio::async_write(*to, asio::buffer(buffer.data(), size), asio::redirect_error(asio::use_awaitable, error));
        if (error) break;
    }
    if (error == asio::error::eof) {
        to->shutdown(Tcp::socket::shutdown_send, error);
        co_return;
    }
    close(from);
    close(to);
}

}  // namespace

struct Forward::Impl {
    explicit Impl(http::Executor the_executor) : executor(std::move(the_executor)), group(executor) {}

    http::Async<> listen(std::shared_ptr<Tcp::acceptor> acceptor, http::Url target);
    http::Async<> serve(Socket client, http::Url target);

    http::Executor executor;
    std::multimap<std::string, std::shared_ptr<Tcp::acceptor>> acceptors;    // by tag; the executor's thread only
    std::size_t connections = 0;
    http::TaskGroup group;
};

http::Async<> Forward::Impl::listen(std::shared_ptr<Tcp::acceptor> acceptor, http::Url target)
{
    for (;;) {
        auto client = std::make_shared<Tcp::socket>(executor);
        boost::system::error_code error;
        co_await acceptor->async_accept(*client, asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
        if (error) {
            log_warning("accept a connection to forward: {}", error.message());
            co_await http::sleep_for(accept_pause);
            continue;
        }
        if (connections >= connections_max) continue;    // closed at once
        ++connections;
        group.spawn("forward", [this, client, target]() { return serve(client, target); });
    }
}

http::Async<> Forward::Impl::serve(Socket client, http::Url target)
{
    struct Count {
        std::size_t& connections;
        ~Count() { --connections; }
    } const count{connections};
    Tcp::resolver resolver(executor);
    boost::system::error_code error;
    const auto addresses = co_await resolver.async_resolve(target.host, std::to_string(target.port), asio::redirect_error(asio::use_awaitable, error));
    auto server = std::make_shared<Tcp::socket>(executor);
    if (!error) co_await asio::async_connect(*server, addresses, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return close(client);              // the caller sees a reset, as from a server that is down
    client->set_option(Tcp::no_delay(true), error);
    server->set_option(Tcp::no_delay(true), error);
    group.spawn("forward back", [client, server]() { return pump(server, client); });
    co_await pump(client, server);
}

Forward::Forward(http::Executor executor) : impl_(std::make_shared<Impl>(std::move(executor))) {}

Forward::~Forward()
{
    impl_->group.cancel();
    impl_->group.join();
}

void Forward::adopt(env::UniqueFd listening_socket, const std::string& url, std::string tag)
{
    const auto target = http::parse_url(url);
    if (!target) return log_error("forward to {}: {}", url, target.error().message);
    auto acceptor = std::make_shared<Tcp::acceptor>(impl_->executor, Tcp::v4(), listening_socket.release());
    http::post(impl_->executor, [impl = impl_, acceptor, tag = std::move(tag), target = *target] {
        impl->acceptors.emplace(tag, acceptor);
        impl->group.spawn("forward", [impl = impl.get(), acceptor, target]() { return impl->listen(acceptor, target); });
    });
}

void Forward::release(const std::string& tag)
{
    http::post(impl_->executor, [impl = impl_, tag] {
        const auto [first, last] = impl->acceptors.equal_range(tag);
        for (auto at = first; at != last; ++at) {
            boost::system::error_code ignored;
            at->second->close(ignored);              // ends listen()
        }
        impl->acceptors.erase(first, last);
    });
}

}  // namespace boxship::agent
