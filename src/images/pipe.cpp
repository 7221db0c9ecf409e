#include "images/pipe.h"

#include <cerrno>

namespace boxship::images {
namespace {

constexpr std::size_t buffer_bytes = 256 << 10;

}  // namespace

HostResult<> Pipe::push(std::string_view bytes)
{
    while (!bytes.empty()) {
        std::unique_lock guard(mutex_);
        changed_.wait(guard, [this] { return closed_ || bytes_ < bytes_max_; });
        if (closed_) return HostError{"the reader is gone", EPIPE};
        if (full_.empty() || full_.back().size() == buffer_bytes) {
            if (spare_.empty()) {
                full_.emplace_back();
                full_.back().reserve(buffer_bytes);
            } else {
                full_.push_back(std::move(spare_.back()));
                spare_.pop_back();
            }
        }
        // Copying under the lock is fine: the reader wants the lock only when it has finished a buffer.
        std::string& buffer = full_.back();
        const std::string_view part = bytes.substr(0, buffer_bytes - buffer.size());
        buffer += part;
        bytes_ += part.size();
        bytes.remove_prefix(part.size());
        guard.unlock();
        changed_.notify_all();
    }
    return {};
}

void Pipe::finish(HostResult<> how)
{
    {
        const std::lock_guard guard(mutex_);
        finished_ = true;
        how_ = std::move(how);
    }
    changed_.notify_all();
}

HostResult<std::string_view> Pipe::next()
{
    std::unique_lock guard(mutex_);
    if (reading_.capacity() >= buffer_bytes) {
        reading_.clear();
        spare_.push_back(std::move(reading_));
    }
    reading_ = {};
    changed_.wait(guard, [this] { return finished_ || !full_.empty(); });
    if (full_.empty()) {
        if (!how_.ok()) return how_.error();
        return std::string_view();
    }
    reading_ = std::move(full_.front());
    full_.pop_front();
    bytes_ -= reading_.size();
    guard.unlock();
    changed_.notify_all();
    return std::string_view(reading_);
}

void Pipe::close()
{
    {
        const std::lock_guard guard(mutex_);
        closed_ = true;
    }
    changed_.notify_all();
}

HostResult<std::string_view> HashingSource::next()
{
    ASSIGN_OR_RETURN(const std::string_view piece, inner_->next());
    if (piece.empty()) return piece;
    hash_.update(piece);
    bytes_ += piece.size();
    if (passed_) passed_(piece.size());
    return piece;
}

std::string HashingSource::digest()
{
    return "sha256:" + hash_.finish_hex();
}

ReadAhead::ReadAhead(ByteSource& inner)
    : thread_([this, &inner] {
          for (;;) {
              const auto piece = inner.next();
              if (!piece.ok()) return pipe_.finish(piece.error());
              if (piece->empty()) return pipe_.finish({});
              if (const auto pushed = pipe_.push(*piece); !pushed.ok()) return pipe_.finish(pushed.error());
          }
      })
{
}

void ReadAhead::stop()
{
    pipe_.close();
    if (thread_.joinable()) thread_.join();
}

}  // namespace boxship::images
