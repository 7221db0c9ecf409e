// What a committed group changed, as watchers see it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace boxship::state {

struct Change {
    std::uint8_t table = 0;
    std::shared_ptr<const void> before;  // nullptr: the row is new
    std::shared_ptr<const void> after;   // nullptr: the row is gone
    std::string remark;                  // for the history: what the rows do not keep (who asked, why there); may be lost in a crash

    template <class Row>
    bool is() const { return table == Row::table; }
    template <class Row>
    const Row* before_as() const { return is<Row>() ? static_cast<const Row*>(before.get()) : nullptr; }
    template <class Row>
    const Row* after_as() const { return is<Row>() ? static_cast<const Row*>(after.get()) : nullptr; }
};

using Changes = std::vector<Change>;

}  // namespace boxship::state
