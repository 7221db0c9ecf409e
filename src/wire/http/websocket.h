// One websocket connection, either side (RFC 6455). Pings are answered while somebody reads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/http/io_threads.h"
#include "wire/http/message.h"

namespace boxship::http {

class WebSocket {
public:
    struct Impl;
    explicit WebSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}  // made by the server and connect_websocket
    ~WebSocket();  // cuts the connection when it is still open
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    // The next message; nothing after a close frame of the peer (see close_code). One reader at a time. Errors:
    // ETIMEDOUT, ECONNRESET (gone without a close), EPROTO, EMSGSIZE; the connection is then useless.
    Async<HostResult<std::optional<std::string>>> read();
    bool last_was_binary() const;

    // Queued and sent in order; from any thread and several coroutines. Returns when it is with the kernel.
    Async<HostResult<>> send(std::string text);
    Async<HostResult<>> send_binary(std::string bytes);

    // Says goodbye. The peer's answer ends read(), at the latest after five seconds.
    Async<> close(int code = 1000, std::string reason = {});
    void cut();                                   // no goodbye; from any thread

    void set_read_timeout(Milliseconds timeout);  // read() fails when no message data comes for so long; 0: never
    void set_message_max(std::size_t bytes);      // 4 MiB until said otherwise
    int close_code() const;                       // of the peer's close frame; 1005 when it named none; 0: none came
    std::string close_reason() const;

    Impl& impl() { return *impl_; }               // for the server's own use

private:
    std::shared_ptr<Impl> impl_;
};

struct ConnectRequest {
    std::string url;                    // ws, wss, http or https
    Headers headers;                    // Host is added when absent
    Milliseconds timeout{30'000};       // for connecting and the upgrade together
    std::string ca_file;                // trusted instead of the system's store
    bool verify_tls = true;
};

// `status` is the answer's when the peer answered but did not upgrade, else 0.
struct ConnectError {
    HostError error;
    int status = 0;
    std::string body;
};

Async<Outcome<std::unique_ptr<WebSocket>, ConnectError>> connect_websocket(ConnectRequest request);

}  // namespace boxship::http
