// What happens when nobody asks: collection, the end of silent uploads, sweeping, reading again.
#include "registry/registry.h"

#include <set>
#include <unordered_map>

#include "base/log.h"
#include "ecr/lifecycle.h"

namespace boxship::registry {
namespace {

constexpr Milliseconds tick{10'000};
constexpr Milliseconds collect_every{std::chrono::minutes(1)};
constexpr Milliseconds expire_every{std::chrono::hours(1)};
constexpr Milliseconds sweep_every{std::chrono::hours(24)};
constexpr Milliseconds session_silence_max{std::chrono::minutes(1)};
constexpr Milliseconds unnamed_file_age{std::chrono::hours(24)};
constexpr std::size_t rows_per_turn = 500;  // so that no transaction holds the state's thread for long

}  // namespace

http::Async<> Registry::run_background()
{
    Time collected, expired, swept;
    for (;;) {
        if (swept + sweep_every <= now()) {
            swept = now();
            co_await sweep();
        }
        if (expired + expire_every <= now()) {
            expired = now();
            co_await expire_images();
        }
        if (collected + collect_every <= now()) {
            collected = now();
            co_await end_silent_uploads();
            co_await collect();
        }
        co_await flush_pulls();
        close_silent_sessions();
        co_await scrub(options_.scrub_bytes_per_second * static_cast<std::uint64_t>(tick.count()) / 1000);
        co_await http::sleep_for(tick);
    }
}

void Registry::close_silent_sessions()
{
    for (const UploadId& id : sessions_.silent_since(now() - session_silence_max)) {
        const auto guard = upload_locks_.try_lock(to_text(id));
        if (guard) sessions_.drop(id);  // the next request opens and hashes the file again
    }
}

http::Async<> Registry::end_silent_uploads()
{
    const auto list = [now = now()](state::Txn& txn) { return ecr::silent_uploads(txn, now, rows_per_turn); };
    const auto silent = co_await bridge::update(store_, list);
    if (!silent.ok()) co_return;
    for (const UploadId& id : *silent) {
        const auto guard = upload_locks_.try_lock(to_text(id));
        if (guard) co_await end_session(sessions_.get(id, now()));
    }
}

http::Async<> Registry::collect()
{
    for (bool more = true; more;) {
        const auto release = [now = now()](state::Txn& txn) { return ecr::release_links(txn, now, rows_per_turn); };
        const auto released = co_await bridge::update(store_, release);
        if (!released.ok()) co_return;
        more = *released;
    }
    const auto list = [now = now()](state::Txn& txn) { return ecr::due_removals(txn, now, rows_per_turn); };
    const auto due = co_await bridge::update(store_, list);
    if (!due.ok()) co_return;
    for (const ecr::Removal& removal : *due) {
        const auto guard = co_await digest_locks_.lock(removal.digest);
        const auto remove = [&removal, now = now()](state::Txn& txn) { return ecr::remove_blob(txn, removal, now); };
        const auto removed = co_await bridge::update(store_, remove);
        if (!removed.ok() || !*removed) continue;
        const auto unlink = [this, &removal] { return blobs_.remove(*blobs::Digest::parse(removal.digest)); };
        const HostResult<> unlinked = co_await on_worker(workers_, unlink);
        if (!unlinked.ok()) refused(unlinked.error(), "remove a blob");  // the sweep finds it again
    }
}

http::Async<> Registry::expire_images()
{
    struct Plan {
        ecr::RepositoryRow repository;
        ecr::LifecyclePolicy policy;
        std::vector<ecr::LifecycleImage> images;
    };
    const auto list = [](state::Txn& txn) {
        std::vector<RepositoryId> ids;
        for (const auto& [id, repository] : txn.rows<model::Repository>())
            if (!repository->lifecycle_policy.empty()) ids.push_back(id);
        return ids;
    };
    const auto ids = co_await bridge::update(store_, list);
    if (!ids.ok()) co_return;
    for (const RepositoryId& id : *ids) {
        const auto gather = [&id](state::Txn& txn) {
            Plan plan{txn.get<model::Repository>(id), {}, {}};
            if (!plan.repository) return plan;
            auto policy = ecr::parse_lifecycle_policy(plan.repository->lifecycle_policy);
            if (!policy.ok()) return plan;  // written by a version that knew more
            plan.policy = std::move(policy).value();
            std::set<std::string> running;
            for (const auto& [task_id, task] : txn.rows<model::Task>())
                if (task->live())
                    for (const auto& container : task->containers) running.insert(container.image_digest.str());
            const auto& rows = txn.rows<model::Image>();
            for (auto at = rows.lower_bound({id, ""}); at != rows.end() && at->first.repository == id; ++at) {
                if (!at->second->subject.empty()) continue;  // a referrer goes with its subject
                const std::string& digest = at->first.name;
                plan.images.push_back({digest, ecr::tags_of(txn, *plan.repository, digest), at->second->pushed_at, running.contains(digest)});
            }
            return plan;
        };
        const auto plan = co_await bridge::update(store_, gather);
        if (!plan.ok() || !plan->repository) continue;
        const auto decide = [&plan, now = now()] { return ecr::expired_images(plan->images, plan->policy, now); };
        const std::vector<ecr::Expiry> expiries = co_await on_worker(workers_, decide);
        if (expiries.empty()) continue;
        std::map<std::string, const std::vector<std::string>*> tags;
        for (const auto& image : plan->images) tags[image.digest] = &image.tags;
        // An index before what it names: what is refused in the first round may go in the second.
        std::set<std::string> gone;
        for (int round = 0; round < 2; ++round) {
            for (const ecr::Expiry& expiry : expiries) {
                if (gone.contains(expiry.digest)) continue;
                const auto remove = [&](state::Txn& txn) -> ecr::Checked<ecr::ImageRow> {
                    if (ecr::tags_of(txn, *plan->repository, expiry.digest) != *tags[expiry.digest])  // not what was decided on
                        return ecr::Refused{ecr::Reason::invalid_parameter, "its tags have changed", {}};
                    auto removed = ecr::delete_image(txn, *plan->repository, expiry.digest, now());
                    if (removed.ok())
                        for (const auto& referrer : ecr::list_referrers(txn, *plan->repository, expiry.digest))
                            (void)ecr::delete_image(txn, *plan->repository, referrer->id.name, now());  // kept when an index names it
                    return removed;
                };
                const auto removed = co_await bridge::update(store_, remove);
                if (!removed.ok() || !removed->ok()) continue;
                gone.insert(expiry.digest);
                log_info("registry: {}@{} expired by rule {} of its lifecycle policy", plan->repository->name, expiry.digest, expiry.priority);
            }
        }
    }
}

http::Async<> Registry::flush_pulls()
{
    std::map<model::InRepository, Time> pulls;
    {
        const std::lock_guard lock(pulls_mutex_);
        pulls.swap(pulls_);
    }
    if (pulls.empty()) co_return;
    const auto note = [&pulls](state::Txn& txn) {
        for (const auto& [image, time] : pulls) ecr::note_pull(txn, image, time);
    };
    const HostResult<> noted = co_await bridge::update(store_, note);
    if (!noted.ok()) refused(noted.error(), "note times of pulls");
}

http::Async<> Registry::sweep()
{
    const HostResult<> uploads = co_await sweep_incoming();
    if (!uploads.ok()) refused(uploads.error(), "sweep unfinished uploads");
    for (const auto algorithm : {blobs::Algorithm::sha256, blobs::Algorithm::sha512}) {
        const HostResult<> swept = co_await sweep_stored(algorithm);
        if (!swept.ok()) refused(swept.error(), "sweep stored files");
    }
}

// Files under incoming/ that no upload owns. Its row may come after its first bytes: then a request is at work on it.
http::Async<HostResult<>> Registry::sweep_incoming()
{
    const auto list = [this] { return blobs_.list_incoming(); };
    CO_ASSIGN_OR_RETURN(const auto files, co_await on_worker(workers_, list));
    for (const blobs::StoredFile& file : files) {
        const auto id = UploadId::parse(file.name);
        const auto guard = upload_locks_.try_lock(file.name);
        if (!guard) continue;
        if (!id) {
            if (file.changed_at + unnamed_file_age > now()) continue;  // may be a manifest that is being written
        } else {
            const auto owned = [&id](state::Txn& txn) {
                const auto upload = txn.get<model::Upload>(*id);
                return upload && !upload->ended;
            };
            CO_ASSIGN_OR_RETURN(const bool known, co_await bridge::update(store_, owned));
            if (known) continue;
        }
        const auto discard = [this, &file] { return blobs_.discard(file.name); };
        CO_RETURN_IF_ERROR(co_await on_worker(workers_, discard));
    }
    co_return HostResult<>();
}

http::Async<HostResult<>> Registry::sweep_stored(blobs::Algorithm algorithm)
{
    const auto list = [this, algorithm] { return blobs_.list(algorithm); };
    CO_ASSIGN_OR_RETURN(const auto files, co_await on_worker(workers_, list));
    const std::string prefix = std::string(to_text(algorithm)) + ":";
    std::unordered_map<std::string, const blobs::StoredFile*> unnamed;
    for (const blobs::StoredFile& file : files) unnamed.emplace(prefix + file.name, &file);

    // Records against files, a few at a time.
    struct Step {
        std::vector<std::string> named, suspects;
        std::string last;
    };
    std::string last = prefix;
    for (bool more = true; more;) {
        const auto compare = [&](state::Txn& txn) {
            Step step;
            const auto& rows = txn.rows<model::Blob>();
            auto at = rows.upper_bound(last);
            for (; at != rows.end() && at->first.starts_with(prefix) && step.named.size() < rows_per_turn; ++at) {
                const auto file = unnamed.find(at->first);
                const bool whole = file != unnamed.end() && file->second->size == static_cast<std::uint64_t>(at->second->size);
                if (at->second->state == model::BlobState::live && !whole) step.suspects.push_back(at->first);
                step.named.push_back(at->first);
            }
            if (!step.named.empty()) step.last = step.named.back();
            return step;
        };
        CO_ASSIGN_OR_RETURN(const Step step, co_await bridge::update(store_, compare));
        more = step.named.size() == rows_per_turn;
        last = step.last;
        for (const std::string& digest : step.named) unnamed.erase(digest);
        for (const std::string& digest : step.suspects) {
            // It may have come after the directory was read: look again, where no commit can be under way.
            const auto guard = co_await digest_locks_.lock(digest);
            const auto open = [this, &digest] { return blobs_.open(*blobs::Digest::parse(digest)); };
            const HostResult<blobs::OpenFile> file = co_await on_worker(workers_, open);
            const auto still = [&](state::Txn& txn) {
                const auto blob = txn.get<model::Blob>(digest);
                return blob && blob->state == model::BlobState::live &&
                       (!file.ok() || file->size != static_cast<std::uint64_t>(blob->size));
            };
            CO_ASSIGN_OR_RETURN(const bool damaged, co_await bridge::update(store_, still));
            if (damaged) CO_RETURN_IF_ERROR(co_await note_damage(digest));
        }
    }
    // Files that no record names: of a commit that was cut off before its record, or of a removal after it.
    for (const auto& [digest, file] : unnamed) {
        if (file->changed_at + unnamed_file_age > now() || !blobs::Digest::parse(digest)) continue;
        const auto guard = co_await digest_locks_.lock(digest);
        const auto find = [&digest = digest](state::Txn& txn) { return txn.get<model::Blob>(digest) != nullptr; };
        CO_ASSIGN_OR_RETURN(const bool known, co_await bridge::update(store_, find));
        if (known) continue;
        const auto remove = [this, &digest = digest] { return blobs_.remove(*blobs::Digest::parse(digest)); };
        CO_RETURN_IF_ERROR(co_await on_worker(workers_, remove));
    }
    co_return HostResult<>();
}

http::Async<> Registry::scrub(std::uint64_t bytes)
{
    struct Next {
        std::string digest;
        std::uint64_t size = 0;
    };
    for (std::uint64_t read = 0; read < bytes;) {
        const auto choose = [&](state::Txn& txn) {
            Next next;
            const auto& rows = txn.rows<model::Blob>();
            std::size_t looked_at = 0;
            for (auto at = rows.upper_bound(scrubbed_); at != rows.end() && looked_at < rows_per_turn; ++at, ++looked_at) {
                scrubbed_ = at->first;
                if (at->second->state != model::BlobState::live || at->second->verified_at + options_.scrub_age > now()) continue;
                return Next{at->first, static_cast<std::uint64_t>(at->second->size)};
            }
            if (looked_at < rows_per_turn) scrubbed_.clear();  // at the end: begin again next time
            return next;
        };
        const auto chosen = co_await bridge::update(store_, choose);
        if (!chosen.ok() || chosen->digest.empty()) co_return;
        const blobs::Digest digest = *blobs::Digest::parse(chosen->digest);
        const auto verify = [this, &digest] { return blobs_.verify(digest); };
        const HostResult<bool> whole = co_await on_worker(workers_, verify);
        read += chosen->size + 1;
        if (!whole.ok() && whole.error().code != ENOENT) {
            refused(whole.error(), "read a blob again");
            continue;
        }
        if (whole.ok() && *whole) {
            const auto note = [&chosen, now = now()](state::Txn& txn) {
                const auto before = txn.get<model::Blob>(chosen->digest);
                if (!before) return;
                model::Blob blob = *before;
                blob.verified_at = now;
                txn.put(std::move(blob));
            };
            const HostResult<> noted = co_await bridge::update(store_, note);
            if (!noted.ok()) co_return;
            continue;
        }
        // Under the lock, so that a push that heals it meanwhile is not put away: what is there now is read once more.
        const auto guard = co_await digest_locks_.lock(chosen->digest);
        const HostResult<bool> again = co_await on_worker(workers_, verify);
        if (again.ok() && *again) continue;
        const HostResult<> noted = co_await note_damage(chosen->digest);
        const auto put_away = [this, &digest] { return blobs_.quarantine(digest); };
        const HostResult<> away = co_await on_worker(workers_, put_away);
        if (!noted.ok() || !away.ok()) refused(noted.ok() ? away.error() : noted.error(), "put a damaged blob away");
    }
}

}  // namespace boxship::registry
