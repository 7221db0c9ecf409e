#include "agent/forward.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <array>

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
    Impl(http::Executor the_executor, const std::string& url) : executor(std::move(the_executor)), group(executor)
    {
        if (auto parsed = http::parse_url(url)) target = std::move(*parsed);
    }

    http::Async<> listen(std::shared_ptr<Tcp::acceptor> acceptor);
    http::Async<> serve(Socket client);

    http::Executor executor;
    http::Url target;
    std::size_t connections = 0;
    http::TaskGroup group;
};

http::Async<> Forward::Impl::listen(std::shared_ptr<Tcp::acceptor> acceptor)
{
    for (;;) {
        auto client = std::make_shared<Tcp::socket>(executor);
        boost::system::error_code error;
        co_await acceptor->async_accept(*client, asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
        if (error) {
            log_warning("accept a container's connection: {}", error.message());
            co_await http::sleep_for(accept_pause);
            continue;
        }
        if (connections >= connections_max) continue;    // closed at once
        ++connections;
        group.spawn("forward", [this, client]() { return serve(client); });
    }
}

http::Async<> Forward::Impl::serve(Socket client)
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
    if (error) co_return close(client);              // the container sees a reset, as from a server that is down
    client->set_option(Tcp::no_delay(true), error);
    server->set_option(Tcp::no_delay(true), error);
    group.spawn("forward back", [client, server]() { return pump(server, client); });
    co_await pump(client, server);
}

Forward::Forward(http::Executor executor, const std::string& url) : impl_(std::make_shared<Impl>(std::move(executor), url)) {}

Forward::~Forward()
{
    impl_->group.cancel();
    impl_->group.join();
}

void Forward::adopt(env::UniqueFd listening_socket)
{
    auto acceptor = std::make_shared<Tcp::acceptor>(impl_->executor, Tcp::v4(), listening_socket.release());
    impl_->group.spawn("forward", [impl = impl_.get(), acceptor]() { return impl->listen(acceptor); });
}

}  // namespace boxship::agent
