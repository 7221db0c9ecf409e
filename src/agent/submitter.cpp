#include "agent/submitter.h"

#include <boost/asio/awaitable.hpp>

#include "agent/backoff.h"
#include "base/log.h"

namespace boxship::agent {
namespace {

constexpr int active_max = 10;

}  // namespace

Submitter::Submitter(http::TaskGroup& group, http::Executor executor, ApiClient& api, env::Random& random, std::string cluster)
    : group_(group), executor_(std::move(executor)), api_(api), random_(random), cluster_(std::move(cluster))
{
}

void Submitter::submit(TaskReport report, std::function<void()> heard)
{
    auto item = std::make_shared<Item>(Item{std::move(report), std::move(heard)});
    group_.spawn("report", [this, item]() -> http::Async<> {
        waiting_.push_back(std::move(*item));
        begin();
        co_return;
    });
}

void Submitter::begin()
{
    while (active_ < active_max && !waiting_.empty()) {
        ++active_;
        auto item = std::make_shared<Item>(std::move(waiting_.front()));
        waiting_.pop_front();
        group_.spawn("report", [this, item]() { return deliver(std::move(*item)); });
    }
}

http::Async<> Submitter::deliver(Item item)
{
    Backoff backoff(Milliseconds(200), 1.5, Milliseconds(30'000));
    bool told = false;
    for (;;) {
        shape::Json input = to_json(item.report, cluster_);
        const auto answer = co_await api_.call("SubmitTaskStateChange", std::move(input));
        if (answer) break;
        const CallError& error = answer.error();
        // The one way for the control plane to say that it never wants to hear of this again.
        if (error.code == "InvalidParameterException") {
            log_warning("report of {}: {}; dropped", item.report.task, error.text());
            break;
        }
        if (!told) log_warning("report of {}: {}; trying until it is heard", item.report.task, error.text());
        told = true;
        const Milliseconds pause = backoff.pause(random_);
        co_await http::sleep_for(pause);
    }
    --active_;
    begin();
    item.heard();
}

}  // namespace boxship::agent
