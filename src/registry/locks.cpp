#include "registry/locks.h"

namespace boxship::registry {

KeyLocks::Guard::~Guard()
{
    if (!state_) return;
    std::function<void()> next;
    {
        const std::lock_guard lock(state_->mutex);
        const auto found = state_->held.find(key_);
        if (found->second.empty()) {
            state_->held.erase(found);
            return;
        }
        next = std::move(found->second.front());  // the key stays held: it is the next one's now
        found->second.pop_front();
    }
    next();
}

std::optional<KeyLocks::Guard> KeyLocks::try_lock(const std::string& key)
{
    const std::lock_guard lock(state_->mutex);
    if (!state_->held.try_emplace(key).second) return std::nullopt;
    return std::optional<Guard>(std::in_place, state_, key);
}

http::Async<KeyLocks::Guard> KeyLocks::lock(std::string key)
{
    std::function<void(std::function<void()>)> start = [state = state_, key](std::function<void()> resume) {
        {
            const std::lock_guard lock(state->mutex);
            const auto [place, is_new] = state->held.try_emplace(key);
            if (!is_new) {
                place->second.push_back(std::move(resume));
                return;
            }
        }
        resume();
    };
    co_await http::suspend(std::move(start));
    co_return Guard(state_, std::move(key));
}

}  // namespace boxship::registry
