// What the host has and what its tasks hold of it. A task that can never fit is refused; one that does not fit now waits
// without holding up those behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/host.h"

namespace boxship::agent {

struct Resources {
    int cpu_units = 0;               // 0: not counted (Fargate overcommits it)
    int memory_mib = 0;
    std::set<std::uint16_t> tcp;     // ports that tasks cannot have
    std::set<std::uint16_t> udp;
};

using TaskPorts = std::vector<std::vector<PortBinding>>;   // by container, in the spec's order
using PortIsFree = std::function<bool(std::uint16_t port, const std::string& protocol)>;

class Admission {
public:
    explicit Admission(Resources total) : total_(std::move(total)) {}

    const Resources& total() const { return total_; }

    // Why the task cannot run here even if it were alone.
    std::optional<std::string> refuses(const TaskSpec& task) const;

    // The host ports of a task's containers: fixed ones as asked, dynamic ones from 32768 to 60999 that `is_free` has
    // nothing against, none for modes without bindings. Nothing: no dynamic port is left.
    std::optional<TaskPorts> choose_ports(const TaskSpec& task, const PortIsFree& is_free);

    // Takes what the task needs, or nothing.
    bool admit(const TaskSpec& task, const TaskPorts& ports);
    // A task that holds its share already: after a restart, whatever the totals say now.
    void restore(const TaskSpec& task, const TaskPorts& ports);
    // Also of a task that was never admitted. Unknown: nothing happens.
    void release(const std::string& task);

private:
    using Port = std::pair<std::string, std::uint16_t>;   // protocol, number
    struct Share {
        int cpu_units = 0;
        int memory_mib = 0;
        std::vector<Port> ports;
    };
    static Share share_of(const TaskSpec& task, const TaskPorts& ports);
    std::uint16_t promise_port(const TaskSpec& task, const std::string& protocol, const PortIsFree& is_free);

    Resources total_;
    int cpu_used_ = 0;
    int memory_used_ = 0;
    std::set<Port> ports_used_;
    std::map<Port, std::string> ports_promised_;   // dynamic ones, from choice to release: to which task
    std::map<std::string, Share> shares_;          // by task id
    std::uint16_t cursor_ = 0;
};

}  // namespace boxship::agent
