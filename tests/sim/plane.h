// A server's data plane, instead of HAProxy: looks at targets every now and then, tells of their health and that they are
// drained. What answers at an address is what really runs there.
#pragma once

#include <functional>

#include "sim/stage.h"
#include "state/store.h"

namespace boxship::sim {

class Plane {
public:
    using Answers = std::function<bool(std::uint32_t address)>;
    Plane(Stage& stage, state::Store& store, Lane& lane, SeededRandom& random, Answers answers)
        : stage_(stage), store_(store), lane_(lane), random_(random), answers_(std::move(answers))
    {
    }
    void begin();

private:
    void look(state::Txn& txn);

    Stage& stage_;
    state::Store& store_;
    Lane& lane_;
    SeededRandom& random_;
    const Answers answers_;
};

}  // namespace boxship::sim
