// A whole simulated run: a server, machines with their agents, clients, what befalls them, and what must hold.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/agent.h"
#include "sim/balancing.h"
#include "sim/client.h"
#include "sim/rollouts.h"
#include "sim/server.h"

namespace boxship::sim {

struct RunOptions {
    std::uint64_t seed = 1;
    std::uint64_t groups = 2000;                    // act one ends when so many were committed
    Milliseconds act_one_most{3 * 3'600'000};       // after so long everybody hurries
    bool aloud = false;
};

struct RunOutcome {
    std::optional<Stage::Failure> failure;
    std::uint64_t hash = 0;
    std::uint64_t next_random = 0;
    std::uint64_t groups = 0, events = 0, calls = 0;
    int faults = 0;
    std::map<std::string, int> taken;
    std::vector<std::string> story;
};

RunOutcome run(const RunOptions& options);

class World : public Network {
public:
    explicit World(const RunOptions& options);
    ~World() override;

    RunOutcome play();

    void call(const std::string& from, tests::ApiCall call, Done done) override;
    void connect(const std::string& from, const std::string& instance_arn, bool send_credentials,
                 std::function<void(std::shared_ptr<Wire>, std::string refusal)> done) override;
    void tell_health(const std::string& from, const std::string& instance_arn, const shape::Json& message) override;

private:
    struct Machine {
        AgentFacts facts;
        Host* host = nullptr;
        std::unique_ptr<Record> record;
        std::unique_ptr<VirtualClock> clock;
        std::unique_ptr<Agent> agent;
        int boots = 0;
        bool gone = false;                      // for ever
    };
    struct Pending {
        int server = 0;
        Done done;
    };

    // world.cpp
    void advance(Milliseconds span, const std::function<bool()>& enough);
    bool over() const { return stage_.failure.has_value(); }
    void answer(std::uint64_t pending, Answer answer, Milliseconds delay);
    void start_server();
    void kill_server(Milliseconds back_after);
    void server_died(int number, const char* why);
    void lose_calls(int server);
    void start_agent(Machine& machine);
    void kill_agent(Machine& machine);
    void learn_places();
    void overhear(int server, const std::string& to, const std::string& frame);

    // faults.cpp
    void plan_faults();
    void misfortune();
    void take_over();
    void reboot(Machine& machine, bool for_ever);
    void partition(Machine& machine);
    void heal();

    // acts.cpp
    void act_one();
    void act_two();
    std::string unsteady() const;
    std::string unsteady_machines() const;
    std::string unsteady_tasks() const;
    void wait_for(const char* what, Milliseconds most, const std::function<std::string()>& missing);
    void check_end();
    bool something_is_due(Milliseconds within);
    void check_credentials();
    std::string kept_keys() const;

    // services_end.cpp
    std::string unsteady_services();
    std::string unsteady_service(const model::Service& service);
    std::string unsteady_targets() const;
    bool is_uneven(const model::Service& service);
    bool has_room(const model::Service& service, const std::set<InstanceId>& taken);
    void check_services_at_rest();
    void delete_services();

    const RunOptions options_;
    Stage stage_;
    Disk disk_;
    Oracle oracle_;
    Hosts hosts_;
    VirtualClock server_clock_;
    int servers_ = 0;
    std::unique_ptr<Server> server_;
    std::map<int, std::unique_ptr<Server>> deposed_;     // they live on, and do not know
    std::vector<std::unique_ptr<Machine>> machines_;
    std::set<std::string> unreachable_;
    std::map<std::string, std::vector<std::weak_ptr<Wire>>> wires_;
    std::map<std::uint64_t, Pending> pending_;
    std::uint64_t calls_ = 0;
    Catalog catalog_;
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<std::unique_ptr<Rollouts>> rollouts_;
    std::unique_ptr<Balancing> balancing_;
    std::map<ServiceId, Time> roomy_since_;              // a service waits for room, and there is some
    SeededRandom idle_ids_;                      // for what is only tried
    Milliseconds lost_after_{0};                         // an agent that is away for so long has lost its tasks; 0: they are waited for
    const bool spread_out_;                              // hosts in several zones, of which some come late, and services that rest
    std::vector<std::string> misfortunes_;               // those of this run
    int faults_ = 0;
    bool acting_ = true;                                 // act one goes on
    std::map<std::string, std::string> credentials_;     // id → task, as seen on the wires
};

}  // namespace boxship::sim
