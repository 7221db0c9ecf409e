// The control plane without wire, disk and clock: calls go through reading, checking, verb and rendering as they do behind
// the HTTP server, over a store with a journal in memory. Agents are played by the test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "control/balance.h"
#include "control/retention.h"
#include "control/services.h"
#include "control/targets.h"
#include "world/api.h"
#include "world/timeline.h"

namespace boxship::tests {

class World {
public:
    World();
    // What is in a journal that another world (or a server) wrote, at that time.
    World(std::shared_ptr<state::MemoryJournalData> journal, Time now);

    // The answer as JSON, or the error. `service` and `operation` as in "ecs RunTask".
    Result<std::string> call(const std::string& service, const std::string& operation, const std::string& request);
    // Who calls from now on: "root", "host <name>", "task <id>".
    void act_as(const std::string& kind, const std::string& name);

    void change(const std::function<void(state::Txn&)>& work);  // durable when it returns
    state::View view() const { return store_->view(); }
    void advance(Milliseconds by);      // what is due in between is run
    void restart();                     // a new store, from the journal
    std::vector<std::string> complaints() const;  // the doctor's
    Time now() { return clock_.now(); }
    const services::Served& served() const { return served_; }
    Ids& ids() { return random_; }
    services::Installation& installation() { return installation_; }
    const state::MemoryJournalData& journal() const { return *journal_; }
    std::uint64_t groups_committed() const { return store_->groups_committed(); }

private:
    env::Env env() { return {clock_, random_, executor_, faults_}; }
    void open_store();

    struct NoFaults : env::Faults {
        bool hit(const char*) override { return false; }
    };
    Timeline timeline_;
    VirtualClock clock_{timeline_};
    SeededRandom random_;
    Lane executor_{timeline_, "state"};
    NoFaults faults_;
    services::Served served_;
    services::Installation installation_;
    services::Principal principal_;
    std::shared_ptr<state::MemoryJournalData> journal_ = std::make_shared<state::MemoryJournalData>();
    std::unique_ptr<state::Store> store_;
    std::unique_ptr<control::Retention> retention_;
    std::unique_ptr<control::Targets> targets_;
    std::unique_ptr<control::Balance> balance_;
    std::unique_ptr<control::Services> services_;
};

}  // namespace boxship::tests
