// The control plane without wire, disk and clock: calls go through reading, checking, verb and rendering as they do behind
// the HTTP server, over a store with a journal in memory. Agents are played by the test.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/retention.h"
#include "env/clock.h"
#include "services/served.h"
#include "state/store.h"

namespace boxship::tests {

class VirtualClock : public env::Clock {
public:
    Time now() override { return now_; }
    Milliseconds uptime() override { return now_ - Time{}; }
    void advance(Milliseconds by) { now_ = now_ + by; }

private:
    Time now_{1'800'000'000'000};
};

class SeededRandom : public Ids {
public:
    void fill(std::span<std::byte> bytes) override;

private:
    std::uint64_t state_ = 4711;
};

// Runs in order of virtual time what is due.
class VirtualExecutor : public env::Executor {
public:
    explicit VirtualExecutor(VirtualClock& clock) : clock_(clock) {}
    void post(std::function<void()> work) override { post_after({}, std::move(work)); }
    void post_after(Milliseconds delay, std::function<void()> work) override { queue_.emplace(clock_.uptime() + delay, std::move(work)); }
    void run();
    void clear() { queue_.clear(); }  // the process is gone, and its timers with it

private:
    VirtualClock& clock_;
    std::multimap<Milliseconds, std::function<void()>> queue_;
};

class World {
public:
    World();

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

private:
    env::Env env() { return {clock_, random_, executor_, faults_}; }
    void open_store();

    struct NoFaults : env::Faults {
        bool hit(const char*) override { return false; }
    };
    VirtualClock clock_;
    SeededRandom random_;
    VirtualExecutor executor_{clock_};
    NoFaults faults_;
    services::Served served_;
    services::Installation installation_;
    services::Principal principal_;
    std::shared_ptr<state::MemoryJournalData> journal_ = std::make_shared<state::MemoryJournalData>();
    std::unique_ptr<state::Store> store_;
    std::unique_ptr<control::Retention> retention_;
};

}  // namespace boxship::tests
