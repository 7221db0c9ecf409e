// Repeats a decision whenever its inputs changed. A wake-up carries a key and no news: the turn re-reads the state, so an
// ordinary day, a restart and a failover are one path.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "state/store.h"

namespace boxship::control {

// Lives on the state's thread, as long as the store.
template <class Key>
class Loop {
public:
    // One turn for one key: decides and writes. Returns when it wants to be called again by itself, if at all.
    using Turn = std::function<std::optional<Time>(state::Txn&, const Key&, Time now)>;

    // `undone`: the journal failed, and what the turn took for done is not.
    using Undone = std::function<void(const Key&)>;

    Loop(state::Store& store, Turn turn, Undone undone = [](const Key&) {}) : store_(store), turn_(std::move(turn)), undone_(std::move(undone)) {}
    Loop(const Loop&) = delete;

    // Something that the key depends on changed. A key waits here at most once.
    void touch(const Key& key)
    {
        if (!waiting_.insert(key).second) return;
        queue_.push_back(key);
        store_.env().executor.post([this] { take_turn(); });
    }

private:
    void take_turn()
    {
        const Key key = std::move(queue_.front());
        queue_.pop_front();
        waiting_.erase(key);
        std::optional<Time> again;
        const Time now = store_.env().clock.now();
        store_.update_here([&](state::Txn& txn) { again = turn_(txn, key, now); },
                           [this, key](HostResult<> outcome) {
                               // The journal failed: nothing of the turn happened. Later, not at once: the disk needs a rest.
                               if (outcome.ok()) return;
                               undone_(key);
                               ring_at(key, store_.env().clock.now() + Milliseconds(1000));
                           });
        if (again) ring_at(key, *again);
    }

    // One alarm per key: the earliest. It looks at the clock once a minute, as that may be set meanwhile. One that rings
    // too early only costs a turn.
    void ring_at(const Key& key, Time time)
    {
        env::Clock& clock = store_.env().clock;
        const bool early = store_.env().faults.hit("loop: an alarm rings early");
        const Milliseconds delay = std::clamp(time - clock.now(), Milliseconds(0), nap_max) / (early ? 2 : 1);
        const Milliseconds rings = clock.uptime() + delay;
        const auto [at, first] = alarms_.try_emplace(key, Alarm{time, rings});
        if (!first) {
            at->second.time = std::min(at->second.time, time);
            if (at->second.rings <= rings) return;
            at->second.rings = rings;
        }
        store_.env().executor.post_after(delay, [this, key, rings, early] {
            const auto alarm = alarms_.find(key);
            if (alarm == alarms_.end() || alarm->second.rings != rings) return;
            const Time time = alarm->second.time;
            alarms_.erase(alarm);
            if (early || store_.env().clock.now() >= time) touch(key);
            else ring_at(key, time);
        });
    }

    static constexpr Milliseconds nap_max{60'000};
    struct Alarm {
        Time time;              // of the wall clock, when the key wants its turn
        Milliseconds rings;     // of the uptime, when somebody looks
    };

    state::Store& store_;
    Turn turn_;
    Undone undone_;
    std::deque<Key> queue_;
    std::set<Key> waiting_;
    std::map<Key, Alarm> alarms_;
};

}  // namespace boxship::control
