// The working half of WebSocket. Everything in it runs on the stream's executor. Internal to wire/http.
#pragma once

#include <deque>

#include "wire/http/stream.h"
#include "wire/http/websocket.h"

namespace boxship::http {

enum class WebSocketSide { server, client };

struct WebSocket::Impl : std::enable_shared_from_this<WebSocket::Impl> {
    using Message = std::optional<std::string>;

    Impl(std::shared_ptr<Stream> connected, Buffer rest, WebSocketSide which)
        : stream(std::move(connected)), buffer(std::move(rest)), side(which)
    {
    }

    Async<HostResult<Message>> read();
    Async<HostResult<>> send(int opcode, std::string payload);
    void goodbye(int code, std::string_view reason);  // queues a close frame, once
    Async<> finish();                                 // goodbye, then waits a moment for the peer's

    std::shared_ptr<Stream> stream;
    Buffer buffer;
    const WebSocketSide side;
    std::atomic<std::size_t> message_max{4u << 20};
    std::atomic<std::int64_t> read_timeout_ms{0};
    std::atomic<int> peer_code{0};
    std::atomic<bool> binary{false};
    mutable std::mutex reason_mutex;
    std::string peer_reason;

private:
    struct Outgoing {
        std::string frame;
        std::shared_ptr<int> result;       // the errno once written; null: nobody waits
        std::function<void()> resume;
        bool is_pong = false;
    };
    struct FrameHead {
        bool final = false;
        int opcode = 0;
        bool masked = false;
        std::uint64_t length = 0;
        std::array<unsigned char, 4> mask{};
    };

    Async<HostResult<Message>> read_frames();
    Async<int> write(std::string bytes);
    Async<int> fill(std::size_t bytes);               // at least so many in the buffer
    Async<int> read_head(FrameHead& head);            // errno or -(close code) when the frame breaks the protocol
    Async<int> read_payload(const FrameHead& head, std::string& into);
    Async<int> read_control(const FrameHead& head);
    void take_close(std::string_view payload);
    std::string frame(int opcode, std::string_view payload);
    void enqueue(Outgoing outgoing);
    Async<> pump();
    void fail(int code);
    void arm_read();

    std::deque<Outgoing> queue_;
    bool pumping_ = false;
    bool close_sent_ = false;
    bool close_received_ = false;
    bool reading_ = false;
    int failed_ = 0;
};

std::shared_ptr<WebSocket> make_websocket(std::shared_ptr<Stream> stream, Buffer rest, WebSocketSide side);
std::string websocket_accept(std::string_view key);  // the answer to Sec-WebSocket-Key

}  // namespace boxship::http
