// The operating system's clock, random numbers and a thread of our own as executor.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "env/clock.h"

namespace boxship::env {

class RealClock : public Clock {
public:
    Time now() override;
    Milliseconds uptime() override;
};

class RealRandom : public Random {  // getrandom(2)
public:
    void fill(std::span<std::byte> bytes) override;
};

class NoFaults : public Faults {
public:
    bool hit(const char*) override { return false; }
};

// A thread that runs what is posted. The destructor runs what was posted already, then joins; timers not yet due
// are dropped.
class ThreadExecutor : public Executor {
public:
    explicit ThreadExecutor(const char* thread_name);
    ~ThreadExecutor() override;
    void post(std::function<void()> work) override;
    void post_after(Milliseconds delay, std::function<void()> work) override;

private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> queue_;
    std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> timers_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace boxship::env
