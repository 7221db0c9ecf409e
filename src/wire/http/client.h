// The HTTP client: http, https and unix sockets, idle connections kept for the next request. No redirects.
// A call runs on the calling coroutine's own executor, which must be one of IoThreads (or a strand); the blocking
// forms run on the calling thread and need no IoThreads at all. One Client may be shared by all of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/http/io_threads.h"
#include "wire/http/message.h"

namespace boxship::http {

struct ClientOptions {
    Milliseconds connect_timeout{10'000};       // name, TCP and TLS together
    Milliseconds read_timeout{60'000};          // no byte moved for so long
    std::size_t idle_connections_max = 16;      // per server
    Milliseconds idle_timeout{30'000};
    std::string ca_file;                        // trusted instead of the system's store
    bool verify_tls = true;
};

struct ClientRequest {
    std::string method = "GET";
    std::string url;                            // "http://host:port/path?query"; the target is sent as written
    Headers headers;                            // Host and Content-Length are added when absent
    std::string body;
    std::string via;                            // "unix:/run/x.sock": connect there whatever the URL's host is
    std::size_t response_bytes_max = 64u << 20; // of a body kept in memory
    Milliseconds read_timeout{0};               // 0: the client's
};

struct ClientResponse {
    int status = 0;
    Headers headers;
    std::string body;
};

using Sink = std::function<HostResult<>(std::string_view)>;  // an error stops the transfer and is the call's error

class Client {
public:
    explicit Client(ClientOptions options = {});
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // An answer of any status is a success. Errors: what could not be reached, ETIMEDOUT, EMSGSIZE, EBADMSG.
    Async<HostResult<ClientResponse>> send(ClientRequest request);
    // The body of a 2xx answer goes to `sink` as it comes; that of any other answer is kept (up to 1 MiB).
    Async<HostResult<ClientResponse>> send_streaming(ClientRequest request, Sink sink);

    HostResult<ClientResponse> send_blocking(ClientRequest request);
    HostResult<ClientResponse> send_streaming_blocking(ClientRequest request, Sink sink);

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace boxship::http
