#include "ecr/uploads.h"

#include <fmt/format.h>

#include "ecr/names.h"

namespace boxship::ecr {

UploadRow start_upload(Txn& txn, const model::Repository& repository, std::string algorithm, Time now, Ids& ids)
{
    model::Upload upload{.id = ids.next<UploadId>(), .repository = repository.id, .algorithm = std::move(algorithm), .last_activity = now};
    const UploadId id = upload.id;
    txn.put(std::move(upload));
    return txn.get<model::Upload>(id);
}

Checked<UploadRow> find_upload(const View& view, const model::Repository& repository, const UploadId& id, const UploadRow& begun)
{
    const auto kept = view.get<model::Upload>(id);
    if (const UploadRow upload = kept ? kept : begun; upload && upload->repository == repository.id && !upload->ended) return upload;
    return Refused{Reason::upload_not_found,
                   fmt::format("The upload with upload id '{}' does not exist in {}", to_uuid(id), place(repository)), {}};
}

bool note_offset(Txn& txn, const UploadId& id, const UploadRow& begun, std::int64_t offset, Time now)
{
    const auto kept = txn.get<model::Upload>(id);
    const UploadRow before = kept ? kept : begun;
    if (!before || before->ended || !txn.get<model::Repository>(before->repository)) return false;
    model::Upload upload = *before;
    upload.offset = offset;
    upload.last_activity = now;
    txn.put(std::move(upload));
    return true;
}

void end_upload(Txn& txn, const UploadId& id, const UploadRow& begun, Time now)
{
    if (!begun || begun->last_activity + upload_silence_max <= now) return txn.erase<model::Upload>(id);
    if (!txn.get<model::Repository>(begun->repository)) return;
    model::Upload upload = *begun;
    upload.ended = true;
    txn.put(std::move(upload));
}

std::vector<UploadId> silent_uploads(const View& view, Time now, std::size_t count)
{
    std::vector<UploadId> ids;
    for (const auto& [time, id] : view.entries<state::UploadsByActivity>()) {
        if (ids.size() == count || time + upload_silence_max > now) break;
        ids.push_back(id);
    }
    return ids;
}

}  // namespace boxship::ecr
