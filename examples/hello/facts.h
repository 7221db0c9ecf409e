// What a task can find out about itself.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace hello {

struct Fact {
    std::string key;     // "taskArn", in the JSON answer
    std::string label;   // "Task ARN", on the page
    std::string value;
};

class Facts {
public:
    // `metadata_uri` as in ECS_CONTAINER_METADATA_URI_V4; empty outside of ECS.
    explicit Facts(std::string metadata_uri) : uri_(std::move(metadata_uri)) {}

    // Asks the metadata endpoint when it is due: until it answers, at growing intervals. Facts do not change later.
    void refresh();
    // Milliseconds until refresh() has something to do; -1: never.
    int due_in() const;

    bool under_ecs() const { return !uri_.empty(); }
    bool known() const { return known_; }
    const std::vector<Fact>& list() const { return list_; }
    std::string value(const std::string& key) const;
    long uptime_seconds() const;

private:
    std::string uri_;
    bool known_ = false;
    std::vector<Fact> list_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_try_ = started_;
    std::chrono::milliseconds pause_{500};
};

}  // namespace hello
