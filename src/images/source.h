// Bytes that come one piece after the other: a file, a download, what a decompressor makes of them. A layer flows from
// its registry to its directory through a chain of sources; each owns the one before it, nothing holds the whole.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "env/real/unique_fd.h"

namespace boxship::images {

class ByteSource {
public:
    virtual ~ByteSource() = default;
    // The next piece, valid until the next call. Empty: the end, and every further call says so again.
    virtual HostResult<std::string_view> next() = 0;
};

// A file from its current offset on. `path` is for error messages.
class FileSource : public ByteSource {
public:
    FileSource(env::UniqueFd fd, std::string path);
    HostResult<std::string_view> next() override;

private:
    env::UniqueFd fd_;
    std::string path_;
    std::string buffer_;
};

// Bytes in memory, handed out in pieces of at most `piece` bytes.
class MemorySource : public ByteSource {
public:
    explicit MemorySource(std::string bytes, std::size_t piece = 64 << 10) : bytes_(std::move(bytes)), piece_(piece) {}
    HostResult<std::string_view> next() override
    {
        const std::string_view piece = std::string_view(bytes_).substr(at_, piece_);
        at_ += piece.size();
        return piece;
    }

private:
    std::string bytes_;
    std::size_t piece_;
    std::size_t at_ = 0;
};

}  // namespace boxship::images
