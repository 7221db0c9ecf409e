#include "wire/http/websocket.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/bytes.h"
#include "base/check.h"
#include "wire/http/websocket_impl.h"

namespace boxship::http {
namespace {

namespace asio = boost::asio;

constexpr int op_continuation = 0;
constexpr int op_text = 1;
constexpr int op_binary = 2;
constexpr int op_close = 8;
constexpr int op_ping = 9;
constexpr int op_pong = 10;

constexpr Milliseconds goodbye_max{5000};
constexpr Milliseconds write_progress_max{30'000};
constexpr std::size_t write_batch_max = 64 * 1024;

void apply_mask(char* bytes, std::size_t count, const std::array<unsigned char, 4>& mask, std::size_t offset)
{
    std::size_t i = 0;
    for (; i < count && (offset + i) % 4 != 0; ++i) bytes[i] = static_cast<char>(bytes[i] ^ mask[(offset + i) % 4]);
    std::uint32_t word;
    std::memcpy(&word, mask.data(), 4);
    const std::uint64_t wide = (static_cast<std::uint64_t>(word) << 32) | word;
    for (; i + 8 <= count; i += 8) {
        std::uint64_t chunk;
        std::memcpy(&chunk, bytes + i, 8);
        chunk ^= wide;
        std::memcpy(bytes + i, &chunk, 8);
    }
    for (; i < count; ++i) bytes[i] = static_cast<char>(bytes[i] ^ mask[(offset + i) % 4]);
}

bool is_utf8(std::string_view text)
{
    for (std::size_t i = 0; i < text.size();) {
        const auto at = [&](std::size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
        const unsigned first = at(i);
        if (first < 0x80) {
            ++i;
            continue;
        }
        const std::size_t more = first >= 0xc2 && first <= 0xdf ? 1 : first >= 0xe0 && first <= 0xef ? 2 : first >= 0xf0 && first <= 0xf4 ? 3 : 0;
        if (more == 0) return false;
        const unsigned second = at(i + 1);
        const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;  // no overlong forms
        const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;  // no surrogates, nothing above U+10FFFF
        if (second < low || second > high) return false;
        for (std::size_t k = 2; k <= more; ++k)
            if ((at(i + k) & 0xc0) != 0x80) return false;
        i += more + 1;
    }
    return true;
}

bool close_code_allowed(int code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
}

HostError socket_error(int code)
{
    switch (code) {
    case ETIMEDOUT: return {"websocket: nothing came for too long", code};
    case ECONNRESET: return {"websocket: the peer went away without a close", code};
    case EPROTO: return {"websocket: the peer broke the protocol", code};
    case EMSGSIZE: return {"websocket: a message is too large", code};
    case EPIPE: return {"websocket: closed already", code};
    case ECONNABORTED: return {"websocket: cut", code};
    default: return host_error("websocket", code);
    }
}

template <class T>
Async<> keep_result(std::shared_ptr<std::optional<T>> into, Async<T> task)
{
    into->emplace(co_await std::move(task));
}

// Runs `work` where the stream lives, whoever calls.
template <class T>
Async<T> on_stream(std::shared_ptr<WebSocket::Impl> impl, std::function<Async<T>(WebSocket::Impl&)> work)
{
    const Executor here = co_await this_executor();
    if (here == impl->stream->executor()) co_return co_await work(*impl);
    auto result = std::make_shared<std::optional<T>>();
    Async<> task = keep_result<T>(result, work(*impl));
    co_await asio::co_spawn(impl->stream->executor(), std::move(task), asio::use_awaitable);
    co_return std::move(**result);
}

}  // namespace

std::string websocket_accept(std::string_view key)
{
    const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[20];
    CHECK(EVP_Digest(text.data(), text.size(), digest, nullptr, EVP_sha1(), nullptr) == 1);
    return to_base64({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::shared_ptr<WebSocket> make_websocket(std::shared_ptr<Stream> stream, Buffer rest, WebSocketSide side)
{
    return std::make_shared<WebSocket>(std::make_shared<WebSocket::Impl>(std::move(stream), std::move(rest), side));
}

std::string WebSocket::Impl::frame(int opcode, std::string_view payload)
{
    std::string bytes;
    bytes.reserve(payload.size() + 14);
    bytes.push_back(static_cast<char>(0x80 | opcode));
    const int masked = side == WebSocketSide::client ? 0x80 : 0;
    const std::size_t size = payload.size();
    const int width = size < 126 ? 0 : size <= 0xffff ? 2 : 8;
    bytes.push_back(static_cast<char>(masked | (width == 0 ? static_cast<int>(size) : width == 2 ? 126 : 127)));
    for (int i = width - 1; i >= 0; --i) bytes.push_back(static_cast<char>(size >> (8 * i)));
    std::array<unsigned char, 4> mask{};
    if (masked) {
        CHECK(RAND_bytes(mask.data(), 4) == 1);
        bytes.append(reinterpret_cast<const char*>(mask.data()), 4);
    }
    const std::size_t start = bytes.size();
    bytes.append(payload);
    if (masked) apply_mask(bytes.data() + start, size, mask, 0);
    return bytes;
}

void WebSocket::Impl::fail(int code)
{
    if (failed_ == 0) failed_ = code;
    stream->expire(code);
}

void WebSocket::Impl::arm_read()
{
    if (close_sent_) return;  // the goodbye's deadline runs
    const std::int64_t timeout = read_timeout_ms;
    if (timeout > 0) stream->arm_read(Milliseconds(timeout), false);
    else stream->disarm_read();
}

void WebSocket::Impl::enqueue(Outgoing outgoing)
{
    queue_.push_back(std::move(outgoing));
    if (pumping_) return;
    pumping_ = true;
    const auto keep = [](std::shared_ptr<Impl> self) -> Async<> { co_await self->pump(); };
    spawn(stream->executor(), keep(shared_from_this()), "websocket");
}

// The one writer. Frames that wait together leave together.
Async<> WebSocket::Impl::pump()
{
    while (!queue_.empty()) {
        std::deque<Outgoing> batch;
        std::string joined;
        for (std::size_t bytes = 0; !queue_.empty() && (batch.empty() || bytes + queue_.front().frame.size() <= write_batch_max);) {
            bytes += queue_.front().frame.size();
            batch.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        if (batch.size() > 1)
            for (const Outgoing& outgoing : batch) joined += outgoing.frame;
        int code = failed_;
        if (code == 0) {
            stream->arm_write(write_progress_max, true);
            code = co_await stream->write_all(batch.size() > 1 ? joined : batch.front().frame);
            stream->disarm_write();
        }
        if (code != 0) fail(code);
        for (const Outgoing& outgoing : batch) {
            if (!outgoing.result) continue;
            *outgoing.result = code;
            outgoing.resume();
        }
    }
    pumping_ = false;
}

Async<HostResult<>> WebSocket::Impl::send(int opcode, std::string payload)
{
    if (failed_ != 0) co_return socket_error(failed_);
    if (close_sent_ || close_received_) co_return socket_error(EPIPE);
    const int code = co_await write(frame(opcode, payload));
    if (code != 0) co_return socket_error(code);
    co_return HostResult<>();
}

// Returns when the bytes, and all queued before them, are with the kernel.
Async<int> WebSocket::Impl::write(std::string bytes)
{
    auto result = std::make_shared<int>(0);
    std::function<void(std::function<void()>)> start = [this, &bytes, result](std::function<void()> resume) {
        Outgoing outgoing;
        outgoing.frame = std::move(bytes);
        outgoing.result = result;
        outgoing.resume = std::move(resume);
        enqueue(std::move(outgoing));
    };
    co_await suspend(std::move(start));
    co_return *result;
}

void WebSocket::Impl::goodbye(int code, std::string_view reason)
{
    if (close_sent_ || failed_ != 0) return;
    std::string payload;
    if (code != 1005) {
        payload.push_back(static_cast<char>(code >> 8));
        payload.push_back(static_cast<char>(code));
        payload.append(reason.substr(0, 123));
    }
    Outgoing outgoing;
    outgoing.frame = frame(op_close, payload);
    enqueue(std::move(outgoing));
    close_sent_ = true;
    stream->arm_read(goodbye_max, false);
}

Async<> WebSocket::Impl::finish()
{
    goodbye(1000, {});
    stream->arm_read(goodbye_max, false);
    while (failed_ == 0 && !close_received_) {
        const HostResult<Message> message = co_await read();
        if (!message.ok() || !message.value()) break;
    }
    co_await write({});
    if (failed_ == 0) stream->shutdown_write();
}

Async<int> WebSocket::Impl::fill(std::size_t bytes)
{
    while (buffer.size() < bytes) {
        const std::span<char> room = buffer.room(16 * 1024);
        const Io io = co_await stream->read_some(room.data(), room.size());
        if (io.code != 0) co_return io.code;
        if (io.bytes == 0) co_return ECONNRESET;
        buffer.commit(io.bytes);
    }
    co_return 0;
}

Async<int> WebSocket::Impl::read_head(FrameHead& head)
{
    if (const int code = co_await fill(2); code != 0) co_return code;
    const auto byte = [this](std::size_t i) { return static_cast<unsigned char>(buffer.data()[i]); };
    head.final = (byte(0) & 0x80) != 0;
    head.opcode = byte(0) & 0x0f;
    head.masked = (byte(1) & 0x80) != 0;
    if ((byte(0) & 0x70) != 0 || head.masked != (side == WebSocketSide::server)) co_return -1002;
    const int small = byte(1) & 0x7f;
    const std::size_t width = small == 126 ? 2 : small == 127 ? 8 : 0;
    const std::size_t size = 2 + width + (head.masked ? 4 : 0);
    if (const int code = co_await fill(size); code != 0) co_return code;
    head.length = width == 0 ? static_cast<std::uint64_t>(small) : 0;
    for (std::size_t i = 0; i < width; ++i) head.length = (head.length << 8) | byte(2 + i);
    if (head.masked)
        for (std::size_t i = 0; i < 4; ++i) head.mask[i] = byte(2 + width + i);
    buffer.consume(size);
    if (head.opcode >= op_close && (!head.final || head.length > 125 || head.opcode > op_pong)) co_return -1002;
    if (head.opcode > op_binary && head.opcode < op_close) co_return -1002;
    co_return 0;
}

Async<int> WebSocket::Impl::read_payload(const FrameHead& head, std::string& into)
{
    std::uint64_t left = head.length;
    std::size_t done = 0;  // of this frame
    while (left > 0) {
        const std::size_t before = into.size();
        std::size_t got = 0;
        if (!buffer.empty()) {
            got = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
            into.append(buffer.data().substr(0, got));
            buffer.consume(got);
        } else {
            // Room grows with what has come: a header that announces much reserves nothing.
            into.resize(before + static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max<std::size_t>(before, 16 * 1024))));
            const Io io = co_await stream->read_some(into.data() + before, into.size() - before);
            into.resize(before + io.bytes);
            if (io.code != 0) co_return io.code;
            if (io.bytes == 0) co_return ECONNRESET;
            got = io.bytes;
            arm_read();
        }
        if (head.masked) apply_mask(into.data() + before, got, head.mask, done);
        done += got;
        left -= got;
    }
    co_return 0;
}

void WebSocket::Impl::take_close(std::string_view payload)
{
    close_received_ = true;
    const int code = payload.size() < 2 ? 1005 : (static_cast<unsigned char>(payload[0]) << 8) | static_cast<unsigned char>(payload[1]);
    {
        const std::lock_guard lock(reason_mutex);
        peer_reason = payload.size() > 2 ? std::string(payload.substr(2)) : std::string();
    }
    peer_code = code;
    goodbye(code, {});
}

Async<int> WebSocket::Impl::read_control(const FrameHead& head)
{
    std::string payload;
    if (const int code = co_await read_payload(head, payload); code != 0) co_return code;
    if (head.opcode == op_close) {
        const bool named = payload.size() >= 2;
        const int code = named ? (static_cast<unsigned char>(payload[0]) << 8) | static_cast<unsigned char>(payload[1]) : 1005;
        if (payload.size() == 1 || (named && !close_code_allowed(code))) co_return -1002;
        if (named && !is_utf8(std::string_view(payload).substr(2))) co_return -1007;
        take_close(payload);
    }
    if (head.opcode == op_ping && !close_sent_) {
        // Of several pings that wait for their answer only the last one's matters.
        std::erase_if(queue_, [](const Outgoing& waiting) { return waiting.is_pong; });
        Outgoing pong;
        pong.frame = frame(op_pong, payload);
        pong.is_pong = true;
        enqueue(std::move(pong));
    }
    co_return 0;
}

Async<HostResult<WebSocket::Impl::Message>> WebSocket::Impl::read()
{
    CHECK(!reading_);
    reading_ = true;
    struct Reset {
        bool& flag;
        ~Reset() { flag = false; }
    } reset{reading_};
    if (failed_ != 0) co_return socket_error(failed_);
    if (close_received_) co_return Message();
    arm_read();
    HostResult<Message> message = co_await read_frames();
    if (!close_sent_) stream->disarm_read();
    co_return message;
}

Async<HostResult<WebSocket::Impl::Message>> WebSocket::Impl::read_frames()
{
    std::string message;
    int kind = -1;
    int code = 0;
    while (code == 0) {
        FrameHead head;
        code = co_await read_head(head);
        if (code != 0) break;
        if (head.opcode >= op_close) {
            code = co_await read_control(head);
            if (close_received_) co_return Message();
            continue;
        }
        if ((head.opcode == op_continuation) != (kind >= 0)) code = -1002;
        else if (head.length > message_max || message.size() + head.length > message_max) code = -1009;
        if (code != 0) break;
        if (kind < 0) kind = head.opcode;
        arm_read();
        code = co_await read_payload(head, message);
        if (code != 0 || !head.final) continue;
        if (kind == op_text && !is_utf8(message)) {
            code = -1007;
            break;
        }
        binary = kind == op_binary;
        co_return Message(std::move(message));
    }
    if (code > 0) {
        fail(code);
        co_return socket_error(code);
    }
    // The peer broke the rules: tell it why, then be done with it.
    goodbye(-code, {});
    co_await write({});
    stream->shutdown_write();
    const int error = code == -1009 ? EMSGSIZE : EPROTO;
    if (failed_ == 0) failed_ = error;
    co_return socket_error(error);
}

WebSocket::~WebSocket()
{
    post(impl_->stream->executor(), [impl = impl_] { impl->stream->expire(ECONNABORTED); });
}

Async<HostResult<std::optional<std::string>>> WebSocket::read()
{
    std::function<Async<HostResult<Impl::Message>>(Impl&)> work = [](Impl& impl) { return impl.read(); };
    return on_stream(impl_, std::move(work));
}

Async<HostResult<>> WebSocket::send(std::string text)
{
    std::function<Async<HostResult<>>(Impl&)> work = [text = std::move(text)](Impl& impl) mutable { return impl.send(op_text, std::move(text)); };
    return on_stream(impl_, std::move(work));
}

Async<HostResult<>> WebSocket::send_binary(std::string bytes)
{
    std::function<Async<HostResult<>>(Impl&)> work = [bytes = std::move(bytes)](Impl& impl) mutable { return impl.send(op_binary, std::move(bytes)); };
    return on_stream(impl_, std::move(work));
}

Async<> WebSocket::close(int code, std::string reason)
{
    std::function<Async<int>(Impl&)> work = [code, reason = std::move(reason)](Impl& impl) -> Async<int> {
        impl.goodbye(code, reason);
        co_return 0;
    };
    co_await on_stream(impl_, std::move(work));
}

void WebSocket::cut()
{
    post(impl_->stream->executor(), [impl = impl_] { impl->stream->expire(ECONNABORTED); });
}

void WebSocket::set_read_timeout(Milliseconds timeout) { impl_->read_timeout_ms = timeout.count(); }
void WebSocket::set_message_max(std::size_t bytes) { impl_->message_max = bytes; }
bool WebSocket::last_was_binary() const { return impl_->binary; }
int WebSocket::close_code() const { return impl_->peer_code; }

std::string WebSocket::close_reason() const
{
    const std::lock_guard lock(impl_->reason_mutex);
    return impl_->peer_reason;
}

}  // namespace boxship::http
