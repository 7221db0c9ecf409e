// A small blob that comes whole in one request, as configs and most layers do: checked before it is written, then written by
// one job and recorded by one transaction.
#include "env/real/crash_point.h"
#include "registry/registry.h"

namespace boxship::registry {
namespace {

constexpr std::uint64_t small_blob_max = 64 << 10;   // hashed on the connection's thread: some 50 µs

}  // namespace

http::Async<Registry::Answer<std::optional<std::string>>> Registry::read_small(Ask ask)
{
    const auto length = ask.body.content_length();
    if (!length || *length == 0 || *length > small_blob_max || ask.request.headers.has("Content-Range"))
        co_return std::optional<std::string>();
    HostResult<std::string> bytes = co_await ask.body.read_all(small_blob_max);
    if (!bytes.ok()) co_return broken_body(bytes.error());
    co_return std::optional(std::move(bytes).value());
}

http::Async<ecr::Checked<>> Registry::put_small(Ask ask, UploadId id, blobs::Digest digest, std::string bytes)
{
    const std::string name = to_text(digest);
    const auto guard = co_await digest_locks_.lock(name);
    const auto put = [this, &digest, &bytes] { return blobs_.put(digest, bytes); };
    const HostResult<> stored = co_await on_worker(workers_, put);
    if (!stored.ok()) co_return refused(stored.error(), "store a blob");
    env::crash_point("registry.blob_renamed");
    bool named = false, others = false;      // the file was there before; so were bytes of this upload
    ecr::UploadRow begun;
    const auto record = [this, &ask, &name, id, &bytes, &named, &others, &begun](state::Txn& txn) -> ecr::Checked<> {
        named = txn.get<model::Blob>(name) != nullptr;
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, ask.place.scope, ask.place.name));
        begun = tokens_.read_upload(id, repository->id, ask.now);
        ASSIGN_OR_RETURN(const ecr::UploadRow upload, ecr::find_upload(txn, *repository, id, begun));
        others = upload->offset != 0;
        if (others)
            return ecr::Refused{ecr::Reason::layer_digest_invalid, fmt::format("{} is the digest of these bytes without those before", name), {}};
        ecr::add_blob(txn, *repository, name, static_cast<std::int64_t>(bytes.size()), ask.now);
        ecr::end_upload(txn, id, begun, ask.now);
        return {};
    };
    const ecr::Checked<> recorded = co_await ask_state(record);
    if (others || (recorded.ok() && sessions_.has(id))) {
        const SessionPointer session = sessions_.get(id, ask.now);
        session->begun = begun;
        co_await end_session(session);
    }
    if (recorded.ok() || named) co_return recorded;
    const auto remove = [this, &digest] { return blobs_.remove(digest); };
    const HostResult<> removed = co_await on_worker(workers_, remove);
    if (!removed.ok()) refused(removed.error(), "remove a blob");     // the sweep finds it
    co_return recorded;
}

}  // namespace boxship::registry
