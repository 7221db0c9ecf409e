#include <boost/asio/awaitable.hpp>

#include <deque>
#include <mutex>

#include "admin/admin.h"
#include "bridge/store_call.h"

namespace boxship::admin {
namespace {

using shape::Json;

// Lines on their way from an agent's callback to the coroutine that writes the answer. A reader that falls behind stops
// the stream rather than filling memory.
class Lines {
public:
    static constexpr std::size_t waiting_max = 4096;

    bool push(std::string line)
    {
        std::function<void()> wake;
        bool more = false;
        {
            const std::lock_guard lock(mutex_);
            if (closed_ || ended_) return false;
            if (lines_.size() == waiting_max) {
                line = Json::object({{"end", true}, {"error", "the output came faster than it was read; try again with --since"}}).dump() + "\n";
                ended_ = true;
            }
            lines_.push_back(std::move(line));
            wake = std::exchange(wake_, nullptr);
            more = !ended_;
        }
        if (wake) wake();
        return more;
    }
    void end()
    {
        std::function<void()> wake;
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
            wake = std::exchange(wake_, nullptr);
        }
        if (wake) wake();
    }
    void close()  // nobody reads any more
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        lines_.clear();
    }
    // True: `batch` holds lines; false: the end.
    http::Async<bool> next(std::string& batch)
    {
        for (;;) {
            {
                const std::lock_guard lock(mutex_);
                batch.clear();
                for (; !lines_.empty(); lines_.pop_front()) batch += lines_.front();
                if (!batch.empty()) co_return true;
                if (ended_) co_return false;
            }
            std::function<void(std::function<void()>)> wait = [this](std::function<void()> resume) {
                {
                    const std::lock_guard lock(mutex_);
                    if (lines_.empty() && !ended_) {
                        wake_ = std::move(resume);
                        return;
                    }
                }
                resume();
            };
            co_await http::suspend(std::move(wait));
        }
    }

private:
    std::mutex mutex_;
    std::deque<std::string> lines_;
    std::function<void()> wake_;
    bool ended_ = false;
    bool closed_ = false;
};

}  // namespace

http::Async<http::Response> Admin::logs(Json request)
{
    struct Found {
        InstanceId instance;
        Json task;
    };
    const std::string text = request.get_string("task");
    const auto look = [text](state::Txn& txn) {
        std::optional<Found> found;
        const auto id = find_task(txn, text);
        const auto task = id ? txn.get<model::Task>(*id) : nullptr;
        if (task) found = Found{task->instance, task_json(txn, *task)};
        return found;
    };
    const auto found = co_await bridge::update(store_, look);
    if (!found.ok()) co_return json_error(500, found.error().message);
    if (!*found)
        co_return json_error(404, "No task '" + text + "' is known, or it stopped more than an hour ago; boxship status lists those that run.");

    auto lines = std::make_shared<Lines>();
    Json ask = std::move(request);
    ask.set("kind", "logs");
    ask.set("taskArn", (*found)->task.get_string("taskArn"));
    hub_.ask_agent((*found)->instance, std::move(ask), [lines](const Json& frame) {
        Json line = frame;
        line.erase("id");
        const bool more = lines->push(line.dump() + "\n");
        if (frame.get_bool("end")) lines->end();
        return more;
    });
    http::Response response;
    response.headers.set("Content-Type", "application/x-ndjson");
    http::StreamBody stream;
    stream.write = [lines](http::BodyWriter& writer) -> http::Async<HostResult<>> {
        const auto keep = lines;  // the lambda's own captures may not outlive a suspension
        std::string batch;
        while (co_await keep->next(batch)) {
            const auto written = co_await writer.write(batch);
            if (!written.ok()) {
                keep->close();
                co_return written;
            }
        }
        co_return HostResult<>();
    };
    response.body = std::move(stream);
    co_return response;
}

}  // namespace boxship::admin
