// Which blobs a repository holds, and how long an answer "it exists" binds us.
//
// Every "exists" (201 after an upload or a mount, 200 to HEAD, AVAILABLE) is a promise for 24 hours: the client will skip
// its upload. It is written for 36 hours and renewed when less than 24 remain, so that asking is rarely a write and the
// promise needs no memory outside the state. A link whose promise has run out stays as long as an image of the repository
// names the blob (kept_until 0); deleting the image lets it go with the next collection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ecr/repositories.h"

namespace boxship::ecr {

constexpr Milliseconds promise{std::chrono::hours(24)};
constexpr Milliseconds promise_written{std::chrono::hours(36)};

struct FoundBlob {
    std::shared_ptr<const model::Blob> blob;
    std::shared_ptr<const model::BlobLink> link;
};

// The blob, if this repository holds it and it can be read: condemned and damaged are absent.
Checked<FoundBlob> find_blob(const View& view, const model::Repository& repository, const std::string& digest);

// The same, and from now on promised.
Checked<FoundBlob> promise_blob(Txn& txn, const model::Repository& repository, const std::string& digest, Time now);

// The file is in its place: the blob is live, linked and promised.
void add_blob(Txn& txn, const model::Repository& repository, const std::string& digest, std::int64_t size, Time now);

// Links a blob of `from` (or, without, of any repository of the same account and region) here. False: not there.
bool mount_blob(Txn& txn, const model::Repository& repository, const model::Repository* from, const std::string& digest, Time now);

// DELETE of a blob: out of this repository at once, its promise with it. Refused while an image here names it.
Checked<> delete_blob(Txn& txn, const model::Repository& repository, const std::string& digest, Time now);

// Takes the link away; the blob's last one condemns it.
void unlink_blob(Txn& txn, const model::InRepository& link, Time now);

// Its bytes are missing or wrong: absent for everybody until the next upload heals it.
void mark_damaged(Txn& txn, const std::string& digest);

}  // namespace boxship::ecr
