#include "agent/workers.h"

#include <pthread.h>

#include <chrono>
#include <thread>

namespace boxship::agent {
namespace {

constexpr auto idle_patience = std::chrono::seconds(10);

}  // namespace

Workers::~Workers()
{
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    ended_.wait(lock, [this] { return threads_ == 0; });
}

void Workers::post(std::function<void()> work)
{
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    if (static_cast<int>(queue_.size()) > idle_ && threads_ < threads_max_) {
        ++threads_;
        std::thread([this] { run(); }).detach();    // the destructor waits for the count
    } else {
        wake_.notify_one();
    }
}

void Workers::run()
{
    ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
    std::unique_lock lock(mutex_);
    for (;;) {
        if (queue_.empty()) {
            if (stopping_) break;
            ++idle_;
            const bool woken = wake_.wait_for(lock, idle_patience, [this] { return stopping_ || !queue_.empty(); });
            --idle_;
            if (!woken) break;
            continue;
        }
        const auto work = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        work();
        lock.lock();
    }
    --threads_;
    ended_.notify_all();    // under the lock: the destructor may free everything as soon as it has seen the count
}

}  // namespace boxship::agent
