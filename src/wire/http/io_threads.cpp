#include "wire/http/io_threads.h"

#include <pthread.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <list>

#include "base/check.h"
#include "base/log.h"

namespace boxship::http {
namespace {

namespace asio = boost::asio;

Async<> hold(std::function<Async<>()> task) { co_await task(); }

void log_failure(const std::string& what, const std::exception_ptr& failure)
{
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error& error) {
        if (error.code() != asio::error::operation_aborted) log_error("{}: {}", what, error.what());
    } catch (const std::exception& error) {
        log_error("{}: {}", what, error.what());
    } catch (...) {
        log_error("{}: unknown exception", what);
    }
}

}  // namespace

struct IoThreads::Impl {
    struct Loop {
        asio::io_context context{1};
        asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
        std::thread thread;
    };
    std::vector<std::unique_ptr<Loop>> loops;
    std::atomic<std::size_t> next{0};
};

IoThreads::IoThreads(int threads, std::string_view name) : impl_(std::make_unique<Impl>())
{
    CHECK(threads > 0);
    for (int i = 0; i < threads; ++i) {
        impl_->loops.push_back(std::make_unique<Impl::Loop>());
        Impl::Loop& loop = *impl_->loops.back();
        loop.thread = std::thread([&loop] { loop.context.run(); });
        ::pthread_setname_np(loop.thread.native_handle(), fmt::format("{}-{}", name, i).substr(0, 15).c_str());
    }
}

IoThreads::~IoThreads()
{
    for (const auto& loop : impl_->loops) loop->context.stop();
    for (const auto& loop : impl_->loops) loop->thread.join();
}

Executor IoThreads::executor() { return executor(impl_->next.fetch_add(1, std::memory_order_relaxed) % impl_->loops.size()); }
Executor IoThreads::executor(std::size_t index) { return impl_->loops.at(index)->context.get_executor(); }
std::size_t IoThreads::size() const { return impl_->loops.size(); }

Async<> sleep_for(Milliseconds duration)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

Async<Executor> this_executor() { co_return co_await asio::this_coro::executor; }

void post(const Executor& executor, std::function<void()> work) { asio::post(executor, std::move(work)); }

void spawn(const Executor& executor, Async<> task, std::string what)
{
    asio::co_spawn(executor, std::move(task),
                   [what = std::move(what)](const std::exception_ptr& failure) { log_failure(what, failure); });
}

Async<> suspend(std::function<void(std::function<void()> resume)> start)
{
    return asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        [start = std::move(start)](auto handler) {
            const auto executor = asio::get_associated_executor(handler);
            // The guard keeps the loop running while the answer is still to come.
            struct Waiting {
                std::decay_t<decltype(handler)> resumed;
                asio::executor_work_guard<std::decay_t<decltype(executor)>> work;
            };
            auto waiting = std::make_shared<Waiting>(Waiting{std::move(handler), asio::make_work_guard(executor)});
            start([waiting, executor] { asio::post(executor, std::move(waiting->resumed)); });
        },
        asio::use_awaitable);
}

struct TaskGroup::Impl : std::enable_shared_from_this<TaskGroup::Impl> {
    explicit Impl(Executor on) : executor(std::move(on)) {}

    struct Task {
        std::string name;
        asio::cancellation_signal signal;
    };
    Executor executor;
    mutable std::mutex mutex;
    std::condition_variable all_done;
    std::size_t count = 0;    // asked for and not yet returned
    std::list<Task> running;  // on the executor only
    bool cancelled = false;   // on the executor only: a task that was asked for before cancel() does not start after it

    void start(std::string name, std::function<Async<>()> task)
    {
        if (cancelled) return finished();
        running.emplace_back();
        const auto entry = std::prev(running.end());
        entry->name = std::move(name);
        asio::co_spawn(executor, hold(std::move(task)),
                       asio::bind_cancellation_slot(entry->signal.slot(),
                                                    [self = shared_from_this(), entry](const std::exception_ptr& failure) {
                                                        log_failure(entry->name, failure);
                                                        self->running.erase(entry);
                                                        self->finished();
                                                    }));
    }
    void finished()
    {
        const std::lock_guard lock(mutex);
        if (--count == 0) all_done.notify_all();
    }
};

TaskGroup::TaskGroup(Executor executor) : impl_(std::make_shared<Impl>(std::move(executor))) {}

TaskGroup::~TaskGroup()
{
    cancel();
    join();
}

void TaskGroup::spawn(std::string name, std::function<Async<>()> task)
{
    {
        const std::lock_guard lock(impl_->mutex);
        ++impl_->count;
    }
    asio::post(impl_->executor, [impl = impl_, name = std::move(name), task = std::move(task)]() mutable {
        impl->start(std::move(name), std::move(task));
    });
}

void TaskGroup::cancel()
{
    asio::post(impl_->executor, [impl = impl_] {
        impl->cancelled = true;
        // emit() may run a task to its end, which takes it from the list.
        for (auto task = impl->running.begin(); task != impl->running.end();) (task++)->signal.emit(asio::cancellation_type::terminal);
    });
}

void TaskGroup::join()
{
    std::unique_lock lock(impl_->mutex);
    impl_->all_done.wait(lock, [this] { return impl_->count == 0; });
}

std::size_t TaskGroup::size() const
{
    const std::lock_guard lock(impl_->mutex);
    return impl_->count;
}

}  // namespace boxship::http
