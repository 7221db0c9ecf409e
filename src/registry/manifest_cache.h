// The last manifests read, by digest. Bytes under a digest never change, so this can be wrong about nothing: whether a
// manifest exists is asked of the state every time.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace boxship::registry {

class ManifestCache {
public:
    using Bytes = std::shared_ptr<const std::string>;
    explicit ManifestCache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    Bytes find(const std::string& digest)
    {
        const std::lock_guard lock(mutex_);
        const auto found = by_digest_.find(digest);
        if (found == by_digest_.end()) return nullptr;
        recent_.splice(recent_.begin(), recent_, found->second);
        return found->second->second;
    }
    void add(const std::string& digest, Bytes bytes)
    {
        const std::lock_guard lock(mutex_);
        if (bytes->size() > bytes_max_ || by_digest_.contains(digest)) return;
        bytes_ += bytes->size();
        recent_.emplace_front(digest, std::move(bytes));
        by_digest_[digest] = recent_.begin();
        while (bytes_ > bytes_max_) {
            bytes_ -= recent_.back().second->size();
            by_digest_.erase(recent_.back().first);
            recent_.pop_back();
        }
    }

private:
    const std::size_t bytes_max_;
    std::mutex mutex_;
    std::size_t bytes_ = 0;
    std::list<std::pair<std::string, Bytes>> recent_;  // newest first
    std::map<std::string, std::list<std::pair<std::string, Bytes>>::iterator> by_digest_;
};

}  // namespace boxship::registry
