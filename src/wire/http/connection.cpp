#include "wire/http/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/use_awaitable.hpp>

#include "base/log.h"
#include "env/real/crash_point.h"
#include "wire/http/websocket_impl.h"

namespace boxship::http {
namespace {

constexpr Milliseconds linger_max{2000};

bool starts_like_a_method(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

}  // namespace

class Connection::Body : public BodyReader {
public:
    explicit Body(Connection& connection) : connection_(connection) {}

    Async<HostResult<std::size_t>> read_some(std::span<char> into) override
    {
        if (code_ != 0) co_return body_error(code_);
        Connection& c = connection_;
        if (c.body_.done()) co_return std::size_t{0};
        // Deadlines run only while we wait for the client: between two reads the handler takes its own time.
        c.stream_->arm_read(c.server_->options.progress_timeout, true);
        if (c.continue_owed_) {
            c.continue_owed_ = false;
            if (c.buffer_.empty()) code_ = co_await c.stream_->write_all("HTTP/1.1 100 Continue\r\n\r\n");
        }
        std::size_t got = 0;
        if (code_ == 0) {
            const Io io = co_await c.body_.read_some(into);
            code_ = io.code;
            got = io.bytes;
        }
        c.stream_->disarm_read();
        if (code_ != 0) {
            c.keep_ = false;
            co_return body_error(code_);
        }
        co_return got;
    }

    Async<HostResult<std::string>> read_all(std::size_t bytes_max) override
    {
        std::string bytes;
        const auto length = content_length();
        if (length && *length > bytes_max) co_return body_error(EMSGSIZE);
        if (length) bytes.reserve(std::min<std::size_t>(static_cast<std::size_t>(*length), 1 << 20));
        std::size_t used = 0;
        while (!connection_.body_.done()) {
            // Grows with what has come: a head that announces much fills no memory.
            if (used == bytes.size()) bytes.resize(std::max<std::size_t>(used * 2, std::min<std::uint64_t>(length.value_or(4096), 64 << 10)));
            CO_ASSIGN_OR_RETURN(const std::size_t got, co_await read_some(std::span(bytes).subspan(used)));
            used += got;
            if (used > bytes_max) co_return body_error(EMSGSIZE);
        }
        bytes.resize(used);
        co_return bytes;
    }

    std::optional<std::uint64_t> content_length() const override
    {
        if (connection_.framing_.chunked) return std::nullopt;
        return connection_.framing_.content_length.value_or(0);
    }
    std::size_t buffered_max() const override { return connection_.server_->options.body_bytes_max; }

private:
    Connection& connection_;
    int code_ = 0;
};

Async<HostResult<std::string>> BodyReader::read_all() { return read_all(buffered_max()); }

Response refuse_body(const HostError& error)
{
    const int status = error.code == EMSGSIZE ? 413 : error.code == ETIMEDOUT ? 408 : 400;
    Response response = text_response(status, error.message + "\n");
    response.close = true;
    return response;
}

Connection::Connection(std::shared_ptr<Server::Impl> server, Hub& hub, std::shared_ptr<Listener> listener, env::UniqueFd fd, Peer peer)
    : server_(std::move(server)), hub_(hub), listener_(std::move(listener)),
      stream_(std::make_shared<Stream>(hub.executor, std::move(fd))), peer_(std::move(peer)), body_(*stream_, buffer_)
{
    place_ = hub_.connections.insert(hub_.connections.end(), this);
}

Connection::~Connection() { hub_.connections.erase(place_); }

void Connection::look(std::int64_t now_ms)
{
    stream_->check_deadlines(now_ms);
    // Nobody reads while an answer is streamed: a client that left would be noticed with the next write only.
    if (phase_ == Phase::streaming && stream_->peer_is_gone()) cut();
}

void Connection::drain()
{
    keep_ = false;
    if (phase_ == Phase::idle) stream_->expire(ECONNABORTED);
    if (phase_ == Phase::websocket && websocket_) websocket_->impl().goodbye(1001, "the server is stopping");
}

void Connection::cut()
{
    stream_->expire(ECONNABORTED);
    cancelled_.emit(boost::asio::cancellation_type::terminal);
}

Async<> Connection::run()
{
    const ServerOptions& options = server_->options;
    if (listener_->tls) {
        stream_->arm_read(options.header_timeout, false);
        SslPointer ssl = listener_->tls->accept(stream_->fd());
        if (const int code = co_await stream_->handshake(std::move(ssl), true); code != 0) {
            log_debug("TLS handshake with {}: {}", peer_.address, stream_->tls_error());
            co_return;
        }
    }
    while (co_await read_head()) {
        Response response = co_await call_handler();
        if (response.upgrade) {
            if (request_.wants_websocket()) {
                co_await run_websocket(std::move(response));
                co_return;
            }
            response = text_response(426, "this address speaks websocket\n");
            response.headers.add("Upgrade", "websocket");
        }
        if (!co_await write_response(std::move(response))) co_return;
        env::crash_point("server.answered");
        if (!keep_) break;
        if (!co_await discard_rest()) break;
    }
    if (!body_.done() || !buffer_.empty()) co_await linger();
}

Async<bool> Connection::read_head()
{
    const ServerOptions& options = server_->options;
    request_ = {};
    framing_ = {};
    body_.start_empty();
    continue_owed_ = false;
    std::size_t scanned = 0;
    bool started = false;
    for (;;) {
        while (!started && !buffer_.empty() && (buffer_.data()[0] == '\r' || buffer_.data()[0] == '\n')) buffer_.consume(1);
        if (!started && !buffer_.empty()) {
            started = true;
            phase_ = Phase::busy;
            stream_->arm_read(options.header_timeout, false);
            if (!starts_like_a_method(buffer_.data()[0])) {
                co_await refuse(400);
                co_return false;
            }
        }
        if (started) {
            const std::size_t end = find_head_end(buffer_.data(), scanned);
            if (end != std::string_view::npos && end <= options.header_bytes_max) {
                const int status = parse_request_head(buffer_.data().substr(0, end), request_, framing_);
                buffer_.consume(end);
                if (status == 0) break;
                co_await refuse(status);
                co_return false;
            }
            if (end != std::string_view::npos || buffer_.size() >= options.header_bytes_max) {
                co_await refuse(431);
                co_return false;
            }
        } else {
            phase_ = Phase::idle;
            if (hub_.draining) co_return false;
            stream_->arm_read(options.idle_timeout, false);
        }
        const std::span<char> room = buffer_.room(options.header_bytes_max + 1);
        const Io io = co_await stream_->read_some(room.data(), room.size());
        if (io.code != 0 || io.bytes == 0) co_return false;
        buffer_.commit(io.bytes);
    }
    stream_->disarm_read();
    body_.start(framing_);
    continue_owed_ = framing_.expects_continue;
    keep_ = framing_.keep_alive && !hub_.draining;
    request_.remote_address = peer_.address;
    request_.remote_port = peer_.port;
    request_.listener = listener_->tag;
    request_.is_tls = stream_->is_tls();
    co_return true;
}

Async<Response> Connection::call_handler()
{
    Body body(*this);
    try {
        co_return co_await server_->handler(request_, body);
    } catch (const boost::system::system_error& error) {
        // The server is being stopped; what is answered does not reach anybody.
        if (error.code() != boost::asio::error::operation_aborted)
            log_error("{} {}: {}", request_.method, request_.path, error.what());
    } catch (const std::exception& error) {
        log_error("{} {}: {}", request_.method, request_.path, error.what());
    }
    co_return text_response(500, "internal error\n");
}

Async<> Connection::refuse(int status)
{
    keep_ = false;
    body_.start_empty();
    request_.method = "GET";
    Response response = text_response(status, fmt::format("{}\n", reason_phrase(status)));
    if (co_await write_response(std::move(response))) co_await linger();
}

// After the answer: the rest of a body nobody read.
Async<bool> Connection::discard_rest()
{
    if (body_.done()) co_return true;
    std::array<char, 16 * 1024> waste;
    stream_->arm_read(server_->options.progress_timeout, true);
    while (!body_.done()) {
        const Io io = co_await body_.read_some(waste);
        if (io.code != 0) co_return false;
    }
    co_return true;
}

// Closing a socket with unread bytes resets the connection, and the client may lose the answer: end our half, then read
// on for a moment.
Async<> Connection::linger()
{
    stream_->shutdown_write();
    stream_->arm_read(linger_max, false);
    std::array<char, 16 * 1024> waste;
    for (;;) {
        const Io io = co_await stream_->read_some(waste.data(), waste.size());
        if (io.code != 0 || io.bytes == 0) co_return;
    }
}

Async<> Connection::run_websocket(Response response)
{
    out_.clear();
    out_ = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    out_ += websocket_accept(request_.headers.get("Sec-WebSocket-Key"));
    out_ += "\r\n";
    for (const Header& field : response.headers) out_.append(field.name).append(": ").append(field.value).append("\r\n");
    out_ += "\r\n";
    stream_->arm_write(server_->options.progress_timeout, true);
    if (co_await stream_->write_all(out_) != 0) co_return;
    stream_->disarm_write();

    websocket_ = make_websocket(stream_, std::move(buffer_), WebSocketSide::server);
    buffer_ = {};
    phase_ = Phase::websocket;
    if (hub_.draining) websocket_->impl().goodbye(1001, "the server is stopping");
    try {
        co_await response.upgrade(*websocket_);
    } catch (const boost::system::system_error& error) {
        if (error.code() != boost::asio::error::operation_aborted) log_error("websocket {}: {}", request_.path, error.what());
    } catch (const std::exception& error) {
        log_error("websocket {}: {}", request_.path, error.what());
    }
    co_await websocket_->impl().finish();
}

}  // namespace boxship::http
