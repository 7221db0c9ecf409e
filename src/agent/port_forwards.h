// The machine's own 127.0.0.1:PORT leads to a host port of the instance, as long as a container has it and nobody on the
// machine had it first. One instance of a machine does this.
#pragma once

#include <map>
#include <set>
#include <string>

#include "agent/board.h"
#include "agent/forward.h"

namespace boxship::agent {

class PortForwards {
public:
    // Follows the board; both are used from the publisher's thread and outlive what is published.
    PortForwards(Board& board, Forward& forward, std::string instance_address);

private:
    void changed(const TaskView& task);
    void open(const std::string& container, const PortBinding& port);

    Forward& forward_;
    const std::string instance_address_;
    std::set<std::string> open_;       // container ids
};

}  // namespace boxship::agent
