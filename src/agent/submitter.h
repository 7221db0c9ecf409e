// State reports on their way to the control plane: each is tried until it was heard, a few at a time.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "agent/api_client.h"
#include "agent/reports.h"
#include "wire/http/io_threads.h"

namespace boxship::agent {

class Submitter {
public:
    // `group` runs on one executor and ends before this.
    Submitter(http::TaskGroup& group, http::Executor executor, ApiClient& api, env::Random& random, std::string cluster);

    void submit(TaskReport report, std::function<void()> heard);   // from any thread

private:
    struct Item {
        TaskReport report;
        std::function<void()> heard;
    };
    void begin();
    http::Async<> deliver(Item item);

    http::TaskGroup& group_;
    http::Executor executor_;
    ApiClient& api_;
    env::Random& random_;
    const std::string cluster_;
    std::deque<Item> waiting_;      // of the executor's thread, as the next
    int active_ = 0;
};

}  // namespace boxship::agent
