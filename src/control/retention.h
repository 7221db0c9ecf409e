// Forgets what is over: stopped tasks after an hour (their story stays in the history), client tokens, instances that left.
#pragma once

#include <memory>

#include "control/loop.h"

namespace boxship::control {

class Retention {
public:
    explicit Retention(state::Store& store);

    void follow();  // before the store's load()
    void start();   // after it

private:
    state::Store& store_;
    Loop<int> loop_;  // one key: everything
};

}  // namespace boxship::control
