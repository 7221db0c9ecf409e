// An upload that is not finished: a file under incoming/ that grows at its tail, hashed in step.
//
// One user at a time, on a thread that may block, except where a member says otherwise. Nothing is visible to anyone
// until Blobs::commit(). What a crash leaves is cut back to the offset that was last synced and noted (blobs.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "blobs/digest.h"
#include "env/real/unique_fd.h"

namespace boxship::blobs {

class Incoming {
public:
    Incoming(std::string path, env::UniqueFd fd, Hasher hasher, std::uint64_t offset);

    // Bytes that the file holds and the hash has seen.
    std::uint64_t offset() const { return offset_; }

    // ENOSPC and other errors leave the upload as it was before the call.
    HostResult<> append(std::string_view bytes);
    // Asks for room; success where the file system cannot promise any. Call it when the length is known.
    HostResult<> reserve(std::uint64_t bytes);
    // Makes everything up to the offset of this moment durable. May run on another thread while append() goes on: what
    // was appended before the call began is covered.
    HostResult<> sync();
    // Forgets every byte above `offset` (which is at most the current one), and hashes again what stays.
    HostResult<> cut(std::uint64_t offset);

    // Of everything so far. With another algorithm than the one that ran, the file is read once more.
    HostResult<Digest> digest(Algorithm algorithm);

    const std::string& path() const { return path_; }
    Algorithm algorithm() const { return hasher_.algorithm(); }

private:
    friend class Blobs;
    HostResult<> rehash(std::uint64_t bytes);
    HostResult<Hasher> hash_file(Algorithm algorithm, std::uint64_t bytes) const;

    std::string path_;
    env::UniqueFd fd_;
    Hasher hasher_;
    std::uint64_t offset_;
    std::uint64_t started_writeback_ = 0;
    std::atomic<bool> dirty_ = false;  // bytes were appended since the last sync began
};

}  // namespace boxship::blobs
