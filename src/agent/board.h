// The tasks as they are now, for readers on other threads: metadata endpoints, telemetry. The engine publishes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "agent/next_step.h"
#include "agent/record.h"

namespace boxship::agent {

struct TaskView {
    TaskRecord record;
    std::vector<HealthFacts> health;          // by container
};

class Board {
public:
    // Called after each change, on the publisher's thread. Before anything is published.
    void watch(std::function<void(const TaskView&)> changed) { watchers_.push_back(std::move(changed)); }

    void publish(std::shared_ptr<const TaskView> view);
    void remove(const std::string& task);                                     // id

    using View = std::shared_ptr<const TaskView>;
    View find(const std::string& task) const;                                 // by task id; nullptr: unknown
    // By the id in a container's metadata URL.
    std::pair<View, std::size_t> find_endpoint(const std::string& endpoint_id) const;
    // Of an awsvpc task that has not stopped: VPCs may have equal addresses.
    View find_address(const std::string& router, const std::string& ipv4) const;
    std::vector<View> all() const;                                            // in the order of their ids

private:
    std::vector<std::function<void(const TaskView&)>> watchers_;
    mutable std::mutex mutex_;
    std::map<std::string, View> tasks_;
    std::map<std::string, std::pair<std::string, std::size_t>> endpoints_;
    std::map<std::pair<std::string, std::string>, std::string> addresses_;   // router and address
};

}  // namespace boxship::agent
