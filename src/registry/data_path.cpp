// What the control API asks of the bytes: the same sessions and the same commit as /v2/.
#include "registry/registry.h"

#include "ecr/names.h"

namespace boxship::registry {
namespace {

constexpr std::size_t part_bytes_min = 5 << 20;  // of every part but the last

template <class T>
http::Async<> deliver(http::Async<ecr::Checked<T>> work, std::function<void(ecr::Checked<T>)> done)
{
    ecr::Checked<T> outcome = co_await std::move(work);
    done(std::move(outcome));
}

}  // namespace

void Registry::put_manifest(ecr::PutOrder order, Done<ecr::ImageRow> done)
{
    const auto kept = std::make_shared<ecr::PutOrder>(std::move(order));
    tasks_.spawn("put a manifest", [this, kept, done = std::move(done)] { return answer_put(kept, done); });
}

http::Async<> Registry::answer_put(std::shared_ptr<ecr::PutOrder> order, Done<ecr::ImageRow> done)
{
    std::optional<blobs::Digest> digest;
    if (!order->digest.empty()) {
        digest = blobs::Digest::parse(order->digest);
        if (!digest) {
            done(ecr::Refused{ecr::Reason::digest_does_not_match, "'" + order->digest + "' is not a digest", {}});
            co_return;
        }
    }
    std::vector<std::string> tags;
    if (!order->tag.empty()) tags.push_back(order->tag);
    Place place{order->scope, order->repository};
    const auto pushed = co_await store_manifest(std::move(place), std::move(order->manifest), std::move(order->media_type), digest,
                                                std::move(tags), true, order->now);
    if (pushed.ok()) done(pushed->image);
    else done(pushed.error());
}

void Registry::read_manifests(std::vector<ecr::ImageRow> images, bool pull, Done<std::vector<std::string>> done)
{
    const auto kept = std::make_shared<std::vector<ecr::ImageRow>>(std::move(images));
    tasks_.spawn("read manifests", [this, kept, pull, done = std::move(done)] { return answer_read(kept, pull, done); });
}

http::Async<> Registry::answer_read(std::shared_ptr<std::vector<ecr::ImageRow>> images, bool pull,
                                    Done<std::vector<std::string>> done)
{
    std::vector<std::string> texts;
    for (const ecr::ImageRow& image : *images) {
        const auto bytes = co_await manifest_bytes(image->id.name);
        if (!bytes.ok()) {
            done(refused(bytes.error(), "read a manifest"));
            co_return;
        }
        if (*bytes && pull) note_pull(*image, now());
        texts.push_back(*bytes ? **bytes : std::string());
    }
    done(std::move(texts));
}

void Registry::upload_part(ecr::PartOrder order, Done<std::int64_t> done)
{
    const auto kept = std::make_shared<ecr::PartOrder>(std::move(order));
    tasks_.spawn("take a layer part", [this, kept, done = std::move(done)] { return deliver(take_part(kept), done); });
}

http::Async<ecr::Checked<std::int64_t>> Registry::take_part(std::shared_ptr<ecr::PartOrder> order)
{
    const auto guard = co_await upload_locks_.lock(to_text(order->upload));
    Place place{order->scope, order->repository};
    const auto opened = co_await open_session(std::move(place), order->upload, order->now);
    if (!opened.ok()) co_return opened.error();
    const SessionPointer session = *opened;
    const auto offset = static_cast<std::int64_t>(session->incoming->offset());
    const auto length = static_cast<std::int64_t>(order->bytes.size());
    if (order->first_byte != offset || order->last_byte - order->first_byte + 1 != length)
        co_return ecr::Refused{ecr::Reason::layer_part_invalid,
                               fmt::format("The part from byte {} to byte {} does not follow the last byte received, {}",
                                           order->first_byte, order->last_byte, offset - 1), {std::to_string(offset - 1)}};
    const auto append = [session, order] { return session->incoming->append(order->bytes); };
    const HostResult<> appended = co_await on_worker(*session->queue, append);
    if (!appended.ok()) co_return refused(appended.error(), "receive a layer part");
    session->small_part_inside = session->small_part_inside || session->small_part;
    session->small_part = order->bytes.size() < part_bytes_min;
    const auto noted = co_await note_progress(session);
    if (!noted.ok()) co_return noted.error();
    co_return offset + length - 1;
}

void Registry::complete_upload(ecr::CompleteOrder order, Done<std::string> done)
{
    const auto kept = std::make_shared<ecr::CompleteOrder>(std::move(order));
    tasks_.spawn("complete a layer", [this, kept, done = std::move(done)] { return deliver(take_complete(kept), done); });
}

http::Async<ecr::Checked<std::string>> Registry::take_complete(std::shared_ptr<ecr::CompleteOrder> order)
{
    std::optional<blobs::Digest> digest;
    for (const std::string& text : order->digests)
        if (!digest) digest = blobs::Digest::parse(text);
    if (!digest) co_return ecr::Refused{ecr::Reason::layer_digest_invalid, "The layer digest is not valid", {}};
    const auto guard = co_await upload_locks_.lock(to_text(order->upload));
    const Place place{order->scope, order->repository};
    const auto opened = co_await open_session(place, order->upload, order->now);
    if (!opened.ok()) co_return opened.error();
    const SessionPointer session = *opened;
    if (session->incoming->offset() == 0)
        co_return ecr::Refused{ecr::Reason::upload_empty, "The upload does not contain any layer parts", {}};
    if (session->small_part_inside)
        co_return ecr::Refused{ecr::Reason::layer_part_too_small, "Layer parts must be at least 5 MiB in size, except the last", {}};
    const std::string name = to_text(*digest);
    const auto exists = [&place, &name](state::Txn& txn) -> ecr::Checked<bool> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, place.scope, place.name));
        return ecr::find_blob(txn, *repository, name).ok();
    };
    const auto existed = co_await ask_state(exists);
    if (!existed.ok()) co_return existed.error();
    if (*existed) {
        co_await end_session(session);
        co_return ecr::Refused{ecr::Reason::layer_already_exists,
                               fmt::format("The layer with digest '{}' already exists in the repository with name '{}'", name, place.name), {}};
    }
    const auto committed = co_await commit(place, session, *digest);
    if (!committed.ok()) co_return committed.error();
    co_return name;
}

}  // namespace boxship::registry
