#include "world/timeline.h"

#include <algorithm>

namespace boxship::tests {

void SeededRandom::fill(std::span<std::byte> bytes)
{
    std::uint64_t z = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at) {  // splitmix64
        if (at % 8 == 0) {
            state_ += 0x9e3779b97f4a7c15ull;
            z = state_;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
            z ^= z >> 31;
        }
        bytes[at] = static_cast<std::byte>(z >> (8 * (at % 8)));
    }
}

bool Timeline::step(Time until)
{
    Time earliest;
    std::vector<Lane*> due;
    for (Lane* lane : lanes_) {
        if (lane->queue_.empty()) continue;
        const Time next = lane->next();
        if (due.empty() || next < earliest) {
            due.clear();
            earliest = next;
        }
        if (next == earliest) due.push_back(lane);
    }
    if (due.empty() || earliest > until) return false;
    Lane* lane = due.size() == 1 ? due.front() : due[ties_.number(due.size())];
    now_ = std::max(now_, earliest);
    ++events_;
    last_lane_ = lane->name_;
    auto event = lane->queue_.extract(lane->queue_.begin());
    event.mapped()();
    return true;
}

void Timeline::run_until(Time until)
{
    while (step(until)) {
    }
    now_ = std::max(now_, until);
}

Lane::Lane(Timeline& timeline, std::string name) : timeline_(timeline), name_(std::move(name))
{
    timeline_.lanes_.push_back(this);
}

Lane::~Lane() { std::erase(timeline_.lanes_, this); }

void Lane::post_after(Milliseconds delay, std::function<void()> work)
{
    queue_.emplace(std::pair(timeline_.now() + std::max(delay, Milliseconds(0)), ++sequence_), std::move(work));
}

}  // namespace boxship::tests
