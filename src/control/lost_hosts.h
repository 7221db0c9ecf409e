// Gives up the tasks of hosts whose agents have been away for longer than the platform waits for them.
#pragma once

#include "control/loop.h"

namespace boxship::control {

class LostHosts {
public:
    // `after` zero: hosts are waited for, however long it takes.
    LostHosts(state::Store& store, Milliseconds after);

    void follow();  // before the store's load()
    void start();   // after it

private:
    state::Store& store_;
    Loop<InstanceId> loop_;
};

}  // namespace boxship::control
