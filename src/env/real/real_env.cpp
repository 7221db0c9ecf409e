#include "env/real/real_env.h"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/check.h"

namespace boxship::env {

Time RealClock::now()
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<Milliseconds>(now).count()};
}

Milliseconds RealClock::uptime()
{
    return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

namespace {

void fill_from_kernel(std::span<std::byte> bytes)
{
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::getrandom(bytes.data() + done, bytes.size() - done, 0);
        if (got < 0 && errno == EINTR) continue;
        CHECK(got > 0);
        done += static_cast<std::size_t>(got);
    }
}

thread_local std::array<std::byte, 512> ahead;
thread_local std::size_t left = 0;  // at its beginning

}  // namespace

// Ids are asked for one by one, several a request: the kernel is asked for many at once. Every byte is given out once, then
// forgotten; a forked process has none of its parent's.
void RealRandom::fill(std::span<std::byte> bytes)
{
    static const int forks = ::pthread_atfork(nullptr, nullptr, [] { left = 0; });
    CHECK(forks == 0);
    if (bytes.size() > ahead.size()) return fill_from_kernel(bytes);
    if (bytes.size() > left) {
        fill_from_kernel(ahead);
        left = ahead.size();
    }
    left -= bytes.size();
    const auto given = std::span(ahead).subspan(left, bytes.size());
    std::ranges::copy(given, bytes.begin());
    std::ranges::fill(given, std::byte{});
}

ThreadExecutor::ThreadExecutor(const char* thread_name) : thread_([this] { run(); })
{
    ::pthread_setname_np(thread_.native_handle(), thread_name);
}

ThreadExecutor::~ThreadExecutor()
{
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void ThreadExecutor::post(std::function<void()> work)
{
    bool was_empty;
    {
        const std::lock_guard lock(mutex_);
        was_empty = queue_.empty();
        queue_.push_back(std::move(work));
    }
    if (was_empty) wake_.notify_one();
}

void ThreadExecutor::post_after(Milliseconds delay, std::function<void()> work)
{
    {
        const std::lock_guard lock(mutex_);
        timers_.emplace(std::chrono::steady_clock::now() + delay, std::move(work));
    }
    wake_.notify_one();
}

void ThreadExecutor::run()
{
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto now = std::chrono::steady_clock::now();
        while (!timers_.empty() && timers_.begin()->first <= now) {
            queue_.push_back(std::move(timers_.begin()->second));
            timers_.erase(timers_.begin());
        }
        if (!queue_.empty()) {
            std::deque<std::function<void()>> batch;
            batch.swap(queue_);
            lock.unlock();
            for (auto& work : batch) work();
            batch.clear();  // captured objects die outside the lock
            lock.lock();
        } else if (stopping_) {
            return;
        } else if (timers_.empty()) {
            wake_.wait(lock);
        } else {
            wake_.wait_until(lock, timers_.begin()->first);
        }
    }
}

}  // namespace boxship::env
