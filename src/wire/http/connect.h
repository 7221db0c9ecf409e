// Reaching a server: names, addresses, TCP or unix socket, TLS. Internal to wire/http.
#pragma once

#include "wire/http/parse.h"
#include "wire/http/stream.h"
#include "wire/http/tls.h"

namespace boxship::http {

// Runs on the calling coroutine's executor; the stream belongs to it. `via`: see ClientRequest.
Async<HostResult<std::shared_ptr<Stream>>> connect_stream(Url url, std::string via, std::shared_ptr<TlsContext> tls, Milliseconds timeout);

// An idempotent request may be sent again when its reused connection turned out to be dead.
bool is_idempotent(std::string_view method);

// The head of a request as sent. Host and Content-Length are added when absent.
std::string request_head(std::string_view method, const Url& url, const Headers& headers, std::size_t body_bytes);

constexpr std::size_t response_head_bytes_max = 64 * 1024;

// Reads one head, interim answers (1xx but 101) skipped. EBADMSG: not HTTP; ECONNRESET with `anything` false: the
// connection ended before a byte came.
Async<int> read_response_head(Stream& stream, Buffer& buffer, ClientResponse& response, Framing& framing, bool& anything);

}  // namespace boxship::http
