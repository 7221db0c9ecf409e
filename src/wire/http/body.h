// The body of a message being received, whatever its framing. Internal to wire/http.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "wire/http/parse.h"
#include "wire/http/stream.h"

namespace boxship::http {

class BodySource {
public:
    BodySource(Stream& stream, Buffer& buffer) : stream_(stream), buffer_(buffer) {}

    void start(const Framing& framing);   // no body when it names neither a length nor chunks
    void start_until_close();             // an answer without framing
    void start_empty() { kind_ = Kind::none; }

    // 0 bytes at the end. Codes: errno of the socket, EBADMSG malformed chunk, ECONNRESET ended too early.
    Async<Io> read_some(std::span<char> into);
    bool done() const;
    bool until_close() const { return kind_ == Kind::until_close; }
    // Whether the rest is at most `bytes`, so that reading and discarding it is worth keeping the connection.
    bool short_rest(std::uint64_t bytes) const { return done() || (kind_ == Kind::length && left_ <= bytes); }

private:
    enum class Kind { none, length, chunked, until_close };
    Async<Io> read_chunked(std::span<char> into);

    Stream& stream_;
    Buffer& buffer_;
    Kind kind_ = Kind::none;
    std::uint64_t left_ = 0;
    bool ended_ = false;
    ChunkDecoder chunks_;
};

HostError body_error(int code);  // in words, for BodyReader and the client

}  // namespace boxship::http
