// What happened to every task, kept for 30 days, long after the task has left memory: a SQLite file of its own, fed from
// the change feed, written and read off the state's thread. `explain` and the console read it.
//
// Written behind the journal, without a sync per event: after a crash the last moments may be missing; they are told anew
// from the rows when the server starts (an event is known by its task and the task's version, so nothing is told twice).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/clock.h"
#include "model/ecs.h"
#include "shape/json_value.h"
#include "state/store.h"

namespace boxship::drive {

// What changed between two versions of a task, in sentences. `before` nullptr: the task is new.
std::vector<std::string> describe_change(const model::Task* before, const model::Task& after);

class History {
public:
    // Opens or makes the file.
    static HostResult<std::unique_ptr<History>> open(const std::string& path, env::Clock& clock);
    ~History();

    // Begins to follow the store. Call before the store's load(), then tell_all() once after it.
    void follow(state::Store& store);
    void tell_all(const state::View& view);

    // The phases of a launch as the agent measured them: [{"name","startMs","ms"}].
    void timings(const TaskId& task, shape::Json phases);
    // How many processes of an ended task's containers the kernel killed for want of memory: {"app": 2}.
    void oom_kills(const TaskId& task, shape::Json containers);
    // The end of the output of an ended task's containers: [{"container","stream","time","text"}].
    void last_lines(const TaskId& task, shape::Json lines);

    // {"summary": {…}, "events": [{"time","text"}], "timings": […], "oomKills": {…}, "lastLines": […]}, or null when the task is unknown. `done` is called on
    // the history's thread.
    void read(const TaskId& task, std::function<void(shape::Json)> done);

private:
    struct Impl;
    explicit History(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace boxship::drive
