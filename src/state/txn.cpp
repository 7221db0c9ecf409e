#include "state/txn.h"

#include "base/check.h"

namespace boxship::state {

// The head of an operation; key and row follow (journal.h).
std::string& Txn::begin_operation()
{
    operation_starts_.push_back(group_->operations.size());
    ++group_->count;
    return group_->operations;
}

void Group::take_back_last(Tables& tables)
{
    undo.back()(tables, changes.back());
    undo.pop_back();
    changes.pop_back();
}

void Txn::roll_back()
{
    CHECK(static_cast<std::size_t>(writes_) <= group_->changes.size());
    for (; writes_ > 0; --writes_) {
        group_->take_back_last(*writable_);
        --group_->count;
    }
    if (!operation_starts_.empty()) group_->operations.resize(operation_starts_.front());
    operation_starts_.clear();
}

}  // namespace boxship::state
