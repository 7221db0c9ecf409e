// Somebody who keeps a load balancer with target groups, and puts addresses of tasks into them and takes them out.
#pragma once

#include <string>
#include <vector>

#include "sim/caller.h"

namespace boxship::sim {

class Balancing : public Caller {
public:
    using Caller::Caller;

    const std::vector<std::string>* groups() const { return &groups_; }      // ARNs: a load balancer forwards to them
    void deregister_all();

private:
    using Registered = std::pair<std::string, std::string>;                  // group's ARN, address
    void choose() override;
    void balancer();
    void group();
    void listener(const std::string& group);
    void register_one();
    void deregister(const Registered& which, std::function<void()> then);
    void look();
    void call(const std::string& operation, shape::Json input, Heard heard);
    const model::Target* find(const Registered& which) const;

    std::string balancer_;
    std::vector<std::string> groups_;
    std::vector<Registered> registered_;
};

}  // namespace boxship::sim
