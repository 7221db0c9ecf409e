// The server's process: the real store, verbs, loops and conversations with agents, on lanes of its own. It ends between two
// events; what it leaves is the disk.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "control/balance.h"
#include "control/lost_hosts.h"
#include "control/retention.h"
#include "control/services.h"
#include "control/targets.h"
#include "drive/agents/sessions.h"
#include "sim/journal.h"
#include "sim/oracle.h"
#include "sim/plane.h"
#include "sim/wire.h"
#include "world/api.h"

namespace boxship::sim {

struct ServerWays {
    Stage& stage;
    Disk& disk;
    Oracle& oracle;
    VirtualClock& clock;
    int number = 0;                              // of this process among all
    std::uint64_t seed = 0;
    Milliseconds lost_after;                     // the tasks of an agent that is away count as lost; 0: never
    Plane::Answers answers;                      // what the data plane finds at an address
    std::function<void(int number, const char* why)> died;   // by itself; called from its own lanes
};

class Server {
public:
    explicit Server(ServerWays ways);
    ~Server();
    Server(const Server&) = delete;

    bool ready() const { return ready_; }        // answers
    void call(tests::ApiCall call, tests::CallDone done);

    // An agent asks for ACS. `answered`: why not, or nothing: then the wire is open.
    using Answered = std::function<void(std::optional<drive::Sessions::Refusal>)>;
    void accept(std::shared_ptr<Wire> wire, const InstanceId& instance, const std::string& host, bool send_credentials, Answered answered);

    void note_health(const InstanceId& instance, const shape::Json& message);
    void stall(Time until);                      // the process does not get to run
    void catch_up()                              // with a clock that was set forward while alarms wait
    {
        retention_.start();
        targets_.start();
    }
    void full_pass()                             // every key is looked at
    {
        retention_.start();
        targets_.start();
        lost_hosts_.start();
        balance_.start();
        services_.start();
    }
    void examine_all();                          // the doctor looks at every row
    state::View view() const { return store_.view(); }
    std::uint64_t groups_committed() const { return store_.groups_committed(); }

private:
    class Connection;
    void prepare();
    void begin(const std::shared_ptr<Connection>& connection, const InstanceId& instance, bool send_credentials);
    void beat();
    void die(const char* why);

    const ServerWays ways_;
    SeededRandom random_;
    Lane state_lane_;
    Lane io_lane_;
    Lane journal_lane_;
    bool ready_ = false;
    int examined_ = 0;
    bool dying_ = false;
    services::Served served_;
    services::Installation installation_;
    drive::HubOptions options_;
    wire::SessionTokens tokens_;
    state::Store store_;
    control::Retention retention_;
    control::Targets targets_;
    control::Balance balance_;
    control::Services services_;
    control::LostHosts lost_hosts_;
    drive::Sessions sessions_;
    Plane plane_;
    std::vector<std::weak_ptr<Wire>> wires_;
};

}  // namespace boxship::sim
