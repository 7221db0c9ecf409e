// A few threads for what blocks: made when there is work, gone when there was none for a while.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>

namespace boxship::agent {

class Workers {
public:
    Workers(std::string name, int threads_max) : name_(std::move(name)), threads_max_(threads_max) {}
    ~Workers();   // runs what was posted, then ends
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    void post(std::function<void()> work);   // from any thread

private:
    void run();

    const std::string name_;
    const int threads_max_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable ended_;
    std::deque<std::function<void()>> queue_;
    int threads_ = 0;
    int idle_ = 0;
    bool stopping_ = false;
};

}  // namespace boxship::agent
