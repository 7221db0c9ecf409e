#include "ecr/links.h"

#include <fmt/format.h>

namespace boxship::ecr {
namespace {

void write_link(Txn& txn, const model::InRepository& id, Time now)
{
    const auto before = txn.get<model::BlobLink>(id);
    if (before && before->kept_until >= now + promise) return;
    txn.put(model::BlobLink{.id = id, .since = before ? before->since : now, .kept_until = now + promise_written});
}

}  // namespace

Checked<FoundBlob> find_blob(const View& view, const model::Repository& repository, const std::string& digest)
{
    FoundBlob found{view.get<model::Blob>(digest), view.get<model::BlobLink>({repository.id, digest})};
    if (found.blob && found.link && found.blob->state == model::BlobState::live) return found;
    return Refused{Reason::blob_not_found, fmt::format("The layer with digest '{}' does not exist in {}", digest, place(repository)),
                   {digest}};
}

Checked<FoundBlob> promise_blob(Txn& txn, const model::Repository& repository, const std::string& digest, Time now)
{
    ASSIGN_OR_RETURN(FoundBlob found, find_blob(txn, repository, digest));
    write_link(txn, found.link->id, now);
    return found;
}

void add_blob(Txn& txn, const model::Repository& repository, const std::string& digest, std::int64_t size, Time now)
{
    const auto before = txn.get<model::Blob>(digest);
    model::Blob blob = before ? *before : model::Blob{.digest = digest, .size = size, .created_at = now};
    if (blob.state != model::BlobState::live) ++blob.generation;
    blob.state = model::BlobState::live;
    blob.size = size;
    blob.condemned_at = {};
    blob.verified_at = now;
    txn.put(std::move(blob));
    write_link(txn, {repository.id, digest}, now);
}

bool mount_blob(Txn& txn, const model::Repository& repository, const model::Repository* from, const std::string& digest, Time now)
{
    const auto readable = [&](const model::Repository& source) {
        return source.scope == repository.scope && find_blob(txn, source, digest).ok();
    };
    bool found = from && readable(*from);
    if (!from) {
        for (const auto& link : txn.all<state::LinksByDigest>(digest)) {
            const auto source = txn.get<model::Repository>(link->id.repository);
            if (source && readable(*source)) {
                found = true;
                break;
            }
        }
    }
    if (found) write_link(txn, {repository.id, digest}, now);
    return found;
}

Checked<> delete_blob(Txn& txn, const model::Repository& repository, const std::string& digest, Time now)
{
    ASSIGN_OR_RETURN(const FoundBlob found, find_blob(txn, repository, digest));
    if (txn.any<state::ImagesByBlob>(found.link->id))
        return Refused{Reason::blob_in_use, fmt::format("The layer with digest '{}' is used by an image of {}", digest,
                                                        place(repository)), {digest}};
    unlink_blob(txn, found.link->id, now);
    return {};
}

void unlink_blob(Txn& txn, const model::InRepository& link, Time now)
{
    txn.erase<model::BlobLink>(link);
    if (txn.any<state::LinksByDigest>(link.name)) return;
    const auto before = txn.get<model::Blob>(link.name);
    if (!before || before->state == model::BlobState::condemned) return;
    model::Blob blob = *before;
    blob.state = model::BlobState::condemned;
    blob.condemned_at = now;
    ++blob.generation;
    txn.put(std::move(blob));
}

void mark_damaged(Txn& txn, const std::string& digest)
{
    const auto before = txn.get<model::Blob>(digest);
    if (!before || before->state != model::BlobState::live) return;
    model::Blob blob = *before;
    blob.state = model::BlobState::damaged;
    ++blob.generation;
    txn.put(std::move(blob));
}

}  // namespace boxship::ecr
