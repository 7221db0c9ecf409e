// A task inside the engine: record, facts, and what is under way for it. Internal to the engine's sources.
#pragma once

#include "agent/engine.h"
#include "agent/observe.h"

namespace boxship::agent {

struct Engine::Task {
    TaskRecord record;
    TaskFacts facts;
    std::optional<std::string> payload;        // not on disk yet
    std::size_t saved = 0;                     // hash of the state on disk
    std::vector<std::shared_ptr<PullTicket>> pulls;   // by container
    bool report_in_flight = false;
    Time report_after;                         // when the batched changes go out; 0: none wait
    Time wake_at;
    Time arrived;
    std::vector<Phase> phases;
    bool launch_told = false;

    const std::string& id() const { return record.spec->id; }
    void note(std::string name, Time start, Time end)
    {
        if (!launch_told) phases.push_back({std::move(name), start, static_cast<double>((end - start).count())});
    }
    void note(const std::vector<Phase>& more)
    {
        if (!launch_told) phases.insert(phases.end(), more.begin(), more.end());
    }
};

template <class Outcome>
std::function<void(Outcome)> Engine::completion(const Task& task, std::function<void(Task&, const Outcome&)> apply)
{
    std::weak_ptr<Engine> weak = weak_from_this();
    env::Executor& executor = env_.executor;
    return [weak, &executor, id = task.id(), apply = std::move(apply)](Outcome outcome) {
        executor.post([weak, id, apply, outcome = std::move(outcome)] {
            const auto engine = weak.lock();
            Task* found = engine ? engine->find(id) : nullptr;
            if (!found) return;
            apply(*found, outcome);
            engine->changed(id);
        });
    };
}

}  // namespace boxship::agent
