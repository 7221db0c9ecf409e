// The server's parts: a Hub per I/O thread with its connections, listeners, and what they share. Internal to wire/http.
//
// Lifetime: every accept loop, every connection and every posted piece of work holds the Impl and is counted in `live`;
// the Server's destructor waits for the count to reach zero. So handlers never outlive the objects they refer to, and the
// Impl, whose timers belong to several event loops, never waits in one of them for its end.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>

#include <list>
#include <map>

#include "wire/http/server.h"
#include "wire/http/stream.h"
#include "wire/http/tls.h"

namespace boxship::http {

class Connection;

struct Listener {
    Listener(const Executor& on, env::UniqueFd socket, std::string name) : executor(on), waiter(executor, socket.get()), tag(std::move(name))
    {
        socket.release();  // closed by `waiter`
    }
    Executor executor;
    boost::asio::posix::stream_descriptor waiter;
    std::string tag;
    std::shared_ptr<TlsContext> tls;  // null: plain
    std::string unix_path;            // removed when the listener ends
    bool closed = false;              // on the executor only
};

struct Hub {
    explicit Hub(Executor on) : executor(std::move(on)), sweep_timer(executor) {}
    Executor executor;
    boost::asio::steady_timer sweep_timer;
    bool sweeping = false;
    bool draining = false;
    std::list<Connection*> connections;
};

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
    Impl(IoThreads& threads, Handler on_request, ServerOptions chosen);

    HostResult<> start(std::shared_ptr<Listener> listener);
    Async<> accept_loop(std::shared_ptr<Listener> listener);
    // False: this listener should rest a moment.
    bool accept_one(Listener& listener, const std::shared_ptr<Listener>& shared, bool& more);
    void sweep(Hub& hub);
    void close_listeners();
    void drain(Milliseconds deadline);

    // A place for one more connection of this peer; false: it has its share.
    bool enter_peer(const std::string& peer);
    void leave_peer(const std::string& peer);

    void on_each_hub(std::function<void(Hub&)> work);
    void enter();
    void leave();
    bool wait_until_left(Milliseconds at_most);

    IoThreads& threads;
    Handler handler;
    ServerOptions options;
    Milliseconds sweep_period;
    std::vector<std::unique_ptr<Hub>> hubs;
    std::atomic<std::size_t> next_hub{0};
    std::atomic<std::size_t> connection_count{0};
    std::atomic<bool> draining{false};
    std::shared_ptr<TlsContext> tls;  // made by the first listen_tls

    std::mutex mutex;
    std::condition_variable changed;
    std::size_t live = 0;
    std::map<std::string, std::shared_ptr<Listener>> listeners;
    std::size_t unnamed = 0;
    std::map<std::string, std::size_t> peers;  // connections of each, when their number is bounded
};

}  // namespace boxship::http
