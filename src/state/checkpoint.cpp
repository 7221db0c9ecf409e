#include "state/checkpoint.h"

#include <optional>

#include "state/operations.h"
#include "state/tables.h"

namespace boxship::state {

Checkpoint::Checkpoint(const Tables& tables, std::size_t slice_bytes) : slice_bytes_(slice_bytes)
{
    tables.all.each([this]<class Row>(const Table<Row>& table) {
        walks_.push_back([this, &table, last = std::optional<typename Row::Key>()](std::string& out) mutable {
            const auto& rows = table.rows();
            auto at = last ? rows.upper_bound(*last) : rows.begin();
            for (; at != rows.end() && out.size() < slice_bytes_; ++at) {
                append_put(out, at->first, *at->second);
                last = at->first;
            }
            return at != rows.end();
        });
    });
}

std::string Checkpoint::next_slice()
{
    std::string out;
    while (at_ < walks_.size() && out.size() < slice_bytes_)
        if (!walks_[at_](out)) ++at_;
    return out;
}

}  // namespace boxship::state
