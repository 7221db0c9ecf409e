#include "wire/http/stream.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cerrno>

#include "base/check.h"
#include "wire/http/tls.h"

namespace boxship::http {
namespace {

namespace asio = boost::asio;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

// A single call of sendfile, and the most that is sent before others on the thread get their turn.
constexpr std::uint64_t file_piece_max = 4 << 20;
constexpr std::uint64_t file_turn_max = 8 << 20;

asio::generic::stream_protocol protocol_of(int fd)
{
    int family = AF_INET;
    socklen_t length = sizeof family;
    ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &length);
    return {family, 0};
}

int to_code(const boost::system::error_code& error, int expired)
{
    if (!error) return 0;
    if (expired != 0) return expired;
    return error == asio::error::operation_aborted ? ECONNABORTED : error.value();
}

}  // namespace

Stream::Stream(const Executor& executor, env::UniqueFd fd) : executor_(executor), socket_(executor)
{
    const int raw = fd.get();
    const int flags = ::fcntl(raw, F_GETFL);
    if ((flags & O_NONBLOCK) == 0) ::fcntl(raw, F_SETFL, flags | O_NONBLOCK);
    boost::system::error_code error;
    socket_.assign(protocol_of(raw), raw, error);
    if (error) {
        expired_ = error.value();  // every use fails with it
        return;                    // and `fd` closes it
    }
    fd.release();
}

Stream::~Stream()
{
    if (!ssl_ || !socket_.is_open() || expired_ != 0) return;
    // A polite end, so that the peer can tell it from a cut; nobody waits for the answer.
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

Async<int> Stream::wait(bool for_write)
{
    const auto kind = for_write ? asio::socket_base::wait_write : asio::socket_base::wait_read;
    if (expired_ != 0) co_return expired_;
    const auto [error] = co_await socket_.async_wait(kind, as_result);
    co_return to_code(error, expired_);
}

Async<int> Stream::wait_connected()
{
    if (const int code = co_await wait(true); code != 0) co_return code;
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &length);
    co_return error;
}

// After an OpenSSL call that returned `result`: 0 when it is worth repeating, -1 at the end of the stream, else errno.
Async<int> Stream::wait_for_tls(int result)
{
    const int saved = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ: co_return co_await wait(false);
    case SSL_ERROR_WANT_WRITE: co_return co_await wait(true);
    case SSL_ERROR_ZERO_RETURN: co_return -1;
    case SSL_ERROR_SYSCALL: co_return saved != 0 ? saved : ECONNRESET;
    default: break;
    }
    const long verified = SSL_get_verify_result(ssl_.get());
    const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    tls_error_ = tls_error_text();
    if (verified != X509_V_OK && SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE)
        tls_error_ = X509_verify_cert_error_string(verified);
    co_return cut ? ECONNRESET : EPROTO;
}

Async<int> Stream::handshake(SslPointer ssl, bool as_server)
{
    ssl_ = std::move(ssl);
    for (;;) {
        if (expired_ != 0) co_return expired_;
        ERR_clear_error();
        const int result = as_server ? SSL_accept(ssl_.get()) : SSL_connect(ssl_.get());
        if (result == 1) co_return 0;
        const int code = co_await wait_for_tls(result);
        if (code != 0) co_return code < 0 ? ECONNRESET : code;
    }
}

Async<Io> Stream::read_some(char* into, std::size_t size)
{
    if (expired_ != 0) co_return Io{expired_, 0};
    if (!ssl_) {
        const auto [error, got] = co_await socket_.async_receive(asio::buffer(into, size), as_result);
        if (error == asio::error::eof) co_return Io{};
        if (error) co_return Io{to_code(error, expired_), 0};
        moved(read_);
        co_return Io{0, got};
    }
    for (;;) {
        ERR_clear_error();
        errno = 0;
        const int got = SSL_read(ssl_.get(), into, static_cast<int>(std::min<std::size_t>(size, 1 << 30)));
        if (got > 0) {
            moved(read_);
            co_return Io{0, static_cast<std::size_t>(got)};
        }
        const int code = co_await wait_for_tls(got);
        if (code < 0) co_return Io{};
        if (code != 0) co_return Io{code, 0};
    }
}

int Stream::plain_write(const std::string_view* pieces, std::size_t count, std::size_t& wrote)
{
    iovec vectors[3];
    std::size_t used = 0;
    for (std::size_t i = 0; i < count; ++i)
        if (!pieces[i].empty()) vectors[used++] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = used;
    const ssize_t sent = ::sendmsg(fd(), &message, MSG_NOSIGNAL);
    if (sent < 0) return errno;
    wrote = static_cast<std::size_t>(sent);
    return 0;
}

Async<int> Stream::write_all(std::string_view first, std::string_view second, std::string_view third)
{
    std::string_view pieces[3] = {first, second, third};
    if (ssl_) {
        for (const std::string_view piece : pieces)
            if (const int code = co_await write_tls(piece); code != 0) co_return code;
        co_return 0;
    }
    std::size_t at = 0;
    for (;;) {
        while (at < 3 && pieces[at].empty()) ++at;
        if (at == 3) co_return 0;
        if (expired_ != 0) co_return expired_;
        std::size_t wrote = 0;
        int code = plain_write(pieces + at, 3 - at, wrote);
        if (code == EINTR) continue;
        if (code == EAGAIN) code = co_await wait(true);
        if (code != 0) co_return code;
        if (wrote == 0) continue;
        moved(write_);
        for (std::size_t i = at; i < 3 && wrote > 0; ++i) {
            const std::size_t part = std::min(wrote, pieces[i].size());
            pieces[i].remove_prefix(part);
            wrote -= part;
        }
    }
}

Async<int> Stream::write_tls(std::string_view bytes)
{
    while (!bytes.empty()) {
        if (expired_ != 0) co_return expired_;
        ERR_clear_error();
        errno = 0;
        const int wrote = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
        if (wrote > 0) {
            moved(write_);
            bytes.remove_prefix(static_cast<std::size_t>(wrote));
            continue;
        }
        const int code = co_await wait_for_tls(wrote);
        if (code != 0) co_return code < 0 ? EPIPE : code;
    }
    co_return 0;
}

Async<int> Stream::send_file(int file, std::uint64_t offset, std::uint64_t length)
{
    if (ssl_) {
        std::string piece(std::min<std::uint64_t>(length, 256 * 1024), '\0');
        while (length > 0) {
            const ssize_t got = ::pread(file, piece.data(), std::min<std::uint64_t>(length, piece.size()), static_cast<off_t>(offset));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) co_return got < 0 ? errno : ENODATA;
            const std::string_view bytes(piece.data(), static_cast<std::size_t>(got));
            if (const int code = co_await write_tls(bytes); code != 0) co_return code;
            offset += static_cast<std::uint64_t>(got);
            length -= static_cast<std::uint64_t>(got);
        }
        co_return 0;
    }
    std::uint64_t turn = 0;
    auto position = static_cast<off_t>(offset);
    while (length > 0) {
        if (expired_ != 0) co_return expired_;
        const ssize_t sent = ::sendfile(fd(), file, &position, std::min(length, file_piece_max));
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno != EAGAIN) co_return errno;
        if (sent == 0) co_return ENODATA;
        if (sent > 0) {
            moved(write_);
            length -= static_cast<std::uint64_t>(sent);
            turn += static_cast<std::uint64_t>(sent);
            if (turn < file_turn_max) continue;
        }
        turn = 0;
        if (const int code = co_await wait(true); code != 0) co_return code;
    }
    co_return 0;
}

void Stream::arm(Deadline& deadline, Milliseconds timeout, bool renew)
{
    deadline = {steady_ms() + timeout.count(), timeout.count(), renew};
    if (timer_) schedule();
}

void Stream::watch_itself()
{
    if (!timer_) timer_ = std::make_unique<asio::steady_timer>(executor_);
    schedule();
}

// The timer runs to the earliest deadline known when it was set; a deadline that moved away meanwhile costs one look.
void Stream::schedule()
{
    std::int64_t next = read_.at;
    if (write_.at != 0 && (next == 0 || write_.at < next)) next = write_.at;
    if (next == 0 || (timer_at_ != 0 && timer_at_ <= next)) return;
    timer_at_ = next;
    timer_->expires_at(std::chrono::steady_clock::time_point(Milliseconds(next + 1)));
    timer_->async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self) return;
        self->timer_at_ = 0;
        self->check_deadlines(steady_ms());
        if (self->expired_ == 0 && self->timer_) self->schedule();
    });
}

void Stream::check_deadlines(std::int64_t now_ms)
{
    if ((read_.at != 0 && read_.at <= now_ms) || (write_.at != 0 && write_.at <= now_ms)) expire(ETIMEDOUT);
}

void Stream::expire(int code)
{
    if (expired_ != 0) return;
    expired_ = code;
    read_ = write_ = {};
    boost::system::error_code ignored;  // a socket that cannot be cancelled is closed already
    socket_.cancel(ignored);
}

void Stream::shutdown_write()
{
    if (ssl_) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
    ::shutdown(fd(), SHUT_WR);
}

bool Stream::looks_alive()
{
    char byte;
    return expired_ == 0 && ::recv(fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

bool Stream::peer_is_gone()
{
    pollfd state{fd(), POLLRDHUP, 0};
    return ::poll(&state, 1, 0) > 0;
}

Stream::Parked Stream::park()
{
    timer_.reset();
    boost::system::error_code error;
    Parked parked;
    parked.fd.reset(socket_.release(error));
    parked.ssl = std::move(ssl_);
    return parked;
}

std::span<char> Buffer::room(std::size_t bytes_max)
{
    if (end_ == capacity_) {
        if (begin_ > 0) {
            std::memmove(bytes_.get(), bytes_.get() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        } else {
            const std::size_t larger = std::min(std::max<std::size_t>(capacity_ * 2, 4096), bytes_max);
            if (larger <= capacity_) return {};
            auto bytes = std::make_unique<char[]>(larger);
            if (end_ > 0) std::memcpy(bytes.get(), bytes_.get(), end_);
            bytes_ = std::move(bytes);
            capacity_ = larger;
        }
    }
    return {bytes_.get() + end_, capacity_ - end_};
}

}  // namespace boxship::http
