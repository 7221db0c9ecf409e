// HTTP messages as plain values: what a handler is given and what it returns. Cheap to include: no Asio here.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boost::asio {
class any_io_executor;
template <typename T, typename Executor>
class awaitable;
}  // namespace boost::asio

namespace boxship::http {

// Include <boost/asio/awaitable.hpp> where a coroutine is written; naming the type needs nothing.
template <class T = void>
using Async = boost::asio::awaitable<T, boost::asio::any_io_executor>;

struct Header {
    std::string name;
    std::string value;
};

// Header fields in the order sent. Names compare without regard to case; a name may occur more than once.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<Header> fields) : fields_(fields) {}

    const std::string* find(std::string_view name) const;             // the first of that name, or nullptr
    std::string_view get(std::string_view name) const;                // the first of that name, or ""
    std::vector<std::string_view> all(std::string_view name) const;
    bool has(std::string_view name) const { return find(name) != nullptr; }
    // True when `token` stands in the comma-separated value of `name` ("Connection: keep-alive, Upgrade").
    bool has_token(std::string_view name, std::string_view token) const;

    void set(std::string_view name, std::string value);               // replaces every field of that name
    void add(std::string name, std::string value) { fields_.push_back({std::move(name), std::move(value)}); }
    void remove(std::string_view name);
    void clear() { fields_.clear(); }

    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }
    std::size_t size() const { return fields_.size(); }
    bool empty() const { return fields_.empty(); }

private:
    std::vector<Header> fields_;
};

struct Request {
    std::string method;               // "GET"
    std::string target;               // as on the wire: "/a%20b?x=1"
    std::string path;                 // percent-decoded, without the query: "/a b"
    std::string query;                // raw, without the question mark: "x=1"
    Headers headers;
    std::string remote_address;       // "127.0.0.1"; empty for unix sockets
    std::uint16_t remote_port = 0;
    std::string listener;             // the tag of the socket it came in by
    bool is_tls = false;
    std::string body;                 // filled by whoever reads the BodyReader whole; the server leaves it empty

    bool wants_websocket() const;     // a well-formed RFC 6455 upgrade
};

// A piece of an open file, sent without passing through user space where the connection allows it.
struct FileRange {
    std::shared_ptr<const env::UniqueFd> fd;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

class BodyWriter {
public:
    virtual ~BodyWriter() = default;
    // Returns when the bytes are handed to the kernel; an error means that the client is gone or too slow.
    virtual Async<HostResult<>> write(std::string_view bytes) = 0;
};

// A body made while it is sent. An error ends the connection, so that the client sees a cut body.
struct StreamBody {
    std::function<Async<HostResult<>>(BodyWriter&)> write;
    std::optional<std::uint64_t> length;  // unknown: chunked
};

class WebSocket;

struct Response {
    int status = 200;
    Headers headers;  // Content-Length, Transfer-Encoding, Connection and Date are the server's business
    std::variant<std::string, FileRange, StreamBody> body;
    // Set: the server answers 101 and runs this until it returns, then closes. Only for Request::wants_websocket().
    std::function<Async<>(WebSocket&)> upgrade;
    bool close = false;  // end the connection after this answer
};

Response text_response(int status, std::string body, std::string_view content_type = "text/plain; charset=utf-8");

std::string_view reason_phrase(int status);

// "a%20b" → "a b". Bad escapes stay as they are. In a form or query a plus sign is a space.
std::string percent_decode(std::string_view text, bool plus_is_space = false);
// RFC 3986: everything but letters, digits and -._~ (and "/" when asked) becomes %XX.
std::string percent_encode(std::string_view text, bool keep_slash = false);

using Pairs = std::vector<std::pair<std::string, std::string>>;
Pairs parse_query(std::string_view query);  // decoded, in order; "a" and "a=" both give {"a", ""}
// The decoded value of the first `name`, or nothing.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

struct Url {
    std::string scheme;       // "http", "https", "ws", "wss"
    std::string host;         // without brackets
    std::uint16_t port = 0;   // never 0: the scheme's own when the text names none
    std::string target;       // "/" at least, query included, no fragment

    bool secure() const { return scheme == "https" || scheme == "wss"; }
    std::string host_header() const;  // "host" or "host:port", brackets where needed
};
HostResult<Url> parse_url(std::string_view text);

}  // namespace boxship::http
