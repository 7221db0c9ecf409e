// A machine that runs containers: what agent::Host promises, and what is really there, which survives the agent. Images
// say how their containers behave: "job", "crash", "sometimes" (crashes one time in three),
// "oom", "stubborn", "missing", "sick" (fails its health checks); anything else runs until it is stopped.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/host.h"
#include "sim/stage.h"

namespace boxship::sim {

class Oracle;

class Host : public agent::Host {
public:
    Host(Stage& stage, Oracle& oracle, std::string name, int memory_mib);

    // The agent's process begins: what is reported from now on goes to it, on its lane. And ends: nothing is reported.
    void serve(env::Executor& agent);
    void agent_died();
    void instance_is(InstanceId instance) { instance_ = instance; }
    void reboot();                           // everything that ran is gone

    bool anything_of(const std::string& task) const;
    bool has_interface(const std::string& task) const { return prepared_.contains(task) && prepared_.at(task); }
    bool empty() const { return prepared_.empty() && containers_.empty(); }
    std::string leavings() const;
    const std::map<std::string, bool>& prepared() const { return prepared_; }
    bool runs(const std::string& task) const;
    const std::string& name() const { return name_; }
    // The agent's record on this machine's disk: whether it holds a task.
    void record_is(std::function<bool(const std::string& task)> holds) { record_holds_ = std::move(holds); }

    void watch_exits(std::function<void(agent::ContainerExit)> on_exit) override { on_exit_ = std::move(on_exit); }
    void prepare_task(agent::TaskPlan plan, agent::Done<agent::HostOutcome<agent::TaskReady>> done) override;
    void release_task(agent::TaskPlan plan, agent::Done<HostResult<>> done) override;
    std::shared_ptr<agent::PullTicket> pull(agent::PullPlan plan, agent::Done<agent::HostOutcome<agent::PulledImage>> done) override;
    void start(agent::ContainerPlan plan, agent::PulledImage image, agent::Done<agent::HostOutcome<agent::Started>> done) override;
    void stop(const std::string& container, const std::string& signal, Milliseconds timeout, agent::Done<HostResult<>> done) override;
    void exec(const std::string& container, std::vector<std::string> arguments, Milliseconds deadline,
              agent::Done<HostResult<agent::ExecOutcome>> done) override;
    void release_container(const std::string& container, agent::Done<HostResult<>> done) override;
    void forget_container(const std::string&) override {}
    void adopt(agent::Known known, agent::Done<HostResult<std::vector<agent::Found>>> done) override;
    std::vector<agent::ContainerStats> stats(std::span<const std::string>) override { return {}; }
    bool port_is_free(std::uint16_t, const std::string&) override { return true; }

private:
    struct Container {
        agent::ContainerPlan plan;
        std::string image;
        bool running = false;
        Time started;
        std::optional<agent::Exit> exit;
        bool watched = false;               // by the agent that lives now
    };
    // Does `work` after a while, whatever becomes of the agent; what `work` returns is told to the agent that asked.
    void act(Milliseconds least, Milliseconds most, std::function<std::function<void()>()> work);
    void end(const std::string& container, agent::Exit exit);
    void tell(const std::string& container, const agent::Exit& exit);
    void check_allowed(const std::string& task, const char* doing);
    void check_fits();

    Stage& stage_;
    Oracle& oracle_;
    const std::string name_;
    const int memory_mib_;
    Lane lane_;                              // the kernel, monitors
    InstanceId instance_;
    env::Executor* agent_ = nullptr;
    std::uint64_t operations_ = 0;
    std::map<std::uint64_t, std::function<std::function<void()>()>> under_way_;
    std::function<void(agent::ContainerExit)> on_exit_;
    std::map<std::string, Container> containers_;
    std::map<std::string, bool> prepared_;   // task → has an interface of its own
    std::map<std::string, std::string> addresses_;   // of prepared tasks
    std::map<std::string, int> exit_codes_;
    std::function<bool(const std::string&)> record_holds_;
    friend class Hosts;
};

class Hosts {
public:
    Host& add(Stage& stage, Oracle& oracle, std::string name, int memory_mib);
    const std::vector<std::unique_ptr<Host>>& all() const { return hosts_; }
    bool anything_of(const std::string& task) const;
    bool has_interface(const std::string& task) const;
    bool answers(std::uint32_t address) const;
    // What the container ended with, as its monitor wrote it down; nothing when that went with a reboot.
    std::optional<int> exit_code(const std::string& container) const;
    // The agent of that instance has a record of the task.
    bool recorded(const InstanceId& instance, const std::string& task) const;
    void check_addresses(Stage& stage, const Oracle& oracle) const;

private:
    std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace boxship::sim
