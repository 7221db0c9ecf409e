#include <openssl/rand.h>

#include "base/bytes.h"
#include "base/check.h"
#include "wire/http/body.h"
#include "wire/http/connect.h"
#include "wire/http/websocket_impl.h"

namespace boxship::http {
namespace {

constexpr std::size_t refusal_bytes_max = 64 * 1024;

std::string new_key()
{
    unsigned char bytes[16];
    CHECK(RAND_bytes(bytes, sizeof bytes) == 1);
    return to_base64({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

ConnectError failed(HostError error) { return ConnectError{std::move(error), 0, {}}; }

// The peer answered, but not with an upgrade: its status and words.
Async<ConnectError> read_refusal(Stream& stream, Buffer& buffer, const Framing& framing, ClientResponse response, std::string url)
{
    BodySource source(stream, buffer);
    if (framing.chunked || framing.content_length) source.start(framing);
    else source.start_until_close();
    std::string piece(16 * 1024, '\0');
    while (!source.done() && response.body.size() < refusal_bytes_max) {
        const Io io = co_await source.read_some(piece);
        if (io.code != 0) break;  // what came so far says enough
        response.body.append(piece, 0, io.bytes);
    }
    ConnectError refusal;
    refusal.status = response.status;
    refusal.error = HostError{fmt::format("websocket {}: the server answered {} {}", url, response.status, reason_phrase(response.status)), EPROTO};
    refusal.body = std::move(response.body);
    co_return refusal;
}

}  // namespace

Async<Outcome<std::unique_ptr<WebSocket>, ConnectError>> connect_websocket(ConnectRequest request)
{
    const HostResult<Url> parsed = parse_url(request.url);
    if (!parsed.ok()) co_return failed(parsed.error());
    const Url url = *parsed;
    const std::int64_t until = steady_ms() + request.timeout.count();
    std::shared_ptr<TlsContext> tls;
    if (url.secure()) {
        HostResult<std::shared_ptr<TlsContext>> made = TlsContext::client(request.ca_file, request.verify_tls);
        if (!made.ok()) co_return failed(made.error());
        tls = *made;
    }
    HostResult<std::shared_ptr<Stream>> connected = co_await connect_stream(url, {}, tls, request.timeout);
    if (!connected.ok()) co_return failed(connected.error());
    std::shared_ptr<Stream> stream = *connected;

    const std::string key = new_key();
    Headers headers = request.headers;
    headers.set("Connection", "Upgrade");
    headers.set("Upgrade", "websocket");
    headers.set("Sec-WebSocket-Version", "13");
    headers.set("Sec-WebSocket-Key", key);
    const std::string head = request_head("GET", url, headers, 0);
    stream->arm_read(Milliseconds(std::max<std::int64_t>(until - steady_ms(), 1)), false);
    Buffer buffer;
    ClientResponse response;
    Framing framing;
    bool anything = false;
    int code = co_await stream->write_all(head);
    if (code == 0) code = co_await read_response_head(*stream, buffer, response, framing, anything);
    if (code != 0) co_return failed(host_error("websocket " + request.url, code));
    if (response.status != 101) co_return co_await read_refusal(*stream, buffer, framing, std::move(response), request.url);
    if (response.headers.get("Sec-WebSocket-Accept") != websocket_accept(key) || !response.headers.has_token("Upgrade", "websocket"))
        co_return failed(HostError{"websocket " + request.url + ": the server's handshake is wrong", EPROTO});
    stream->disarm_read();
    auto impl = std::make_shared<WebSocket::Impl>(std::move(stream), std::move(buffer), WebSocketSide::client);
    co_return std::make_unique<WebSocket>(std::move(impl));
}

}  // namespace boxship::http
