// Content-addressed files: immutable, one per content, named by their digest. Every path here may block; call it on a
// thread that may. Who may see what is not known here: that is records in the state.
//
//     ROOT/oci-layout            so that the tree is a valid OCI image layout
//     ROOT/sha256/<hex>  sha512/<hex>   mode 0444
//     ROOT/incoming/<id>         unfinished uploads, same file system
//     ROOT/quarantine/           damaged files, never served
//
// The order of a commit is the contract: compare the digest, sync the file, rename it into place, sync the directory,
// and only then may the caller record it. A crash before the record leaves a file that nobody names.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "blobs/digest.h"
#include "blobs/incoming.h"
#include "env/real/unique_fd.h"

namespace boxship::blobs {

struct OpenFile {
    std::shared_ptr<const env::UniqueFd> fd;  // stays readable when the file is removed meanwhile
    std::uint64_t size = 0;
};

struct StoredFile {
    std::string name;    // the hexadecimal digits, or the upload's id
    Time changed_at;
    std::uint64_t size = 0;
};

class Blobs {
public:
    explicit Blobs(std::string root) : root_(std::move(root)) {}

    // Makes and syncs what is missing of the layout. Call it once, first.
    HostResult<> prepare();

    HostResult<std::shared_ptr<Incoming>> create(const std::string& id, Algorithm algorithm);
    // After a restart: cuts the file to the offset that was noted, and hashes it. ENOENT when the file is gone,
    // ENODATA when it is shorter.
    HostResult<std::shared_ptr<Incoming>> resume(const std::string& id, Algorithm algorithm, std::uint64_t noted_offset);
    HostResult<> discard(const std::string& id);  // absent: fine
    HostResult<std::vector<StoredFile>> list_incoming() const;

    // Digest compared, file synced and in its place under its name, directory synced. EBADMSG: the digest differs; the
    // upload is as it was. Over an existing file: same name, same content, so a damaged one is repaired.
    HostResult<> commit(Incoming& incoming, const Digest& expected);
    // The same for bytes at hand.
    HostResult<> put(const Digest& digest, std::string_view bytes);

    HostResult<OpenFile> open(const Digest& digest) const;  // ENOENT when absent
    // The bytes, compared with the digest: EBADMSG when they are not what the name says, EFBIG above the bound.
    HostResult<std::string> read(const Digest& digest, std::size_t bytes_max) const;
    HostResult<> remove(const Digest& digest);              // absent: fine
    HostResult<> quarantine(const Digest& digest);          // absent: fine
    HostResult<bool> verify(const Digest& digest) const;    // reads all of it; false: other bytes than the name says
    HostResult<std::vector<StoredFile>> list(Algorithm algorithm) const;

    std::string path_of(const Digest& digest) const;
    const std::string& root() const { return root_; }

private:
    std::string incoming_path(const std::string& id) const { return root_ + "/incoming/" + id; }
    HostResult<> move_in(const std::string& from, const Digest& digest);
    HostResult<std::vector<StoredFile>> list_files(const std::string& directory) const;

    std::string root_;
    std::atomic<std::uint64_t> puts_ = 0;
};

}  // namespace boxship::blobs
