// A few threads for what blocks: hashing, writing, syncing, opening files. Never the sockets' threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace boxship::blobs {

class Workers {
public:
    explicit Workers(int threads);
    ~Workers();  // runs what was posted, then joins
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    void post(std::function<void()> job);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

// Jobs that run one after the other, in the order posted, on whichever worker is free. Safe from any thread; the
// workers must outlive the last job.
class JobQueue : public std::enable_shared_from_this<JobQueue> {
public:
    explicit JobQueue(Workers& workers) : workers_(workers) {}
    void post(std::function<void()> job);

private:
    void run_one();

    Workers& workers_;
    std::mutex mutex_;
    std::deque<std::function<void()>> queue_;
    bool running_ = false;
};

}  // namespace boxship::blobs
