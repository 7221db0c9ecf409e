#include "wire/http/body.h"

#include <cerrno>

namespace boxship::http {

void BodySource::start(const Framing& framing)
{
    kind_ = framing.chunked ? Kind::chunked : framing.content_length.value_or(0) > 0 ? Kind::length : Kind::none;
    left_ = framing.content_length.value_or(0);
    chunks_ = {};
}

void BodySource::start_until_close()
{
    kind_ = Kind::until_close;
    ended_ = false;
}

bool BodySource::done() const
{
    switch (kind_) {
    case Kind::none: return true;
    case Kind::length: return left_ == 0;
    case Kind::chunked: return chunks_.done();
    case Kind::until_close: return ended_;
    }
    return true;
}

Async<Io> BodySource::read_some(std::span<char> into)
{
    if (done() || into.empty()) co_return Io{};
    if (kind_ == Kind::chunked) co_return co_await read_chunked(into);
    if (kind_ == Kind::length && into.size() > left_) into = into.first(static_cast<std::size_t>(left_));
    std::size_t got = 0;
    if (!buffer_.empty()) {
        got = std::min(into.size(), buffer_.size());
        std::memcpy(into.data(), buffer_.data().data(), got);
        buffer_.consume(got);
    } else {
        const Io io = co_await stream_.read_some(into.data(), into.size());
        if (io.code != 0) co_return io;
        if (io.bytes == 0 && kind_ == Kind::length) co_return Io{ECONNRESET, 0};
        ended_ = io.bytes == 0;
        got = io.bytes;
    }
    if (kind_ == Kind::length) left_ -= got;
    co_return Io{0, got};
}

Async<Io> BodySource::read_chunked(std::span<char> into)
{
    for (;;) {
        if (!buffer_.empty()) {
            const ChunkDecoder::Step step = chunks_.decode(buffer_.data(), into);
            buffer_.consume(step.consumed);
            if (chunks_.bad()) co_return Io{EBADMSG, 0};
            if (step.produced > 0 || chunks_.done()) co_return Io{0, step.produced};
        }
        if (const std::uint64_t straight = chunks_.straight(); straight > 0 && buffer_.empty()) {
            const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(straight, into.size()));
            const Io io = co_await stream_.read_some(into.data(), most);
            if (io.code != 0) co_return io;
            if (io.bytes == 0) co_return Io{ECONNRESET, 0};
            chunks_.skip(io.bytes);
            co_return io;
        }
        const std::span<char> room = buffer_.room(16 * 1024);
        const Io io = co_await stream_.read_some(room.data(), room.size());
        if (io.code != 0) co_return io;
        if (io.bytes == 0) co_return Io{ECONNRESET, 0};
        buffer_.commit(io.bytes);
    }
}

HostError body_error(int code)
{
    switch (code) {
    case EMSGSIZE: return {"the body is too large", code};
    case ETIMEDOUT: return {"no byte of the body came for too long", code};
    case EBADMSG: return {"the body's chunks are malformed", code};
    case ECONNRESET: return {"the connection ended within the body", code};
    default: return host_error("read the body", code);
    }
}

}  // namespace boxship::http
