// PUT and DELETE of manifests.
#include "registry/registry.h"

#include "base/strings.h"
#include "ecr/names.h"
#include "env/real/crash_point.h"

namespace boxship::registry {
namespace {

constexpr std::size_t tags_max = 100;  // in one request

}  // namespace

http::Async<http::Response> Registry::put_manifest(Ask ask, std::string reference)
{
    std::vector<std::string> tags;
    const auto digest = blobs::Digest::parse(reference);
    if (!digest) tags.push_back(reference);
    for (auto& [name, value] : http::parse_query(ask.request.query)) {
        if (name != "tag") continue;
        if (!digest) co_return refuse(400, "MANIFEST_INVALID", "?tag= goes with a digest only");
        if (!ecr::valid_tag(value)) co_return refuse(400, "TAG_INVALID", "'" + value + "' is not a valid tag");
        if (tags.size() == tags_max) co_return refuse(414, "UNSUPPORTED", fmt::format("at most {} tags in one request", tags_max));
        tags.push_back(value);
    }
    HostResult<std::string> bytes = co_await ask.body.read_all(options_.manifest_bytes_max);
    if (!bytes.ok()) {
        const int code = bytes.error().code;
        http::Response response = refuse(code == EMSGSIZE ? 413 : code == ETIMEDOUT ? 408 : 400, "SIZE_INVALID",
                                         code == EMSGSIZE ? "the manifest is too large" : bytes.error().message);
        response.close = true;
        co_return response;
    }
    std::string media_type(ask.request.headers.get("Content-Type"));
    const auto pushed = co_await store_manifest(ask.place, std::move(bytes).value(), std::move(media_type), digest, tags, false, ask.now);
    if (!pushed.ok()) co_return refuse(pushed.error());

    http::Response response;
    response.status = 201;
    response.headers.add("Location", "/v2/" + ask.place.name + "/manifests/" + pushed->image->id.name);
    response.headers.add("Docker-Content-Digest", pushed->image->id.name);
    if (!pushed->subject.empty()) response.headers.add("OCI-Subject", pushed->subject);
    if (digest && !tags.empty()) response.headers.add("OCI-Tag", join(tags, ", "));
    co_return response;
}

http::Async<ecr::Checked<Registry::Pushed>> Registry::store_manifest(Place place, std::string bytes, std::string media_type,
                                                                     std::optional<blobs::Digest> digest,
                                                                     std::vector<std::string> tags, bool refuse_repeat, Time now)
{
    // What is long for a large manifest happens on a worker, once.
    struct Read {
        blobs::Digest digest;
        Outcome<ecr::Manifest, std::string> manifest;
    };
    const auto content = std::make_shared<const std::string>(std::move(bytes));
    const auto read = [content, media_type, digest] {
        return Read{blobs::digest_of(digest ? digest->algorithm : blobs::Algorithm::sha256, *content),
                    ecr::parse_manifest(*content, media_type)};
    };
    const Read facts = co_await on_worker(workers_, read);
    if (digest && facts.digest != *digest)
        co_return ecr::Refused{ecr::Reason::digest_does_not_match,
                               "the manifest has the digest " + to_text(facts.digest) + ", not " + to_text(*digest), {}};
    if (!facts.manifest.ok()) co_return ecr::Refused{ecr::Reason::manifest_invalid, facts.manifest.error(), {}};

    const std::string name = to_text(facts.digest);
    const ecr::NewImage image{name, static_cast<std::int64_t>(content->size()), *facts.manifest, tags, options_.images_max, refuse_repeat};
    const auto guard = co_await digest_locks_.lock(name);
    // One more tag of an image, mostly: what was committed before and can be read is on the disk.
    const bool known = manifests_.find(name) != nullptr;
    const auto write = [this, content, &facts, known] {
        if (known && blobs_.read(facts.digest, content->size()).ok()) return HostResult<>();
        return blobs_.put(facts.digest, *content);
    };
    const HostResult<> written = co_await on_worker(workers_, write);
    if (!written.ok()) co_return refused(written.error(), "write a manifest");
    bool unnamed = false;
    const auto record = [&](state::Txn& txn) -> ecr::Checked<ecr::ImageRow> {
        unnamed = !txn.get<model::Blob>(name);
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, place.scope, place.name));
        return ecr::put_image(txn, *repository, image, now);
    };
    const ecr::Checked<ecr::ImageRow> recorded = co_await ask_state(record);
    if (!recorded.ok()) {
        if (unnamed) {
            const auto remove = [this, &facts] { return blobs_.remove(facts.digest); };
            const HostResult<> removed = co_await on_worker(workers_, remove);
            if (!removed.ok()) refused(removed.error(), "remove a refused manifest");
        }
        co_return recorded.error();
    }
    env::crash_point("registry.manifest_committed");
    manifests_.add(name, content);
    co_return Pushed{*recorded, facts.manifest->subject, tags};
}

http::Async<http::Response> Registry::delete_manifest(Ask ask, std::string reference)
{
    const auto remove = [&ask, &reference](state::Txn& txn) -> ecr::Checked<ecr::ImageRow> {
        ASSIGN_OR_RETURN(const ecr::RepositoryRow repository, ecr::find_repository(txn, ask.place.scope, ask.place.name));
        if (reference.find(':') == std::string::npos) return ecr::delete_tag(txn, *repository, reference);
        return ecr::delete_image(txn, *repository, reference, ask.now);
    };
    const auto removed = co_await ask_state(remove);
    if (!removed.ok()) co_return refuse(removed.error());
    http::Response response;
    response.status = 202;
    co_return response;
}

}  // namespace boxship::registry
