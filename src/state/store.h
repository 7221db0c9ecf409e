// The one truth. Runs transactions one after the other on the state's thread, journals them in groups, and tells readers,
// watchers and callers only of what is durable.
//
// A transaction runs at once on the newest state; its group is written while the next ones run on top of it (one group in
// flight). Whoever looked at anything that is not durable yet waits for it: the answer to a read, too, is held back until
// what it saw is in the journal (docs/adr/0001). If a group fails, it and everything that ran on top of it is undone.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "state/journal.h"
#include "state/txn.h"

namespace boxship::state {

class Checkpoint;

class Store {
public:
    Store(env::Env env, std::unique_ptr<Journal> journal);
    ~Store();
    Store(const Store&) = delete;

    // Before anything else, on any thread. Refuses what it does not understand.
    HostResult<> load();

    // Runs `work` on the state's thread (post order kept). `done(durable)` is called there too, when everything that
    // `work` saw or wrote is durable; `durable` is false when the journal failed and nothing of it happened.
    using Work = std::function<void(Txn&)>;
    using Done = std::function<void(HostResult<>)>;
    void update(Work work, Done done);       // from any thread
    void update_here(Work work, Done done);  // on the state's thread only: runs `work` before it returns

    // Called on the state's thread after each durable group, in order. Register before load(); never unregistered.
    using Watcher = std::function<void(const Changes&)>;
    void watch(Watcher watcher);

    // For loops, the doctor and tests, on the state's thread.
    View view() const { return View(*tables_); }

    env::Env& env() { return env_; }
    std::uint64_t groups_committed() const { return groups_committed_; }

private:
    struct Pending {
        Group group;
        std::vector<Done> done;
    };
    void flush();
    void landed(HostResult<> outcome);
    void checkpoint_step();
    HostResult<> apply(std::uint8_t table, bool erased, std::string_view key, std::string_view row);

    env::Env env_;
    std::unique_ptr<Journal> journal_;
    const std::unique_ptr<Tables> tables_;
    std::vector<Watcher> watchers_;
    Pending open_;
    std::unique_ptr<Pending> in_flight_;
    bool flush_posted_ = false;
    std::uint64_t groups_committed_ = 0;

    std::unique_ptr<Checkpoint> checkpoint_;
    std::uint64_t checkpoint_bytes_ = 0;    // of the one in force
};

}  // namespace boxship::state
