// Virtual time: one queue of events for all that happens in a test's world. Every thread of the world is a lane: what a
// lane was given runs in order; between lanes that are due at the same moment chance decides, seeded.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/clock.h"

namespace boxship::tests {

class SeededRandom : public Ids {
public:
    explicit SeededRandom(std::uint64_t seed = 4711) : state_(seed) {}
    void fill(std::span<std::byte> bytes) override;

    bool chance(std::uint64_t one_in) { return number(one_in) == 0; }
    Milliseconds between(Milliseconds least, Milliseconds most) { return least + Milliseconds(number(static_cast<std::uint64_t>((most - least).count()) + 1)); }

private:
    std::uint64_t state_;
};

class Lane;

class Timeline {
public:
    explicit Timeline(std::uint64_t seed = 4711, Time begin = {1'800'000'000'000}) : now_(begin), ties_(seed) {}
    Timeline(const Timeline&) = delete;

    Time now() const { return now_; }
    // Runs the next event if it is due by `until`; false when there is none.
    bool step(Time until);
    void run_due() { run_until(now_); }
    void run_until(Time until);

    std::uint64_t events() const { return events_; }
    const std::string& last_lane() const { return last_lane_; }

private:
    friend class Lane;
    Time now_;
    SeededRandom ties_;
    std::vector<Lane*> lanes_;
    std::uint64_t events_ = 0;
    std::string last_lane_;
};

// One thread: an executor and, through `clock()`, the clock that it reads. What waits in it is dropped with it.
class Lane : public env::Executor {
public:
    Lane(Timeline& timeline, std::string name);
    ~Lane() override;
    Lane(const Lane&) = delete;

    void post(std::function<void()> work) override { post_after(Milliseconds(0), std::move(work)); }
    void post_after(Milliseconds delay, std::function<void()> work) override;

    const std::string& name() const { return name_; }
    void stall(Time until) { stalled_until_ = std::max(stalled_until_, until); }   // the thread does not run
    void clear() { queue_.clear(); }
    bool empty() const { return queue_.empty(); }

private:
    friend class Timeline;
    Time next() const { return std::max(queue_.begin()->first.first, stalled_until_); }

    Timeline& timeline_;
    const std::string name_;
    std::map<std::pair<Time, std::uint64_t>, std::function<void()>> queue_;
    std::uint64_t sequence_ = 0;
    Time stalled_until_;
};

// A machine's clock: the world's time, and what is wrong with it.
class VirtualClock : public env::Clock {
public:
    explicit VirtualClock(const Timeline& timeline) : timeline_(timeline) {}
    Time now() override { return timeline_.now() + offset_; }
    Milliseconds uptime() override { return timeline_.now() - Time{}; }
    void set_wrong_by(Milliseconds offset) { offset_ = offset; }

private:
    const Timeline& timeline_;
    Milliseconds offset_{0};
};

}  // namespace boxship::tests
