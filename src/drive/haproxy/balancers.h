// Makes the world follow the rows of load balancers, by an HAProxy, and writes down what it finds: which load balancers are
// active, which targets are well. A thread of its own looks again when rows changed, when HAProxy ended, and now and then.
//
//     rows → plan → configuration  (a new generation only when listeners, rules or certificates changed; it takes the listening
//                 ↘ places          sockets over, and the one of before ends what it has begun)
//                   reconcile      (targets come and go through the admin socket)
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "drive/haproxy/configuration.h"
#include "drive/haproxy/process.h"
#include "drive/haproxy/reconcile.h"
#include "state/store.h"

namespace boxship::drive::haproxy {

// Where load balancers are in the network.
class Network {
public:
    virtual ~Network() = default;
    // Makes these addresses, and no others that were given here before, answer in the VPC's router; answers with the path of
    // its network namespace. Repeatable.
    virtual HostResult<std::string> prepare(const std::string& vpc, const model::Vpc& row, const std::vector<std::uint32_t>& addresses) = 0;
};

struct BalancersOptions {
    std::string directory;                     // admin sockets, configuration, certificates: does not outlive a reboot
    ProcessOptions process;                    // its command gets the configuration's path
    // The PEM of a certificate's private key.
    std::function<std::optional<std::string>(const model::Certificate&)> open_key;
};

class Balancers {
public:
    Balancers(state::Store& store, Network& network, BalancersOptions options);
    ~Balancers();                              // HAProxy goes on

    void follow();                             // before the store's load()
    void start();                              // after it
    void stop();                               // before the state's thread ends

    std::string metrics() const;               // Prometheus; any thread

private:
    struct Reason {
        model::LoadBalancerState state = model::LoadBalancerState::active;
        std::string text;
    };

    void run();
    void wait(Milliseconds timeout);
    void wake();
    std::shared_ptr<Plan> take_plan();
    Milliseconds turn();                       // when to look again
    void idle();                               // nothing listens anywhere
    void prepare_network();
    void choose_loopback(std::set<int>& ports);
    void reserve_places();
    HostResult<> bring_up();                   // HAProxy runs the plan's configuration when it returns well
    HostResult<> keep_current(ConfigurationOptions& wanted);
    HostResult<> write_files(const ConfigurationOptions& wanted, const std::string& hash);
    HostResult<> write_configuration(const ConfigurationOptions& wanted, const std::string& hash);   // as a new file
    HostResult<> put_in_place();               // that file
    HostResult<> check_file(const std::string& path);
    HostResult<> await_generation();
    void recall_applied();
    void follow_older();
    bool follow_targets();                     // true: look again soon
    void unanswered(const HostError& error);
    HostResult<> tell(std::uint64_t generation, const std::vector<std::string>& commands);
    std::string configuration_file() const { return options_.directory + "/haproxy.cfg"; }
    void report_targets(std::vector<TargetReport> reports);
    void report_balancers();
    void remember_counters(const Seen& seen);
    bool counts_anew(const Seen& seen) const;  // another process has taken the place of one that crashed
    void add_up_counters();

    state::Store& store_;
    Network& network_;
    const BalancersOptions options_;
    Process process_;
    env::UniqueFd wake_;                       // an eventfd
    std::atomic<bool> stopping_{false};
    std::atomic<bool> changed_{true};          // rows did
    std::thread thread_;

    // Of the thread alone.
    std::shared_ptr<Plan> plan_;
    std::map<std::string, std::string> namespaces_;    // by VPC
    std::map<std::string, std::shared_ptr<const model::Vpc>> prepared_;   // VPCs with load balancers, as of the last turn
    std::map<LoadBalancerId, Reason> reasons_;
    std::map<TargetGroupId, int> places_;
    bool incomplete_ = false;                  // a load balancer was left out: its VPC is not there
    std::set<int> held_ports_;                 // loopback ports of the running configuration
    std::string applied_;                      // a hash of the running configuration, without its targets
    std::string accepted_;                     // the same, of what HAProxy found in order
    std::vector<decide::TargetAddress> written_targets_;   // those in the configuration's file, group by group
    std::uint64_t generation_ = 0;
    static constexpr Milliseconds ports_again_after{5000};   // whether somebody else has left a port
    std::chrono::steady_clock::time_point look_at_ports_again_{};
    std::chrono::steady_clock::time_point reloaded_{};
    struct Older {
        Seen seen;                             // the last look
        std::chrono::steady_clock::time_point since;
    };
    std::map<std::uint64_t, Older> older_;     // generations that still end what they have begun
    bool postponed_ = false;                   // a new configuration waits: the last one is very young
    std::string problem_;                      // the last one that was logged
    std::optional<std::chrono::steady_clock::time_point> unanswered_since_;   // by the generation that serves
    int failures_ = 0;                         // starts that did not hold

    mutable std::mutex counters_mutex_;
    Seen counters_;                            // the last look
    Seen counted_before_;                      // what earlier generations had counted
    std::map<std::string, std::string> labels_;        // by proxy name, for metrics
};

}  // namespace boxship::drive::haproxy
