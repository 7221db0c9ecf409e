// The HTTP/1.1 server: keep-alive, pipelining, chunked bodies, 100-continue, websockets, files by sendfile, TLS.
// Sockets may be bound here or handed in already listening (from inside a network namespace).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "env/real/unique_fd.h"
#include "wire/http/io_threads.h"
#include "wire/http/message.h"

namespace boxship::http {

// The body of the request at hand. Reading starts the transfer: "100 Continue" goes out with the first read.
// Errors: EMSGSIZE too large, ETIMEDOUT no progress, EBADMSG malformed, ECONNRESET client gone. A handler may return
// without reading; the server then discards a short rest or ends the connection.
class BodyReader {
public:
    virtual ~BodyReader() = default;
    // 0 at the end. Large spans (up to 1 MiB) are filled straight from the socket.
    virtual Async<HostResult<std::size_t>> read_some(std::span<char> into) = 0;
    virtual Async<HostResult<std::string>> read_all(std::size_t bytes_max) = 0;
    Async<HostResult<std::string>> read_all();                                    // up to the server's own limit
    virtual std::optional<std::uint64_t> content_length() const = 0;             // nothing: chunked; 0: no body
    virtual std::size_t buffered_max() const = 0;
};

Response refuse_body(const HostError& error);  // 413, 408 or 400 in plain text

using Handler = std::function<Async<Response>(Request&, BodyReader&)>;

struct ServerOptions {
    std::size_t header_bytes_max = 16 * 1024;
    std::size_t body_bytes_max = 10 * 1024 * 1024;       // what read_all() takes
    Milliseconds header_timeout{10'000};                 // first byte of a request to its last header line; TLS handshake
    Milliseconds idle_timeout{75'000};                   // between requests
    Milliseconds progress_timeout{30'000};               // body or answer: not one byte moved for so long
    std::size_t connections_max = 20'000;
    std::size_t connections_per_peer_max = 0;            // from one address by one listener; 0: as many as all together
    std::string tls_certificate_file;                    // PEM; both set: listen_tls() works
    std::string tls_key_file;
};

class Server {
public:
    Server(IoThreads& threads, Handler handler, ServerOptions options = {});
    ~Server();  // stops without grace
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Port 0 takes any free port. Returns the port.
    HostResult<std::uint16_t> listen(const std::string& address, std::uint16_t port, std::string tag = {});
    HostResult<std::uint16_t> listen_tls(const std::string& address, std::uint16_t port, std::string tag = {});
    HostResult<> listen_unix(const std::string& path, std::string tag = {});   // replaces a stale socket file; mode 0600

    // Takes over a socket that is bound and listening. `tag` must be new; it appears as Request::listener.
    void adopt(env::UniqueFd listening_socket, std::string tag);
    // Stops accepting by that tag and cuts its connections. Unknown: nothing happens. Takes effect soon, not at once.
    void release(const std::string& tag);

    // Accepts nothing more, lets running requests finish, says goodbye to websockets (1001), cuts what is left at the
    // deadline. Blocks; not from an I/O thread.
    void drain(Milliseconds deadline);
    std::size_t connections() const;

    struct Impl;

private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace boxship::http
