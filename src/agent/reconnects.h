// How a connection to the control plane ended, and how long to wait before the next.
#pragma once

#include <string_view>

#include "agent/backoff.h"

namespace boxship::agent {

enum class Ended { clean, broken, inactive, unknown_instance };

// Of an upgrade that was answered with an error of that type.
inline Ended refused(std::string_view type)
{
    if (type == "InactiveInstanceException") return Ended::inactive;
    return type == "InvalidInstanceException" ? Ended::unknown_instance : Ended::broken;
}

class Reconnects {
public:
    // A deregistered instance asks again after `inactive_pause`.
    Reconnects(Ids& random, Milliseconds inactive_pause) : random_(random), inactive_pause_(inactive_pause) {}

    // `was_long`: the connection lasted long enough to forget earlier failures.
    Milliseconds pause_after(Ended ended, bool was_long)
    {
        if (ended == Ended::inactive) return inactive_pause_;
        if (ended == Ended::clean || (ended == Ended::broken && was_long)) backoff_.reset();
        return ended == Ended::clean ? Milliseconds(0) : backoff_.pause(random_);
    }

private:
    Ids& random_;
    const Milliseconds inactive_pause_;
    Backoff backoff_{Milliseconds(250), 1.5, Milliseconds(120'000)};
};

}  // namespace boxship::agent
