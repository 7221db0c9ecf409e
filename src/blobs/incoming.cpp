#include "blobs/incoming.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace boxship::blobs {
namespace {

constexpr std::uint64_t writeback_step = 8 << 20;   // the disk is given work early, so that the last sync is short
constexpr std::size_t read_step = 1 << 20;

}  // namespace

Incoming::Incoming(std::string path, env::UniqueFd fd, Hasher hasher, std::uint64_t offset)
    : path_(std::move(path)), fd_(std::move(fd)), hasher_(std::move(hasher)), offset_(offset), started_writeback_(offset)
{
}

HostResult<> Incoming::append(std::string_view bytes)
{
    std::uint64_t at = offset_;
    for (std::string_view rest = bytes; !rest.empty();) {
        const ssize_t wrote = ::pwrite(fd_.get(), rest.data(), rest.size(), static_cast<off_t>(at));
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) {
            const int code = errno;
            if (::ftruncate(fd_.get(), static_cast<off_t>(offset_)) != 0) return host_error("cut back " + path_, errno);
            return host_error("write " + path_, code);
        }
        rest.remove_prefix(static_cast<std::size_t>(wrote));
        at += static_cast<std::uint64_t>(wrote);
    }
    hasher_.update(bytes);
    offset_ = at;
    dirty_ = true;
    if (offset_ - started_writeback_ >= writeback_step) {
        // A hint; where it is not supported the sync simply takes longer.
        ::sync_file_range(fd_.get(), static_cast<off_t>(started_writeback_), static_cast<off_t>(offset_ - started_writeback_),
                          SYNC_FILE_RANGE_WRITE);
        started_writeback_ = offset_;
    }
    return {};
}

HostResult<> Incoming::reserve(std::uint64_t bytes)
{
    if (bytes == 0) return {};
    if (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset_), static_cast<off_t>(bytes)) == 0) return {};
    if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT) return host_error("reserve " + path_, errno);
    return {};
}

HostResult<> Incoming::sync()
{
    if (!dirty_.exchange(false)) return {};
    if (::fdatasync(fd_.get()) == 0) return {};
    dirty_ = true;
    return host_error("sync " + path_, errno);
}

HostResult<> Incoming::cut(std::uint64_t offset)
{
    if (::ftruncate(fd_.get(), static_cast<off_t>(offset)) != 0) return host_error("cut " + path_, errno);
    return rehash(offset);
}

HostResult<> Incoming::rehash(std::uint64_t bytes)
{
    ASSIGN_OR_RETURN(hasher_, hash_file(hasher_.algorithm(), bytes));
    offset_ = bytes;
    started_writeback_ = bytes;
    dirty_ = true;
    return {};
}

HostResult<Hasher> Incoming::hash_file(Algorithm algorithm, std::uint64_t bytes) const
{
    Hasher hasher(algorithm);
    std::vector<char> buffer(read_step);
    for (std::uint64_t at = 0; at < bytes;) {
        const ssize_t got = ::pread(fd_.get(), buffer.data(), std::min<std::uint64_t>(buffer.size(), bytes - at),
                                    static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return host_error("read " + path_, errno);
        if (got == 0) return HostError{"read " + path_ + ": it is shorter than what was noted", ENODATA};
        hasher.update({buffer.data(), static_cast<std::size_t>(got)});
        at += static_cast<std::uint64_t>(got);
    }
    return hasher;
}

HostResult<Digest> Incoming::digest(Algorithm algorithm)
{
    if (algorithm == hasher_.algorithm()) return hasher_.digest();
    ASSIGN_OR_RETURN(const Hasher hasher, hash_file(algorithm, offset_));
    return hasher.digest();
}

}  // namespace boxship::blobs
