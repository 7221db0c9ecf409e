#include "agent/submitter.h"

#include "agent/backoff.h"
#include "base/mutant.h"
#include "base/log.h"

namespace boxship::agent {
namespace {

constexpr int active_max = 10;

}  // namespace

struct Submitter::Item {
    TaskReport report;
    std::function<void()> heard;
    Backoff backoff{Milliseconds(200), 1.5, Milliseconds(30'000)};
    bool told = false;
};

Submitter::Submitter(Call call, Wait wait, Ids& random, std::string cluster)
    : call_(std::move(call)), wait_(std::move(wait)), random_(random), cluster_(std::move(cluster))
{
}

void Submitter::submit(TaskReport report, std::function<void()> heard)
{
    waiting_.push_back(std::make_shared<Item>(Item{std::move(report), std::move(heard)}));
    begin();
}

void Submitter::begin()
{
    while (active_ < active_max && !waiting_.empty()) {
        ++active_;
        const auto item = std::move(waiting_.front());
        waiting_.pop_front();
        deliver(item);
    }
}

void Submitter::deliver(std::shared_ptr<Item> item)
{
    shape::Json input = to_json(item->report, cluster_);
    call_(std::move(input), [this, item](const Answer& answer) { answered(item, answer); });
}

void Submitter::answered(std::shared_ptr<Item> item, const Answer& answer)
{
    // The one way for the control plane to say that it never wants to hear of this again.
    const bool refused = !answer && answer.error().code == "InvalidParameterException";
    if (answer || refused || mutant("submitter: tries once")) {
        if (refused) log_warning("report of {}: {}; dropped", item->report.task, answer.error().text());
        --active_;
        begin();
        return item->heard();
    }
    if (!item->told) log_warning("report of {}: {}; trying until it is heard", item->report.task, answer.error().text());
    item->told = true;
    wait_(item->backoff.pause(random_), [this, item] { deliver(item); });
}

}  // namespace boxship::agent
