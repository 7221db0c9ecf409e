// Growing pauses between attempts, with a little chance in them so that many agents do not come back at once.
#pragma once

#include <algorithm>

#include "base/ids.h"
#include "base/time.h"

namespace boxship::agent {

class Backoff {
public:
    Backoff(Milliseconds first, double factor, Milliseconds longest, double jitter = 0.2)
        : first_(first), factor_(factor), longest_(longest), jitter_(jitter), next_(first)
    {
    }

    void reset() { next_ = first_; }

    Milliseconds pause(Ids& random)
    {
        const double spread = 1.0 + jitter_ * (static_cast<double>(random.number(2001)) / 1000.0 - 1.0);
        const Milliseconds pause(static_cast<std::int64_t>(static_cast<double>(next_.count()) * spread));
        next_ = std::min(longest_, Milliseconds(static_cast<std::int64_t>(static_cast<double>(next_.count()) * factor_)));
        return pause;
    }

private:
    Milliseconds first_;
    double factor_;
    Milliseconds longest_;
    double jitter_;
    Milliseconds next_;
};

}  // namespace boxship::agent
