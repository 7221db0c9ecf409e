// Forgets deregistered targets when their deregistration delay is over.
#pragma once

#include "control/loop.h"

namespace boxship::control {

class Targets {
public:
    explicit Targets(state::Store& store);

    void follow();  // before the store's load()
    void start();   // after it

private:
    state::Store& store_;
    Loop<int> loop_;  // one key: all of them
};

}  // namespace boxship::control
