#include "agent/board.h"

namespace boxship::agent {

void Board::publish(std::shared_ptr<const TaskView> view)
{
    const TaskRecord& record = view->record;
    const std::string id = record.spec->id;
    std::unique_lock lock(mutex_);
    for (std::size_t at = 0; at < record.containers.size(); ++at) endpoints_[record.containers[at].endpoint_id] = {id, at};
    if (const auto& eni = record.spec->eni) {
        // The address may have gone to another task by the time that this one is forgotten.
        if (!record.stopped)
            addresses_[{eni->router, eni->ipv4}] = id;
        else if (const auto at = addresses_.find({eni->router, eni->ipv4}); at != addresses_.end() && at->second == id)
            addresses_.erase(at);
    }
    tasks_[id] = view;
    lock.unlock();
    for (const auto& watcher : watchers_) watcher(*view);
}

void Board::remove(const std::string& task)
{
    const std::lock_guard lock(mutex_);
    const auto at = tasks_.find(task);
    if (at == tasks_.end()) return;
    const TaskRecord& record = at->second->record;
    for (const ContainerRecord& container : record.containers) endpoints_.erase(container.endpoint_id);
    if (const auto& eni = record.spec->eni) {
        if (const auto address = addresses_.find({eni->router, eni->ipv4}); address != addresses_.end() && address->second == task) addresses_.erase(address);
    }
    tasks_.erase(at);
}

Board::View Board::find(const std::string& task) const
{
    const std::lock_guard lock(mutex_);
    const auto at = tasks_.find(task);
    return at == tasks_.end() ? nullptr : at->second;
}

std::pair<Board::View, std::size_t> Board::find_endpoint(const std::string& endpoint_id) const
{
    const std::lock_guard lock(mutex_);
    const auto at = endpoints_.find(endpoint_id);
    if (at == endpoints_.end()) return {nullptr, 0};
    return {tasks_.at(at->second.first), at->second.second};
}

Board::View Board::find_address(const std::string& router, const std::string& ipv4) const
{
    const std::lock_guard lock(mutex_);
    const auto at = addresses_.find({router, ipv4});
    return at == addresses_.end() ? nullptr : tasks_.at(at->second);
}

std::vector<Board::View> Board::all() const
{
    const std::lock_guard lock(mutex_);
    std::vector<View> views;
    views.reserve(tasks_.size());
    for (const auto& [id, view] : tasks_) views.push_back(view);
    return views;
}

}  // namespace boxship::agent
