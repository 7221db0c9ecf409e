// The few threads that carry all sockets, and the small tools for coroutines that run on them.
//
// Every thread has its own event loop; a connection lives on one of them from beginning to end, so its code needs no
// locks. Nothing that blocks (disk, child process, mutex held for long) may run there.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "wire/http/message.h"

namespace boxship::http {

using Executor = boost::asio::any_io_executor;

class IoThreads {
public:
    explicit IoThreads(int threads, std::string_view name = "io");
    ~IoThreads();  // stops and joins; servers, clients and task groups that use the threads must be gone already
    IoThreads(const IoThreads&) = delete;
    IoThreads& operator=(const IoThreads&) = delete;

    Executor executor();                    // the next thread's, in turn
    Executor executor(std::size_t index);
    std::size_t size() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

Async<> sleep_for(Milliseconds duration);                    // throws boost::system::system_error when cancelled
Async<Executor> this_executor();
void post(const Executor& executor, std::function<void()> work);

// Runs detached; an exception is logged as "<what>: …".
void spawn(const Executor& executor, Async<> task, std::string what);

// Suspends until `resume` is called, from any thread, once; `start` is given `resume` and begins the work. Cannot be
// cancelled: whoever takes `resume` must call it.
Async<> suspend(std::function<void(std::function<void()> resume)> start);

// The same with a value: `start` is given the function to call with it.
template <class T>
Async<T> from_callback(std::function<void(std::function<void(T)> done)> start)
{
    auto slot = std::make_shared<std::optional<T>>();
    std::function<void(std::function<void()>)> begin = [slot, start](std::function<void()> resume) {
        std::function<void(T)> done = [slot, resume = std::move(resume)](T value) {
            slot->emplace(std::move(value));
            resume();
        };
        start(std::move(done));
    };
    co_await suspend(std::move(begin));
    co_return std::move(**slot);
}

// Runs a coroutine on `executor` and waits for it on this thread, which must not be one of the IoThreads.
template <class T>
T run_blocking(const Executor& executor, std::function<Async<T>()> task)
{
    auto promise = std::make_shared<std::promise<T>>();
    std::future<T> future = promise->get_future();
    std::function<Async<>()> body = [promise, task = std::move(task)]() -> Async<> {
        try {
            if constexpr (std::is_void_v<T>) {
                co_await task();
                promise->set_value();
            } else {
                promise->set_value(co_await task());
            }
        } catch (...) {
            promise->set_exception(std::current_exception());
        }
    };
    std::function<Async<>(std::function<Async<>()>)> keep = [](std::function<Async<>()> inner) -> Async<> { co_await inner(); };
    spawn(executor, keep(std::move(body)), "blocking call");
    return future.get();
}

// Coroutines with an owner. The destructor cancels them (whatever they wait for fails with operation_aborted) and
// waits until the last has returned; it must not run on the executor's own thread.
class TaskGroup {
public:
    explicit TaskGroup(Executor executor);
    ~TaskGroup();
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;

    void spawn(std::string name, std::function<Async<>()> task);  // from any thread; nothing starts after cancel()
    void cancel();
    void join();
    std::size_t size() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace boxship::http
