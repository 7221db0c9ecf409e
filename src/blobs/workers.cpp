#include "blobs/workers.h"

#include <pthread.h>

namespace boxship::blobs {

Workers::Workers(int threads)
{
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

Workers::~Workers()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
}

void Workers::post(std::function<void()> job)
{
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void Workers::run()
{
    ::pthread_setname_np(::pthread_self(), "blobs");
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return;
        auto job = std::move(queue_.front());
        queue_.pop_front();
        lock.unlock();
        job();
        job = nullptr;  // what it held goes before the lock is taken
        lock.lock();
    }
}

void JobQueue::post(std::function<void()> job)
{
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(std::move(job));
        if (running_) return;
        running_ = true;
    }
    workers_.post([self = shared_from_this()] { self->run_one(); });
}

void JobQueue::run_one()
{
    std::function<void()> job;
    {
        const std::lock_guard lock(mutex_);
        job = std::move(queue_.front());
        queue_.pop_front();
    }
    job();
    job = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (queue_.empty()) {
            running_ = false;
            return;
        }
    }
    workers_.post([self = shared_from_this()] { self->run_one(); });
}

}  // namespace boxship::blobs
