// An agent's process: the real engine, conversation, submitter and registrar on lanes of its own, over a record and a host
// that outlive it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/acs_conversation.h"
#include "agent/reconnects.h"
#include "agent/registrar.h"
#include "agent/submitter.h"
#include "agent/telemetry.h"
#include "sim/host.h"
#include "sim/wire.h"
#include "world/api.h"

namespace boxship::sim {

// The agent's record: what was committed survives the process; what was not made durable may go with the power.
class Record : public agent::Ledger {
public:
    explicit Record(Stage& stage) : stage_(stage) {}
    HostResult<agent::LedgerContents> load() override { return memory_.load(); }
    HostResult<> commit(const agent::LedgerBatch& batch, bool durable) override;
    void lose_power();
    bool holds(const std::string& task) const { return tasks_.contains(task); }

private:
    Stage& stage_;
    void sync();

    agent::MemoryLedger memory_;                    // what a process that starts now would read
    std::vector<agent::LedgerBatch> unsynced_;
    agent::MemoryLedger synced_;                    // what a power cut leaves for certain
    std::set<std::string> tasks_;                   // ids in memory_
};

// How an agent reaches the server, whichever process is that now.
class Network {
public:
    virtual ~Network() = default;
    // On any lane; `done` when an answer came, or no answer will: status 0.
    using Answer = agent::CallOutcome<shape::Json>;
    using Done = std::function<void(const std::shared_ptr<const Answer>&)>;
    virtual void call(const std::string& from, tests::ApiCall call, Done done) = 0;
    // `done` with "" and an open wire, or with the type of the refusal ("" and nothing: not reached).
    virtual void connect(const std::string& from, const std::string& instance_arn, bool send_credentials,
                         std::function<void(std::shared_ptr<Wire>, std::string refusal)> done) = 0;
    // A message of TCS, which may be lost: it is said again.
    virtual void tell_health(const std::string& from, const std::string& instance_arn, const shape::Json& message) = 0;
};

struct AgentFacts {
    std::string name;
    bool fargate = false;
    int cpu_units = 4096;
    int memory_mib = 4096;
    std::string zone;
};

class Agent : public agent::Outlet {
public:
    Agent(Stage& stage, Network& network, VirtualClock& clock, Host& host, Record& record, const AgentFacts& facts, std::string boot_id, std::uint64_t seed);
    ~Agent() override;

    bool knows_credentials(const std::string& id) const { return credentials_.find(id).has_value(); }
    bool connected() const { return wire_ != nullptr; }
    const std::string& instance_arn() const { return registrar_.instance_arn(); }
    void reconnect();                   // the connection is given up, as after its lifetime
    void stall(Time until);

    void submit(agent::TaskReport report, std::function<void()> heard) override;
    void launched(const std::string&, const std::vector<agent::Phase>&) override {}

private:
    void join();
    void connect();
    void serve(std::shared_ptr<Wire> wire);
    void heard_something();
    void connection_ended(agent::Ended how);
    void tell_health();
    // `work`, on the I/O lane, if this process still lives then.
    std::function<void()> later(std::function<void()> work);

    Stage& stage_;
    Network& network_;
    Host& host_;
    const AgentFacts facts_;
    SeededRandom random_;
    Lane engine_lane_;
    Lane io_lane_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
    agent::Board board_;
    agent::Telemetry telemetry_;
    std::string told_;                  // of the tasks' health
    Time told_at_;
    agent::TaskCredentials credentials_;
    agent::Registrar registrar_;
    agent::Submitter submitter_;
    agent::Reconnects reconnects_;
    std::shared_ptr<agent::Engine> engine_;
    std::shared_ptr<Wire> wire_;
    std::shared_ptr<agent::AcsConversation> conversation_;
    bool connected_once_ = false;
    Time connected_at_;
    std::uint64_t silence_ = 0;         // counts what was heard: a timer that finds it unchanged gives up
};

}  // namespace boxship::sim
