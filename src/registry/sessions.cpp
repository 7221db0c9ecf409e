#include "registry/sessions.h"

namespace boxship::registry {

std::shared_ptr<Session> Sessions::get(const UploadId& id, Time now)
{
    const std::lock_guard lock(mutex_);
    auto& session = sessions_[id];
    if (!session) session = std::make_shared<Session>(id, workers_);
    session->used_at = now.ms;
    return session;
}

bool Sessions::has(const UploadId& id) const
{
    const std::lock_guard lock(mutex_);
    return sessions_.contains(id);
}

void Sessions::drop(const UploadId& id)
{
    const std::lock_guard lock(mutex_);
    sessions_.erase(id);
}

std::vector<UploadId> Sessions::silent_since(Time limit) const
{
    const std::lock_guard lock(mutex_);
    std::vector<UploadId> silent;
    for (const auto& [id, session] : sessions_)
        if (session->used_at <= limit.ms) silent.push_back(id);
    return silent;
}

std::size_t Sessions::size() const
{
    const std::lock_guard lock(mutex_);
    return sessions_.size();
}

}  // namespace boxship::registry
