// Users of the API: each does one thing after the other, tries again under the same token until it knows, and remembers
// every answer. What was answered once must be so for ever.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/caller.h"

namespace boxship::sim {

struct Habits {
    int run = 30, stop = 15, describe = 30, storm = 2, define = 3, who_am_i = 5, list = 5, drain = 1, deregister = 0;
    Milliseconds pause_most{2'000};
};

class Client : public Caller {
public:
    Client(Stage& stage, Network& network, const Oracle& oracle, Catalog& catalog, std::string name, Habits habits, std::uint64_t seed);

    void stop_everything();                      // all live tasks, once
    void deregister(const std::string& instance_arn);

private:
    struct Seen {
        int status = 0;
        bool to_stop = false;
        std::string instance, reason;
        std::map<std::string, std::int64_t> exit_codes;
    };
    void choose() override;

    void run_task();
    void heard_run(const std::string& token, const shape::Json& input, const Network::Answer& answer);
    void stop_task(const std::string& arn, std::function<void()> then);
    void storm(int left);
    void describe();
    void define();
    void who_am_i();
    void list();
    void drain();
    std::string any_task();
    void look_at(const shape::Json& task);

    const Habits habits_;
    int tokens_ = 0;
    std::vector<std::string> known_;             // ARNs of tasks, as they came
    std::map<std::string, Seen> seen_;
    std::map<std::string, std::set<std::string>> answers_;   // token → tasks
    std::vector<std::pair<std::string, shape::Json>> repeats_;
    std::vector<std::string> instances_;
};

}  // namespace boxship::sim
