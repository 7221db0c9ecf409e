// One connection of the server, from its first byte to its last. Internal to wire/http.
#pragma once

#include <boost/asio/cancellation_signal.hpp>

#include "wire/http/body.h"
#include "wire/http/server_impl.h"

namespace boxship::http {

struct Peer {
    std::string address;
    std::uint16_t port = 0;
};

class Connection {
public:
    Connection(std::shared_ptr<Server::Impl> server, Hub& hub, std::shared_ptr<Listener> listener, env::UniqueFd fd, Peer peer);
    ~Connection();

    Async<> run();
    boost::asio::cancellation_slot cancellation() { return cancelled_.slot(); }

    // From the hub, on its thread.
    void look(std::int64_t now_ms);  // from time to time
    void drain();
    void cut();
    bool came_by(const Listener* listener) const { return listener_.get() == listener; }

private:
    class Body;
    class ChunkWriter;
    enum class Phase { idle, busy, streaming, websocket };

    Async<> serve();
    Async<bool> read_head();                          // false: nothing more to do on this connection
    Async<Response> call_handler();
    Async<bool> write_response(Response response);    // false: the connection is broken
    Async<> refuse(int status);
    Async<bool> discard_rest();
    Async<> linger();
    Async<> run_websocket(Response response);
    void start_head(const Response& response);

    std::shared_ptr<Server::Impl> server_;
    Hub& hub_;
    std::list<Connection*>::iterator place_;
    std::shared_ptr<Listener> listener_;
    std::shared_ptr<Stream> stream_;
    Peer peer_;
    boost::asio::cancellation_signal cancelled_;
    Phase phase_ = Phase::busy;
    std::shared_ptr<WebSocket> websocket_;

    Buffer buffer_;
    Request request_;
    Framing framing_;
    BodySource body_;
    std::string out_;             // head of the answer being written
    bool continue_owed_ = false;  // the client waits for 100 before it sends its body
    bool keep_ = true;
};

}  // namespace boxship::http
