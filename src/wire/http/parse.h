// Heads of HTTP/1 messages and chunked bodies, from bytes. Internal to wire/http.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/http/client.h"
#include "wire/http/message.h"

namespace boxship::http {

// What the head says about the message's framing and the connection.
struct Framing {
    std::optional<std::uint64_t> content_length;
    bool chunked = false;
    bool keep_alive = false;
    bool http_1_0 = false;
    bool expects_continue = false;  // requests
    bool has_body() const { return chunked || (content_length && *content_length > 0); }
};

// Where the head in `bytes` ends (behind its empty line), or npos. The search resumes at `scanned`.
std::size_t find_head_end(std::string_view bytes, std::size_t& scanned);

// `head` is a whole head with its empty line. 0, or the status to refuse it with.
int parse_request_head(std::string_view head, Request& request, Framing& framing);
// False: not HTTP.
bool parse_response_head(std::string_view head, ClientResponse& response, Framing& framing);

class ChunkDecoder {
public:
    struct Step {
        std::size_t consumed = 0;
        std::size_t produced = 0;
    };
    // Takes from `in`, puts decoded bytes into `out`, stops when either is used up or at the end.
    Step decode(std::string_view in, std::span<char> out);
    bool done() const { return state_ == State::done; }
    bool bad() const { return state_ == State::bad; }
    // Bytes of the running chunk that may be read straight into their place; 0 when a header comes next.
    std::uint64_t straight() const { return state_ == State::data ? left_ : 0; }
    void skip(std::uint64_t read_straight);

private:
    enum class State { size, extension, size_lf, data, data_cr, data_lf, trailer_start, trailer, trailer_lf, end_lf, done, bad };
    void header_byte(char c);

    State state_ = State::size;
    std::uint64_t left_ = 0;
    std::size_t digits_ = 0;
    std::size_t overhead_ = 0;  // bytes of extension or trailers so far
};

}  // namespace boxship::http
