#include "state/store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/mutant.h"
#include "env/real/crash_point.h"
#include "state/checkpoint.h"
#include "state/tables.h"

namespace boxship::state {
namespace {

constexpr std::size_t slice_bytes_max = 1 << 20;
constexpr std::uint64_t tail_bytes_min = 32 << 20;  // below this a checkpoint would cost more than the replay it saves
// A checkpoint writes all rows: it waits until the groups are as long as the last one, so that a row is written anew once for each
// time that the state doubles, and a start reads at most twice what there is.

}  // namespace

Store::Store(env::Env env, std::unique_ptr<Journal> journal) : env_(env), journal_(std::move(journal)), tables_(std::make_unique<Tables>()) {}
Store::~Store() = default;

void Store::watch(Watcher watcher) { watchers_.push_back(std::move(watcher)); }

void Store::update(Work work, Done done)
{
    env_.executor.post([this, work = std::move(work), done = std::move(done)]() mutable {
        update_here(std::move(work), std::move(done));
    });
}

void Store::update_here(Work work, Done done)
{
    Txn txn(*tables_, open_.group);
    work(txn);
    if (open_.group.count > 0) {
        if (mutant("store: answers before the commit")) std::exchange(done, [](HostResult<>) {})({});
        env::crash_point("server.transaction");
        open_.done.push_back(std::move(done));
        // Posted, not called: requests that wait in the executor's queue already join this group.
        if (!in_flight_ && !flush_posted_) {
            flush_posted_ = true;
            env_.executor.post([this] {
                flush_posted_ = false;
                if (!in_flight_) flush();
            });
        }
    } else if (in_flight_) {
        in_flight_->done.push_back(std::move(done));
    } else {
        done({});
    }
}

void Store::flush()
{
    if (open_.group.count == 0) return;
    in_flight_ = std::make_unique<Pending>(std::exchange(open_, {}));
    journal_->append(std::move(in_flight_->group.operations), [this](HostResult<> outcome) { landed(std::move(outcome)); });
    checkpoint_step();
}

void Store::landed(HostResult<> outcome)
{
    CHECK(in_flight_ != nullptr);
    const std::unique_ptr<Pending> landed = std::move(in_flight_);
    if (!outcome.ok()) {
        log_error("journal: {}; what was asked is refused and undone", outcome.error().message);
        Pending on_top = std::exchange(open_, {});
        for (auto* group : {&on_top.group, &landed->group}) {
            if (mutant("store: keeps what was built on a failed group") && group == &on_top.group) continue;
            while (!group->changes.empty()) group->take_back_last(*tables_);
        }
        if (checkpoint_ && !checkpoint_->finishing) checkpoint_.reset();
        for (auto* pending : {landed.get(), &on_top})
            for (auto& done : pending->done) done(outcome);
        return;
    }
    ++groups_committed_;
    // The next group is on its way to the disk before anyone is told of this one.
    flush();
    for (const auto& watcher : watchers_) watcher(landed->group.changes);
    for (auto& done : landed->done) done({});
    if (!in_flight_) checkpoint_step();
}

void Store::checkpoint_step()
{
    // Only when nothing is open: then the tables are what the journal will hold after the group in flight, and slices
    // are written behind that group.
    if (open_.group.count > 0) return;
    // Groups go on meanwhile; to finish it once more would put nothing in its place.
    if (checkpoint_ && checkpoint_->finishing) return;
    if (!checkpoint_) {
        if (journal_->tail_bytes() < std::max(tail_bytes_min, checkpoint_bytes_) && !env_.faults.hit("store: an early checkpoint")) return;
        journal_->begin_checkpoint();
        checkpoint_ = std::make_unique<Checkpoint>(*tables_, env_.faults.hit("store: small slices") ? 512 : slice_bytes_max);
    }
    std::string slice = checkpoint_->next_slice();
    if (!slice.empty()) {
        checkpoint_->bytes += slice.size();
        journal_->add_slice(std::move(slice));
        env_.executor.post_after(Milliseconds(1), [this] {
            if (checkpoint_) checkpoint_step();
        });
        return;
    }
    checkpoint_->finishing = true;
    journal_->finish_checkpoint([this](HostResult<> outcome) {
        if (outcome.ok()) checkpoint_bytes_ = checkpoint_->bytes;
        else log_warning("journal: checkpoint put off: {}", outcome.error().message);
        checkpoint_.reset();
    });
}

}  // namespace boxship::state
