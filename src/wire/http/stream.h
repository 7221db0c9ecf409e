// One connected socket, plain or TLS, used by one coroutine per direction on one executor. Internal to wire/http.
//
// Deadlines: each direction has one, renewed by every byte moved when it was armed so. Somebody must look at them:
// the server sweeps all its streams twice a second, a stream of the client watches itself with a timer.
#pragma once

#include <openssl/types.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <string_view>

#include "wire/http/io_threads.h"

namespace boxship::http {

struct SslFree {
    void operator()(SSL* ssl) const;
};
using SslPointer = std::unique_ptr<SSL, SslFree>;

// `code` is an errno, 0 when all went well; a read of 0 bytes with code 0 is the end of the stream.
struct Io {
    int code = 0;
    std::size_t bytes = 0;
};

inline std::int64_t steady_ms()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class Stream : public std::enable_shared_from_this<Stream> {
public:
    Stream(const Executor& executor, env::UniqueFd fd);  // connected or connecting; becomes non-blocking
    ~Stream();

    const Executor& executor() const { return executor_; }
    int fd() { return socket_.native_handle(); }
    bool is_tls() const { return ssl_ != nullptr; }

    Async<Io> read_some(char* into, std::size_t size);
    Async<int> write_all(std::string_view first, std::string_view second = {}, std::string_view third = {});
    Async<int> send_file(int file, std::uint64_t offset, std::uint64_t length);  // ENODATA: the file is shorter
    Async<int> wait_connected();
    Async<int> handshake(SslPointer ssl, bool as_server);
    const std::string& tls_error() const { return tls_error_; }

    void arm_read(Milliseconds timeout, bool renew) { arm(read_, timeout, renew); }
    void arm_write(Milliseconds timeout, bool renew) { arm(write_, timeout, renew); }
    void disarm_read() { read_ = {}; }
    void disarm_write() { write_ = {}; }
    void watch_itself();                       // deadlines by a timer of its own
    void check_deadlines(std::int64_t now_ms);

    void expire(int code);                     // whatever runs or starts from now on fails with `code`
    void shutdown_write();                     // the peer sees the end
    bool looks_alive();                        // an idle connection: no data, no end
    bool peer_is_gone();                       // or has at least ended its half

    struct Parked {                            // a connection put away, free of its executor
        env::UniqueFd fd;
        SslPointer ssl;
    };
    Parked park();
    void unpark_tls(SslPointer ssl) { ssl_ = std::move(ssl); }

private:
    struct Deadline {
        std::int64_t at = 0;  // 0: none
        std::int64_t period = 0;
        bool renew = false;
    };
    void arm(Deadline& deadline, Milliseconds timeout, bool renew);
    void moved(Deadline& deadline)
    {
        if (deadline.renew) deadline.at = steady_ms() + deadline.period;
    }
    void schedule();
    Async<int> wait(bool for_write);
    Async<int> wait_for_tls(int result);
    int plain_write(const std::string_view* pieces, std::size_t count, std::size_t& wrote);
    Async<int> write_tls(std::string_view bytes);

    Executor executor_;
    boost::asio::generic::stream_protocol::socket socket_;
    SslPointer ssl_;
    int expired_ = 0;
    Deadline read_;
    Deadline write_;
    std::unique_ptr<boost::asio::steady_timer> timer_;
    std::int64_t timer_at_ = 0;  // 0: not running
    std::string tls_error_;
};

// Bytes read and not yet consumed; grows up to what is asked for.
class Buffer {
public:
    std::string_view data() const { return {bytes_.get() + begin_, end_ - begin_}; }
    bool empty() const { return begin_ == end_; }
    std::size_t size() const { return end_ - begin_; }
    void consume(std::size_t count)
    {
        begin_ += count;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    // Room for at least one more byte behind the data, as long as less than `bytes_max` are held.
    std::span<char> room(std::size_t bytes_max);
    void commit(std::size_t count) { end_ += count; }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace boxship::http
