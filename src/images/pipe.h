// Sources between threads: a bounded pipe, and a source that is read ahead by a thread of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "images/source.h"
#include "wire/crypto.h"

namespace boxship::images {

// One writer, one reader. Neither waits for the other longer than the bound makes it.
class Pipe {
public:
    explicit Pipe(std::size_t bytes_max = 4 << 20) : bytes_max_(bytes_max) {}

    HostResult<> push(std::string_view bytes);   // EPIPE: the reader is gone
    void finish(HostResult<> how);               // the writer has no more; an error is what the reader gets last
    HostResult<std::string_view> next();         // as ByteSource::next
    void close();                                // the reader is gone

private:
    std::size_t bytes_max_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> full_;
    std::vector<std::string> spare_;
    std::string reading_;
    std::size_t bytes_ = 0;
    bool finished_ = false;
    bool closed_ = false;
    HostResult<> how_;
};

class PipeSource : public ByteSource {
public:
    explicit PipeSource(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
    HostResult<std::string_view> next() override { return pipe_->next(); }

private:
    std::shared_ptr<Pipe> pipe_;
};

// Hashes what passes, and tells `passed` how many bytes it was.
class HashingSource : public ByteSource {
public:
    HashingSource(std::unique_ptr<ByteSource> inner, std::function<void(std::size_t)> passed = {})
        : inner_(std::move(inner)), passed_(std::move(passed))
    {
    }
    HostResult<std::string_view> next() override;
    std::string digest();                 // once, after the end
    std::uint64_t bytes() const { return bytes_; }

private:
    std::unique_ptr<ByteSource> inner_;
    std::function<void(std::size_t)> passed_;
    crypto::Sha256 hash_;
    std::uint64_t bytes_ = 0;
};

// Reads `inner` on a thread of its own, a few megabytes ahead. stop(), or the destructor, joins it; afterwards `inner`
// belongs to the caller's thread again.
class ReadAhead : public ByteSource {
public:
    explicit ReadAhead(ByteSource& inner);
    ~ReadAhead() override { stop(); }
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;

    HostResult<std::string_view> next() override { return pipe_.next(); }
    void stop();

private:
    Pipe pipe_;
    std::thread thread_;
};

}  // namespace boxship::images
