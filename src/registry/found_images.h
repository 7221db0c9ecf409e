// Which image a reference names, remembered until anything of the registry changes: a pull by tag, asked for over and over,
// then needs no turn of the state's thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "ecr/images.h"
#include "state/store.h"

namespace boxship::registry {

// Counts the durable groups that changed repositories, images or tags. It moves before whoever made a change is answered, so
// what was seen under a count that still stands is what anybody may be told.
class Generation {
public:
    explicit Generation(state::Store& store)    // before Store::load(), as watchers have to be
    {
        store.watch([count = count_](const state::Changes& changes) {
            for (const state::Change& change : changes) {
                if (!change.is<model::Repository>() && !change.is<model::Image>() && !change.is<model::ImageTag>()) continue;
                count->fetch_add(1, std::memory_order_release);
                return;
            }
        });
    }
    std::uint64_t count() const { return count_->load(std::memory_order_acquire); }

private:
    std::shared_ptr<std::atomic<std::uint64_t>> count_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

class FoundImages {
public:
    ecr::ImageRow find(const std::string& key, std::uint64_t generation)
    {
        const std::lock_guard lock(mutex_);
        if (generation_ != generation) return nullptr;
        const auto found = by_key_.find(key);
        return found == by_key_.end() ? nullptr : found->second;
    }
    // `generation`: from before the state was asked.
    void add(std::string key, ecr::ImageRow image, std::uint64_t generation)
    {
        constexpr std::size_t images_max = 4096;
        const std::lock_guard lock(mutex_);
        if (generation < generation_) return;
        if (generation > generation_ || by_key_.size() >= images_max) by_key_.clear();
        generation_ = generation;
        by_key_.insert_or_assign(std::move(key), std::move(image));
    }

private:
    std::mutex mutex_;
    std::uint64_t generation_ = 0;      // of all that is here
    std::unordered_map<std::string, ecr::ImageRow> by_key_;
};

}  // namespace boxship::registry
