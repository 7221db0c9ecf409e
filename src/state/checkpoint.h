// All rows as a run of operations, a slice at a time, while the tables go on changing: a row that was changed behind the cursor is
// in the journal's tail too.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace boxship::state {

struct Tables;

class Checkpoint {
public:
    Checkpoint(const Tables& tables, std::size_t slice_bytes);
    // The next run of rows; empty at the end.
    std::string next_slice();
    std::uint64_t bytes = 0;  // of the slices so far
    bool finishing = false;      // all of it is with the journal, which has not answered yet

private:
    const std::size_t slice_bytes_;
    std::vector<std::function<bool(std::string&)>> walks_;  // one per table: appends to the slice; whether rows are left
    std::size_t at_ = 0;
};

}  // namespace boxship::state
