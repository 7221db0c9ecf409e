#include "base/text.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace boxship {

// All texts in use, by their hash. In parts with a lock each, because rows are read from the wire and freed on many threads.
class TextPool {
public:
    using Shared = Text::Shared;

    static TextPool& of(std::size_t hash)
    {
        static auto* const pools = new std::array<TextPool, pools_count>();  // never destroyed: static rows may outlive it
        return (*pools)[hash % pools_count];
    }

    Shared* share(std::string_view text, std::size_t hash)
    {
        const std::lock_guard guard(mutex_);
        if (!buckets_.empty())
            for (Shared* entry = bucket(hash); entry; entry = entry->next)
                if (entry->hash == hash && entry->size == text.size() && std::memcmp(Text::bytes_of(entry), text.data(), text.size()) == 0) {
                    entry->holders.fetch_add(1, std::memory_order_relaxed);
                    return entry;
                }
        if (entries_ >= buckets_.size()) grow();
        void* memory = std::malloc(sizeof(Shared) + text.size());
        if (!memory) throw std::bad_alloc();
        auto* entry = new (memory) Shared{{1}, static_cast<std::uint32_t>(text.size()), hash, bucket(hash)};
        std::memcpy(static_cast<void*>(entry + 1), text.data(), text.size());
        bucket(hash) = entry;
        ++entries_;
        return entry;
    }

    // The last holder goes under the lock, so that nobody finds an entry that is being freed.
    void release_last(Shared* shared)
    {
        const std::lock_guard guard(mutex_);
        if (shared->holders.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        Shared** at = &bucket(shared->hash);
        while (*at != shared) at = &(*at)->next;
        *at = shared->next;
        --entries_;
        std::free(shared);
    }

private:
    static constexpr std::size_t pools_count = 16;

    Shared*& bucket(std::size_t hash) { return buckets_[hash / pools_count & (buckets_.size() - 1)]; }
    void grow()
    {
        std::vector<Shared*> old(buckets_.empty() ? 16 : buckets_.size() * 2);
        std::swap(old, buckets_);
        for (Shared* entry : old)
            while (entry) {
                Shared* const next = std::exchange(entry->next, bucket(entry->hash));
                bucket(entry->hash) = entry;
                entry = next;
            }
    }

    std::mutex mutex_;
    std::vector<Shared*> buckets_;  // a power of two of them, or none
    std::size_t entries_ = 0;
};

Text::Shared* Text::share(std::string_view text)
{
    if (text.empty()) return nullptr;
    const std::size_t hash = std::hash<std::string_view>()(text);
    return TextPool::of(hash).share(text, hash);
}

void Text::release(Shared* shared)
{
    auto holders = shared->holders.load(std::memory_order_relaxed);
    while (holders > 1)
        if (shared->holders.compare_exchange_weak(holders, holders - 1, std::memory_order_acq_rel)) return;
    TextPool::of(shared->hash).release_last(shared);
}

}  // namespace boxship
