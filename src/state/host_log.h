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
        if (before && before->instance) add(before->instance);
        if (after && after->instance) add(after->instance);
    }
    void change(const model::Instance* before, const model::Instance* after) { add(before ? before->id : after->id); }
    template <class Row>
    void change(const Row*, const Row*) {}

    std::uint64_t end() const { return first_ + hosts_.size(); }
    // The hosts from a mark (an earlier end) on, some of them more than once; false when that is forgotten.
    template <class Visit>
    bool since(std::uint64_t mark, Visit visit) const
    {
        if (mark < first_) return false;
        for (auto at = static_cast<std::size_t>(mark - first_); at < hosts_.size(); ++at) visit(hosts_[at]);
        return true;
    }

private:
    static constexpr std::size_t kept_max = 1 << 15;

    void add(const InstanceId& id)
    {
        if (hosts_.size() >= kept_max) {
            hosts_.erase(hosts_.begin(), hosts_.begin() + kept_max / 2);
            first_ += kept_max / 2;
        }
        hosts_.push_back(id);
    }

    std::uint64_t first_ = 0;  // what was counted before hosts_[0]
    std::vector<InstanceId> hosts_;
};

}  // namespace boxship::state
