// Uploads: POST, PATCH, PUT, GET and DELETE of a session, mounts, and DELETE of a blob.
#include "registry/bytes_as_body.h"
#include "registry/range.h"
#include "registry/registry.h"

#include "ecr/names.h"
#include "env/real/crash_point.h"

namespace boxship::registry {
namespace {

constexpr std::uint64_t reserve_min = 1 << 20;

std::string received_range(std::uint64_t offset) { return "0-" + std::to_string(offset == 0 ? 0 : offset - 1); }

http::Response session_answer(int status, const std::string& repository, const UploadId& id, std::uint64_t offset)
{
    http::Response response;
    response.status = status;
    response.headers.add("Location", upload_location(repository, id));
    response.headers.add("Range", received_range(offset));
    response.headers.add("Docker-Upload-UUID", ecr::to_uuid(id));
    return response;
}

http::Response blob_created(const std::string& repository, const std::string& digest)
{
    http::Response response;
    response.status = 201;
    response.headers.add("Location", blob_location(repository, digest));
    response.headers.add("Docker-Content-Digest", digest);
    return response;
}

http::Response bad_digest(const std::string& text) { return refuse(400, "DIGEST_INVALID", "'" + text + "' is not a digest that is served"); }

}  // namespace

http::Async<http::Response> Registry::start_upload(Ask ask)
{
    const auto mount = http::query_value(ask.request.query, "mount"), from = http::query_value(ask.request.query, "from");
    const auto digest_text = http::query_value(ask.request.query, "digest");
    const auto algorithm_text = http::query_value(ask.request.query, "digest-algorithm");
    if (mount && !blobs::Digest::parse(*mount)) co_return bad_digest(*mount);
    const auto digest = blobs::Digest::parse(digest_text.value_or(""));
    if (digest_text && !digest) co_return bad_digest(*digest_text);
    auto algorithm = digest ? std::optional(digest->algorithm) : blobs::parse_algorithm(algorithm_text.value_or("sha256"));
    if (!algorithm) co_return bad_digest(*algorithm_text);

    const auto start = [this, &ask, mount, from, algorithm](state::Txn& txn) -> ecr::Checked<UploadId> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, ask.place.scope, ask.place.name));
        if (mount) {
            const ecr::RepositoryRow source = from ? txn.first<state::RepositoryByName>({ask.place.scope, *from}) : nullptr;
            if ((!from || source) && ecr::mount_blob(txn, *repository, source.get(), *mount, ask.now)) return UploadId();
        }
        return tokens_.begin_upload(repository->id, *algorithm, ask.now);
    };
    const auto started = co_await ask_state(start);
    if (!started.ok()) co_return refuse(started.error());
    if (!*started) co_return blob_created(ask.place.name, *mount);
    const UploadId id = *started;
    if (!digest) co_return session_answer(202, ask.place.name, id, 0);

    // The whole blob in this one request; or its digest only, ahead of the bytes.
    if (ask.body.content_length() == 0u && *digest != blobs::digest_of(digest->algorithm, "")) co_return session_answer(202, ask.place.name, id, 0);
    const auto guard = co_await upload_locks_.lock(to_text(id));
    co_return co_await take_rest(ask, id, *digest, true);
}

// The rest of a blob, which may be all of it, or nothing.
http::Async<http::Response> Registry::take_rest(Ask ask, UploadId id, blobs::Digest digest, bool has_body)
{
    const auto small = co_await read_small(ask);
    if (!small.ok()) co_return small.error();
    if (*small && blobs::digest_of(digest.algorithm, **small) == digest) {
        const auto stored = co_await put_small(ask, id, digest, **small);
        if (!stored.ok()) co_return refuse(stored.error());
        co_return blob_created(ask.place.name, to_text(digest));
    }
    const auto session = co_await open_session(ask.place, id, ask.now);
    if (!session.ok()) co_return refuse(session.error());
    if (has_body) {
        BytesAsBody bytes(*small ? std::string_view(**small) : std::string_view());
        Ask rest{ask.request, *small ? bytes : ask.body, ask.caller, ask.place, ask.now};
        const auto received = co_await receive_chunk(rest, *session);
        if (!received.ok()) co_return received.error();
    }
    const auto committed = co_await commit(ask.place, *session, digest);
    if (!committed.ok()) co_return refuse(committed.error());
    co_return blob_created(ask.place.name, to_text(digest));
}

http::Async<ecr::Checked<Registry::SessionPointer>> Registry::open_session(Place place, UploadId id, Time now)
{
    ecr::UploadRow begun;
    const auto find = [this, &place, id, now, &begun](state::Txn& txn) -> ecr::Checked<ecr::UploadRow> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, place.scope, place.name));
        begun = tokens_.read_upload(id, repository->id, now);
        return ecr::find_upload(txn, *repository, id, begun);
    };
    const auto row = co_await ask_state(find);
    if (!row.ok()) co_return row.error();
    const SessionPointer session = sessions_.get(id, now);
    session->begun = begun;
    if (session->incoming) co_return session;
    const auto algorithm = blobs::parse_algorithm((*row)->algorithm).value_or(blobs::Algorithm::sha256);
    const auto resume = [this, id, algorithm, offset = static_cast<std::uint64_t>((*row)->offset)] {
        return blobs_.resume(to_text(id), algorithm, offset);
    };
    HostResult<std::shared_ptr<blobs::Incoming>> incoming = co_await on_worker(*session->queue, resume);
    if (incoming.ok()) {
        session->incoming = std::move(incoming).value();
        co_return session;
    }
    if (incoming.error().code != ENOENT && incoming.error().code != ENODATA) co_return refused(incoming.error(), "open an upload");
    co_await end_session(session);  // the disk lost what it had said it kept
    co_return ecr::Refused{ecr::Reason::upload_not_found, "the upload " + ecr::to_uuid(id) + " was lost", {}};
}

http::Async<> Registry::end_session(SessionPointer session)
{
    sessions_.drop(session->id);
    const auto end = [id = session->id, begun = session->begun, now = now()](state::Txn& txn) { ecr::end_upload(txn, id, begun, now); };
    const HostResult<> ended = co_await bridge::update(store_, end);
    if (!ended.ok()) refused(ended.error(), "end an upload");
    const auto discard = [this, id = session->id] { return blobs_.discard(to_text(id)); };
    const HostResult<> discarded = co_await on_worker(*session->queue, discard);
    if (!discarded.ok()) refused(discarded.error(), "discard an upload");
}

http::Response Registry::chunk_refused(const Place& place, const Session& session) const
{
    const std::uint64_t offset = session.incoming->offset();
    http::Response response = refuse(416, "BLOB_UPLOAD_INVALID", fmt::format("the next chunk starts at {}", offset));
    response.headers.add("Location", upload_location(place.name, session.id));
    response.headers.add("Range", received_range(offset));
    response.headers.add("Docker-Upload-UUID", ecr::to_uuid(session.id));
    return response;
}

http::Response Registry::broken_body(const HostError& error)
{
    http::Response response = refuse(error.code == ETIMEDOUT ? 408 : 400, "BLOB_UPLOAD_INVALID", error.message);
    response.close = true;
    return response;
}

http::Async<Registry::Answer<std::monostate>> Registry::receive_chunk(Ask ask, SessionPointer session)
{
    const std::uint64_t before = session->incoming->offset();
    const auto length = ask.body.content_length();
    const std::string* const header = ask.request.headers.find("Content-Range");
    const auto range = header ? chunk_range(*header) : std::nullopt;
    if (header && (!range || range->first != before || (length && *length != range->length())))
        co_return chunk_refused(ask.place, *session);
    if (length && *length >= reserve_min) {
        const auto reserve = [session, bytes = *length] { return session->incoming->reserve(bytes); };
        const HostResult<> reserved = co_await on_worker(*session->queue, reserve);
        if (!reserved.ok()) co_return fail(reserved.error(), "reserve room for an upload");
    }
    Received received = co_await receive(ask.body, session);
    session->used_at = now().ms;
    if (received.disk.ok() && received.client.ok()) {
        if (!range || session->incoming->offset() - before == range->length()) co_return std::monostate();
        const auto cut = [session, before] { return session->incoming->cut(before); };
        const HostResult<> undone = co_await on_worker(*session->queue, cut);
        if (!undone.ok()) co_return fail(undone.error(), "cut an upload back");
        co_return chunk_refused(ask.place, *session);
    }
    const auto noted = co_await note_progress(session);
    if (!received.disk.ok()) co_return fail(received.disk.error(), "receive an upload");
    if (!noted.ok()) co_return refuse(noted.error());
    co_return broken_body(received.client.error());
}

http::Async<ecr::Checked<>> Registry::note_progress(SessionPointer session)
{
    const auto sync = [session] { return session->incoming->sync(); };
    const HostResult<> synced = co_await on_worker(*session->queue, sync);
    if (!synced.ok()) co_return refused(synced.error(), "sync an upload");
    const auto note = [id = session->id, begun = session->begun, offset = session->incoming->offset(), now = now()](state::Txn& txn) {
        return ecr::note_offset(txn, id, begun, static_cast<std::int64_t>(offset), now);
    };
    const HostResult<bool> noted = co_await bridge::update(store_, note);
    if (!noted.ok()) co_return refused(noted.error(), "note an upload's offset");
    if (!*noted) co_return ecr::Refused{ecr::Reason::upload_not_found, "the upload has ended", {}};
    co_return ecr::Checked<>();
}

http::Async<ecr::Checked<>> Registry::commit(Place place, SessionPointer session, blobs::Digest digest)
{
    const std::string name = to_text(digest);
    const auto guard = co_await digest_locks_.lock(name);
    const auto move_in = [this, session, digest] { return blobs_.commit(*session->incoming, digest); };
    const HostResult<> moved = co_await on_worker(*session->queue, move_in);
    if (!moved.ok() && moved.error().code == EBADMSG) {
        co_await end_session(session);
        co_return ecr::Refused{ecr::Reason::layer_digest_invalid, moved.error().message, {}};
    }
    if (!moved.ok()) co_return refused(moved.error(), "commit a blob");
    env::crash_point("registry.blob_renamed");
    const auto record = [&place, name, session, now = now()](state::Txn& txn) -> ecr::Checked<> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, place.scope, place.name));
        ecr::add_blob(txn, *repository, name, static_cast<std::int64_t>(session->incoming->offset()), now);
        ecr::end_upload(txn, session->id, session->begun, now);
        return {};
    };
    const ecr::Checked<> recorded = co_await ask_state(record);
    sessions_.drop(session->id);  // its file has moved on, whatever became of the record
    co_return recorded;
}

http::Async<http::Response> Registry::upload_status(Ask ask, UploadId id)
{
    const auto find = [this, &ask, id](state::Txn& txn) -> ecr::Checked<ecr::UploadRow> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, ask.place.scope, ask.place.name));
        return ecr::find_upload(txn, *repository, id, tokens_.read_upload(id, repository->id, ask.now));
    };
    const auto row = co_await ask_state(find);
    if (!row.ok()) co_return refuse(row.error());
    co_return session_answer(204, ask.place.name, id, static_cast<std::uint64_t>((*row)->offset));
}

http::Async<http::Response> Registry::upload_chunk(Ask ask, UploadId id)
{
    const auto guard = co_await upload_locks_.lock(to_text(id));
    const auto session = co_await open_session(ask.place, id, ask.now);
    if (!session.ok()) co_return refuse(session.error());
    const auto received = co_await receive_chunk(ask, *session);
    if (!received.ok()) co_return received.error();
    const auto noted = co_await note_progress(*session);
    if (!noted.ok()) co_return refuse(noted.error());
    co_return session_answer(202, ask.place.name, id, (*session)->incoming->offset());
}

http::Async<http::Response> Registry::finish_upload(Ask ask, UploadId id)
{
    const auto text = http::query_value(ask.request.query, "digest");
    const auto digest = blobs::Digest::parse(text.value_or(""));
    if (!digest) co_return bad_digest(text.value_or(""));
    const auto guard = co_await upload_locks_.lock(to_text(id));
    co_return co_await take_rest(ask, id, *digest, ask.body.content_length() != 0u || ask.request.headers.has("Content-Range"));
}

http::Async<http::Response> Registry::cancel_upload(Ask ask, UploadId id)
{
    const auto guard = co_await upload_locks_.lock(to_text(id));
    const auto session = co_await open_session(ask.place, id, ask.now);
    if (!session.ok()) co_return refuse(session.error());
    co_await end_session(*session);
    http::Response response;
    response.status = 204;
    co_return response;
}

http::Async<http::Response> Registry::delete_blob(Ask ask, std::string digest)
{
    const auto remove = [&ask, &digest](state::Txn& txn) -> ecr::Checked<> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, ask.place.scope, ask.place.name));
        return ecr::delete_blob(txn, *repository, digest, ask.now);
    };
    const auto removed = co_await ask_state(remove);
    if (!removed.ok()) co_return refuse(removed.error());
    http::Response response;
    response.status = 202;
    co_return response;
}

}  // namespace boxship::registry
