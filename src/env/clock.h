// The outside world as the brain sees it: clock, timers, random numbers, an executor. The real ones are in env/real,
// the virtual ones belong to the simulator, and nothing else in the program may ask the operating system for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/ids.h"
#include "base/time.h"

namespace boxship::env {

class Clock {
public:
    virtual ~Clock() = default;
    virtual Time now() = 0;                // wall clock, UTC; may jump
    virtual Milliseconds uptime() = 0;     // monotonic
};

// Random bytes (and so ids): cryptographic in production, seeded in simulation.
using Random = Ids;

// Runs functions one after the other, in the order posted, on one thread.
class Executor {
public:
    virtual ~Executor() = default;
    virtual void post(std::function<void()> work) = 0;                     // from any thread
    virtual void post_after(Milliseconds delay, std::function<void()> work) = 0;
};

// Offers the simulator a rare branch: `if (faults.hit("agents.late_ack")) …`. Never true in production.
class Faults {
public:
    virtual ~Faults() = default;
    virtual bool hit(const char* name) = 0;
};

struct Env {
    Clock& clock;
    Random& random;
    Executor& executor;
    Faults& faults;
};

}  // namespace boxship::env
