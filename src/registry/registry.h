// The OCI distribution API, /v2/: what docker, podman, skopeo and our own agents push to and pull from.
//
// Facts come from the state, one transaction at a time (ecr/), bytes from files (blobs/). Nothing here blocks a socket's
// thread: hashing, writing, syncing and opening files are the workers' (blobs/workers.h). Existence is never cached.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "blobs/blobs.h"
#include "blobs/workers.h"
#include "bridge/store_call.h"
#include "ecr/collect.h"
#include "ecr/data_path.h"
#include "ecr/images.h"
#include "ecr/uploads.h"
#include "registry/answers.h"
#include "registry/locks.h"
#include "registry/manifest_cache.h"
#include "registry/found_images.h"
#include "registry/sessions.h"
#include "registry/tokens.h"
#include "wire/http/server.h"

namespace boxship::registry {

struct Options {
    model::Scope scope;                                    // where a Host header that names no other region leads
    std::size_t images_max = 0;                            // in a repository; 0: any number
    std::size_t manifest_bytes_max = 8 << 20;
    std::size_t manifest_cache_bytes_max = 32 << 20;
    std::uint64_t sync_step = 64 << 20;                    // an upload's bytes are synced, and its offset noted, this often
    std::uint64_t scrub_bytes_per_second = 8 << 20;
    Milliseconds scrub_age{std::chrono::hours(24 * 7)};    // a blob is read again when its last reading is older
    // False: the principal is gone, its passwords are refused at once.
    std::function<bool(const ecr::Caller&)> known = [](const ecr::Caller&) { return true; };
};

class Registry : public ecr::DataPath {
public:
    // All references must outlive it. `executor` carries what no request carries: the calls of DataPath.
    // Destroy it after the server has been drained and before the workers, the store and the I/O threads, not on one of them.
    Registry(state::Store& store, Generation generation, blobs::Blobs& blobs, blobs::Workers& workers, Tokens tokens, env::Clock& clock,
             env::Random& random, http::Executor executor, Options options);

    // Any request whose path is /v2 or below.
    http::Async<http::Response> handle(http::Request& request, http::BodyReader& body);

    // Periodic work, until cancelled: spawn it in a TaskGroup that ends before the registry does.
    http::Async<> run_background();

    // The pieces of it; each may be called at any time, and is repeated if it failed half-way.
    http::Async<> sweep();                // files that no record names, records whose files are gone or of another size
    http::Async<> end_silent_uploads();
    http::Async<> collect();
    http::Async<> expire_images();        // what the repositories' lifecycle policies say
    http::Async<> flush_pulls();
    http::Async<> scrub(std::uint64_t bytes);  // reads about so many bytes of blobs again, from where it last stopped
    void close_silent_sessions();

    // ecr::DataPath
    std::string issue_password(const ecr::Caller& caller, Time now) override { return tokens_.issue(caller, now); }
    std::string link_to_blob(const model::Repository& repository, const std::string& digest, Time now) override;
    void put_manifest(ecr::PutOrder order, Done<ecr::ImageRow> done) override;
    void read_manifests(std::vector<ecr::ImageRow> images, bool pull, Done<std::vector<std::string>> done) override;
    void upload_part(ecr::PartOrder order, Done<std::int64_t> done) override;
    void complete_upload(ecr::CompleteOrder order, Done<std::string> done) override;

private:
    template <class T>
    using Answer = Outcome<T, http::Response>;  // a value, or the refusal to send
    using SessionPointer = std::shared_ptr<Session>;
    struct Place {  // a repository by name
        model::Scope scope;
        std::string name;
    };
    struct Ask {    // a request, understood
        http::Request& request;
        http::BodyReader& body;
        ecr::Caller caller;
        Place place;
        Time now;
    };

    // registry.cpp
    http::Async<http::Response> route(http::Request& request, http::BodyReader& body);
    model::Scope scope_of(const http::Request& request) const;
    std::optional<ecr::Caller> identify(const http::Request& request) const;
    http::Response challenge(const http::Request& request) const;

    // downloads.cpp
    http::Async<http::Response> get_blob(Ask ask, std::string digest);
    http::Async<http::Response> get_manifest(Ask ask, std::string reference);
    // The bytes, or nullptr when they are damaged; then the state knows it.
    http::Async<HostResult<ManifestCache::Bytes>> manifest_bytes(std::string digest);
    http::Async<HostResult<>> note_damage(std::string digest);
    void note_pull(const model::Image& image, Time now);

    // uploads.cpp
    http::Async<http::Response> start_upload(Ask ask);
    http::Async<http::Response> upload_status(Ask ask, UploadId id);
    http::Async<http::Response> upload_chunk(Ask ask, UploadId id);
    http::Async<http::Response> finish_upload(Ask ask, UploadId id);
    http::Async<http::Response> take_rest(Ask ask, UploadId id, blobs::Digest digest, bool has_body);
    http::Async<http::Response> cancel_upload(Ask ask, UploadId id);
    http::Async<http::Response> delete_blob(Ask ask, std::string digest);
    http::Async<ecr::Checked<SessionPointer>> open_session(Place place, UploadId id, Time now);
    // What came before an error stays, synced and noted.
    http::Async<Answer<std::monostate>> receive_chunk(Ask ask, SessionPointer session);
    http::Async<ecr::Checked<>> note_progress(SessionPointer session);
    http::Async<ecr::Checked<>> commit(Place place, SessionPointer session, blobs::Digest digest);
    http::Async<> end_session(SessionPointer session);
    static http::Response broken_body(const HostError& error);
    http::Response chunk_refused(const Place& place, const Session& session) const;

    // small_blobs.cpp
    http::Async<Answer<std::optional<std::string>>> read_small(Ask ask);     // nothing: the body was not touched
    http::Async<ecr::Checked<>> put_small(Ask ask, UploadId id, blobs::Digest digest, std::string bytes);   // which have the digest

    // receive.cpp
    struct Received {
        HostResult<> disk;    // ENOSPC …: the bytes before it stay
        HostResult<> client;  // the body ended early or malformed
    };
    http::Async<Received> receive(http::BodyReader& body, SessionPointer session);

    // manifests.cpp
    struct Pushed {
        ecr::ImageRow image;
        std::string subject;
        std::vector<std::string> tags;
    };
    http::Async<http::Response> put_manifest(Ask ask, std::string reference);
    http::Async<ecr::Checked<Pushed>> store_manifest(Place place, std::string bytes, std::string media_type,
                                                     std::optional<blobs::Digest> digest, std::vector<std::string> tags,
                                                     bool refuse_repeat, Time now);
    http::Async<http::Response> delete_manifest(Ask ask, std::string reference);

    // lists.cpp
    http::Async<http::Response> list_tags(Ask ask);
    http::Async<http::Response> list_referrers(Ask ask, std::string digest);

    // data_path.cpp
    http::Async<> answer_put(std::shared_ptr<ecr::PutOrder> order, Done<ecr::ImageRow> done);
    http::Async<> answer_read(std::shared_ptr<std::vector<ecr::ImageRow>> images, bool pull, Done<std::vector<std::string>> done);
    http::Async<ecr::Checked<std::int64_t>> take_part(std::shared_ptr<ecr::PartOrder> order);
    http::Async<ecr::Checked<std::string>> take_complete(std::shared_ptr<ecr::CompleteOrder> order);

    // background.cpp
    http::Async<HostResult<>> sweep_incoming();
    http::Async<HostResult<>> sweep_stored(blobs::Algorithm algorithm);

    // A transaction whose journal failure is a refusal like any other.
    template <class Work, class Answer = std::invoke_result_t<Work&, state::Txn&>>
    http::Async<Answer> ask_state(Work work)
    {
        auto outcome = co_await bridge::update(store_, std::move(work));
        if (!outcome.ok()) co_return refused(outcome.error(), "write the state");
        co_return std::move(outcome).value();
    }
    // Runs `job` on a worker, or in a session's queue, and comes back.
    template <class Queue, class Job, class Value = std::invoke_result_t<Job&>>
    static http::Async<Value> on_worker(Queue& queue, Job job)
    {
        std::function<void(std::function<void(Value)>)> start = [&queue, job = std::move(job)](std::function<void(Value)> done) {
            queue.post([job, done = std::move(done)]() mutable { done(job()); });
        };
        co_return co_await http::from_callback<Value>(std::move(start));
    }
    static ecr::Refused refused(const HostError& error, std::string_view doing);
    Time now() { return clock_.now(); }

    state::Store& store_;
    blobs::Blobs& blobs_;
    blobs::Workers& workers_;
    Tokens tokens_;
    env::Clock& clock_;
    env::Random& random_;
    http::Executor executor_;
    Options options_;
    Sessions sessions_;
    KeyLocks upload_locks_;   // by upload id: one request at a time works on an upload
    KeyLocks digest_locks_;   // by digest: a commit and a removal of the same bytes never interleave
    ManifestCache manifests_;
    const Generation generation_;
    FoundImages found_images_;
    std::mutex pulls_mutex_;
    std::map<model::InRepository, Time> pulls_;   // not yet written
    std::string scrubbed_;                        // the last digest that was read again
    http::TaskGroup tasks_;                       // last: what runs in it uses all of the above
};

std::string upload_location(const std::string& repository, const UploadId& id);
std::string blob_location(const std::string& repository, std::string_view digest);

}  // namespace boxship::registry
