#include "images/flights.h"

namespace boxship::images {

PullResult<> Flights::fly(const std::string& key, const std::stop_token& stop, const std::function<PullResult<>()>& work)
{
    std::unique_lock guard(mutex_);
    while (true) {
        const auto found = flights_.find(key);
        if (found == flights_.end()) break;
        const std::shared_ptr<Flight> flight = found->second;
        if (!landed_.wait(guard, stop, [&] { return flight->landed; })) return PullError{PullFailure::cancelled, "cancelled", false};
        if (flight->how.ok()) return {};
        const PullFailure kind = flight->how.error().kind;
        if (kind != PullFailure::cancelled && kind != PullFailure::auth) return flight->how;
    }
    const auto flight = std::make_shared<Flight>();
    flights_[key] = flight;
    guard.unlock();
    PullResult<> how = work();
    guard.lock();
    flight->landed = true;
    flight->how = how;
    flights_.erase(key);
    landed_.notify_all();
    return how;
}

Slots::Slot Slots::take(const std::stop_token& stop)
{
    std::unique_lock guard(mutex_);
    if (!freed_.wait(guard, stop, [this] { return free_ > 0; })) return Slot(nullptr);
    --free_;
    return Slot(this);
}

void Slots::give_back()
{
    {
        const std::lock_guard guard(mutex_);
        ++free_;
    }
    freed_.notify_one();
}

}  // namespace boxship::images
