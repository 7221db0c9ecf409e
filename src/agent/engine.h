// The tasks of one host: takes them from the control plane, records them, makes the host follow, and says what became of
// them. All of it runs on one executor; what next_step() asks for is done by the Host, which may use threads.
//
// A turn handles everything that happened since the last one: records are changed, written in one commit, and only then
// acknowledged and acted upon. So two hundred tasks that arrive together cost a handful of fdatasyncs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/admission.h"
#include "agent/board.h"
#include "agent/container_plan.h"
#include "agent/host.h"
#include "agent/ledger.h"
#include "agent/next_step.h"
#include "agent/reports.h"
#include "env/clock.h"

namespace boxship::agent {

struct EngineOptions {
    Resources resources;
    Milliseconds stop_timeout{30'000};           // for containers that name none
    PlanContext plan;                            // what containers are told about their surroundings
    Milliseconds cleanup_wait{3 * 3'600'000};    // records and logs of stopped tasks
    std::size_t stopped_tasks_max = 2'000;       // the oldest go earlier
    std::string boot_id;                         // of the host, now; "": not looked at
    // A container's change that is none of its task waits that long for company, up to three times that: what a side-car
    // does is seen within a second, and containers that end together cost one report.
    Milliseconds batch_wait{250};
};

struct OomKills {
    std::string container;
    int processes = 0;
};

// The engine's way to the control plane.
class Outlet {
public:
    virtual ~Outlet() = default;
    // Tried until it was heard (or the control plane said that it never wants to hear it); then `heard`, from any thread.
    virtual void submit(TaskReport report, std::function<void()> heard) = 0;
    // A task was launched: what took how long. Nobody needs to hear it.
    virtual void launched(const std::string& task_arn, const std::vector<Phase>& phases) = 0;
    // A task ended, and the control plane knows: its last words may follow, and what the kernel did to it. Nobody needs to hear them.
    virtual void ended(const std::string& task_arn, const std::vector<OomKills>& kills) { (void)task_arn, (void)kills; }
};

struct ManifestEntry {
    std::string task;
    Desired desired = Desired::running;
};

class Engine : public std::enable_shared_from_this<Engine> {
public:
    // Everything handed in outlives the engine; `env.executor` must run what is posted on one thread at a time.
    static std::shared_ptr<Engine> create(env::Env env, Ledger& ledger, Host& host, Outlet& outlet, Board& board, EngineOptions options);
    ~Engine();

    // Takes back what the ledger knows and asks the host what became of it; then `ready` is called. Before that nothing
    // is accepted. Errors: a record that cannot be read.
    HostResult<> start(const LedgerContents& contents, std::function<void()> ready);

    // All of these: from any thread, `done` from the engine's.

    // The tasks of a PayloadMessage. `stored` is called once all of it is on disk: then the message may be acknowledged.
    void accept(shape::Json::Array tasks, std::int64_t sequence, Time generated_at, std::function<void()> stored);
    // Timelines and sequence numbers count per container instance: those of another one than before begin anew. Said
    // before what comes for it.
    void speaks_for(std::string instance_arn);
    // TaskManifestMessage. Nothing when its timeline is not newer than what was seen; else, with the timeline on disk,
    // the tasks that run here and should not.
    void check_manifest(std::vector<ManifestEntry> manifest, std::int64_t timeline,
                        std::function<void(std::optional<std::vector<std::string>>)> done);
    void stop_tasks(std::vector<std::string> arns);
    // The host was given up: nothing of what runs here is wanted any more, and its addresses may be others' already.
    void stop_all(std::string reason);

private:
    struct Task;
    Engine(env::Env env, Ledger& ledger, Host& host, Outlet& outlet, Board& board, EngineOptions options);

    // engine_accept.cpp
    void accept_one(const shape::Json& task, Time generated_at);
    void refuse(const std::string& arn, std::string reason);
    HostResult<> restore(const LedgerTask& saved);
    void adopt(std::function<void()> ready);
    void adopted(const std::vector<Found>& found);

    // engine.cpp
    void on_engine(std::function<void(Engine&)> work);         // posts; dropped when the engine is gone
    void changed(const std::string& id, bool durable = false);
    void schedule_turn();
    void turn();
    void admit_waiting();
    void forget_deadlines();
    HostResult<> commit();
    void wake(Task& task, Time at);
    void publish(const Task& task);
    bool forget_if_old(Task& task);
    Task* find(const std::string& id);
    Time now() { return env_.clock.now(); }

    // engine_effects.cpp
    void advance(Task& task);
    void perform(Task& task, const Action& action);
    void prepare(Task& task);
    void pull(Task& task, std::size_t container);
    void start_container(Task& task, std::size_t container);
    void probe(Task& task, std::size_t container);
    void stop_container(Task& task, std::size_t container);
    void release_container(Task& task, std::size_t container);
    void release_task(Task& task);
    void report(Task& task);
    void reported(Task& task, const TaskReport& report, Time sent);
    // What a Host operation calls when it is done: `apply` runs in a turn of its own, if the task is still there.
    template <class Outcome>
    std::function<void(Outcome)> completion(const Task& task, std::function<void(Task&, const Outcome&)> apply);

    env::Env env_;
    Ledger& ledger_;
    Host& host_;
    Outlet& outlet_;
    Board& board_;
    const EngineOptions options_;
    Admission admission_;
    std::map<std::string, std::unique_ptr<Task>> tasks_;       // by task id
    std::vector<std::string> waiting_;                         // ids not admitted yet, in the order they came
    std::set<std::pair<Time, std::string>> stopped_;           // tasks that wait to be forgotten, the oldest first
    std::int64_t timeline_ = 0;
    std::string timeline_of_;                                  // ARN of the instance that it counts for
    bool rebooted_ = false;                                    // since the record was written
    std::string absent_reason_;                                // for containers that are gone when the agent comes back

    bool ready_ = false;                                       // the host has said what is there
    bool turn_scheduled_ = false;
    Time last_turn_;
    std::set<std::string> changed_;                            // task ids
    bool durable_ = false;                                     // the coming commit must survive a power cut
    LedgerBatch batch_;                                        // facts and erases of the coming commit
    std::vector<std::function<void()>> after_commit_;
};

}  // namespace boxship::agent
