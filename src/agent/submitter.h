// State reports on their way to the control plane: each is tried until it was heard, a few at a time. Runs on one thread;
// how a call is made and time passes is handed in, so that the simulator has ways of its own.
#pragma once

#include <deque>
#include <functional>

#include "agent/call_outcome.h"
#include "agent/reports.h"
#include "base/ids.h"

namespace boxship::agent {

class Submitter {
public:
    using Answer = CallOutcome<shape::Json>;
    // SubmitTaskStateChange; `done` exactly once and not before the call returned, or never when all comes to an end.
    using Call = std::function<void(shape::Json input, std::function<void(const Answer&)> done)>;
    using Wait = std::function<void(Milliseconds pause, std::function<void()> then)>;

    Submitter(Call call, Wait wait, Ids& random, std::string cluster);
    Submitter(const Submitter&) = delete;

    void submit(TaskReport report, std::function<void()> heard);

private:
    struct Item;
    void begin();
    void deliver(std::shared_ptr<Item> item);
    void answered(std::shared_ptr<Item> item, const Answer& answer);

    const Call call_;
    const Wait wait_;
    Ids& random_;
    const std::string cluster_;
    std::deque<std::shared_ptr<Item>> waiting_;
    int active_ = 0;
};

}  // namespace boxship::agent
