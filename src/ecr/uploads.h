// Unfinished uploads as the state knows them. The file and the hash are the data path's (blobs/incoming.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ecr/repositories.h"

namespace boxship::ecr {

constexpr Milliseconds upload_silence_max{std::chrono::hours(24)};

using UploadRow = std::shared_ptr<const model::Upload>;

UploadRow start_upload(Txn& txn, const model::Repository& repository, std::string algorithm, Time now, Ids& ids);

// `begun`: what the id itself tells of an upload (registry/tokens.h), so that no row is needed before there are bytes to
// keep; null when it tells nothing. The row of such an upload stays when it has ended, until the id tells nothing any more.
Checked<UploadRow> find_upload(const View& view, const model::Repository& repository, const UploadId& id, const UploadRow& begun = nullptr);
// Bytes up to `offset` are on disk. False: the upload or its repository is gone.
bool note_offset(Txn& txn, const UploadId& id, const UploadRow& begun, std::int64_t offset, Time now);
void end_upload(Txn& txn, const UploadId& id, const UploadRow& begun, Time now);
// Those without a byte for 24 hours, at most `count`; and those that ended, when their ids tell nothing any more.
std::vector<UploadId> silent_uploads(const View& view, Time now, std::size_t count);

}  // namespace boxship::ecr
