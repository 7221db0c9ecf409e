// Which hosts changed lately: their own row, or a task of theirs. Whoever keeps hosts in an order looks again at those alone,
// instead of at all. Undoing a change is a change.
#pragma once

#include <cstdint>
#include <vector>

#include "model/ecs.h"

namespace boxship::state {

class HostLog {
public:
    void change(const model::Task* before, const model::Task* after)
    {
        if (before && before->instance) add({before->instance, false});
        if (after && after->instance && (!before || before->instance != after->instance)) add({after->instance, false});
    }
    void change(const model::Instance* before, const model::Instance* after) { add({before ? before->id : after->id, true}); }
    template <class Row>
    void change(const Row*, const Row*) {}

    struct Entry {
        InstanceId host;
        bool row;  // its own row changed; else its tasks did
    };
    std::uint64_t end() const { return first_ + hosts_.size(); }
    // The changes from a mark (an earlier end) on; false when that is forgotten.
    template <class Visit>
    bool since(std::uint64_t mark, Visit visit) const
    {
        if (mark < first_) return false;
        for (auto at = static_cast<std::size_t>(mark - first_); at < hosts_.size(); ++at) visit(hosts_[at]);
        return true;
    }

private:
    static constexpr std::size_t kept_max = 1 << 15;

    void add(const Entry& entry)
    {
        if (hosts_.size() >= kept_max) {
            hosts_.erase(hosts_.begin(), hosts_.begin() + kept_max / 2);
            first_ += kept_max / 2;
        }
        hosts_.push_back(entry);
    }

    std::uint64_t first_ = 0;  // what was counted before hosts_[0]
    std::vector<Entry> hosts_;
};

}  // namespace boxship::state
