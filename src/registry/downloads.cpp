// GET and HEAD of blobs and manifests.
#include "registry/range.h"
#include "registry/registry.h"

#include "base/log.h"
#include "base/strings.h"

namespace boxship::registry {

http::Async<HostResult<>> Registry::note_damage(std::string digest)
{
    log_error("registry: the file of {} is missing or damaged; pushing it again heals it", digest);
    const auto mark = [digest](state::Txn& txn) { ecr::mark_damaged(txn, digest); };
    co_return co_await bridge::update(store_, mark);
}

http::Async<http::Response> Registry::get_blob(Ask ask, std::string digest)
{
    const bool head = ask.request.method == "HEAD";
    const auto find = [place = ask.place, digest, now = ask.now, head](state::Txn& txn) -> ecr::Checked<ecr::FoundBlob> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, place.scope, place.name));
        if (head) return ecr::promise_blob(txn, *repository, digest, now);
        return ecr::find_blob(txn, *repository, digest);
    };
    const auto found = co_await ask_state(find);
    if (!found.ok()) co_return refuse(found.error());
    const auto size = static_cast<std::uint64_t>(found->blob->size);

    const auto open = [this, digest] { return blobs_.open(*blobs::Digest::parse(digest)); };
    const HostResult<blobs::OpenFile> file = co_await on_worker(workers_, open);
    if (!file.ok() && file.error().code != ENOENT) co_return fail(file.error(), "open a blob");
    if (!file.ok() || file->size != size) {
        const HostResult<> noted = co_await note_damage(digest);
        if (!noted.ok()) co_return fail(noted.error(), "note a damaged blob");
        co_return refuse(404, "BLOB_UNKNOWN", "the registry's copy of " + digest + " is damaged; push it again");
    }

    http::Response response;
    response.headers.add("Content-Type", "application/octet-stream");
    response.headers.add("Docker-Content-Digest", digest);
    response.headers.add("Accept-Ranges", "bytes");
    response.headers.add("ETag", "\"" + digest + "\"");
    response.headers.add("Cache-Control", "private, max-age=31536000, immutable");
    http::FileRange body{file->fd, 0, size};
    const auto range = head ? WantedRange() : wanted_range(ask.request.headers.get("Range"), size);
    if (std::holds_alternative<NotSatisfiable>(range)) {
        http::Response refusal = refuse(416, "SIZE_INVALID", fmt::format("the blob has {} bytes", size));
        refusal.headers.add("Content-Range", fmt::format("bytes */{}", size));
        co_return refusal;
    }
    if (const auto* part = std::get_if<ByteRange>(&range)) {
        response.status = 206;
        response.headers.add("Content-Range", fmt::format("bytes {}-{}/{}", part->first, part->last, size));
        body.offset = part->first;
        body.length = part->length();
    }
    response.body = std::move(body);
    co_return response;
}

http::Async<HostResult<ManifestCache::Bytes>> Registry::manifest_bytes(std::string digest)
{
    if (auto cached = manifests_.find(digest)) co_return cached;
    const auto read = [this, digest] { return blobs_.read(*blobs::Digest::parse(digest), options_.manifest_bytes_max); };
    HostResult<std::string> bytes = co_await on_worker(workers_, read);
    if (bytes.ok()) {
        const auto kept = std::make_shared<const std::string>(std::move(bytes).value());
        manifests_.add(digest, kept);
        co_return kept;
    }
    const int code = bytes.error().code;
    if (code != ENOENT && code != EBADMSG && code != EFBIG) co_return std::move(bytes).error();
    const HostResult<> noted = co_await note_damage(digest);
    if (!noted.ok()) co_return noted.error();
    co_return ManifestCache::Bytes();
}

http::Async<http::Response> Registry::get_manifest(Ask ask, std::string reference)
{
    const std::uint64_t generation = generation_.count();
    std::string key = join({ask.place.scope.account, ask.place.scope.region, ask.place.name, reference}, "\n");
    ecr::ImageRow image = found_images_.find(key, generation);
    if (!image) {
        const auto find = [place = ask.place, reference](state::Txn& txn) -> ecr::Checked<ecr::ImageRow> {
            ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, place.scope, place.name));
            return ecr::find_reference(txn, *repository, reference);
        };
        const auto found = co_await ask_state(find);
        if (!found.ok()) co_return refuse(found.error());
        image = *found;
        found_images_.add(std::move(key), image, generation);
    }
    const auto bytes = co_await manifest_bytes(image->id.name);
    if (!bytes.ok()) co_return fail(bytes.error(), "read a manifest");
    if (!*bytes) co_return refuse(404, "MANIFEST_UNKNOWN", "the registry's copy of " + image->id.name + " is damaged; push it again");
    if (ask.request.method == "GET") note_pull(*image, ask.now);

    http::Response response;
    response.headers.add("Content-Type", image->media_type);
    response.headers.add("Docker-Content-Digest", image->id.name);
    response.headers.add("ETag", "\"" + image->id.name + "\"");
    response.body = **bytes;
    co_return response;
}

void Registry::note_pull(const model::Image& image, Time now)
{
    if (!ecr::pull_is_news(image, now)) return;
    const std::lock_guard lock(pulls_mutex_);
    pulls_.emplace(image.id, now);
}

std::string Registry::link_to_blob(const model::Repository& repository, const std::string& digest, Time now)
{
    return tokens_.sign_link(blob_location(repository.name, digest), now);
}

}  // namespace boxship::registry
