// One kind of row: an ordered map of published, immutable rows, and its indexes. Single-threaded (the state's thread).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "state/indexes.h"
#include "state/sorted.h"

namespace boxship::state {

template <class Row>
class Table {
public:
    using Key = typename Row::Key;
    using Pointer = std::shared_ptr<const Row>;
    using Map = std::map<Key, Pointer>;

    const Map& rows() const { return rows_; }

    Pointer get(const Key& key) const
    {
        const auto found = rows_.find(key);
        return found == rows_.end() ? nullptr : found->second;
    }

    template <class Index>
    using Entries = SortedSet<std::pair<typename Index::Value, Key>>;
    template <class Index>
    const Entries<Index>& entries() const { return std::get<IndexSet<Index>>(indexes_).entries; }

    // Replaces (or with nullptr removes) a row; returns what stood there. The indexes follow.
    Pointer set(const Key& key, Pointer next)
    {
        Pointer before;
        if (next) {
            Pointer& place = rows_[key];
            before = std::exchange(place, next);
        } else if (const auto found = rows_.find(key); found != rows_.end()) {
            before = std::move(found->second);
            rows_.erase(found);
        }
        std::apply([&](auto&... index) { (index.change(key, before.get(), next.get()), ...); }, indexes_);
        return before;
    }

private:
    template <class Index>
    struct IndexSet {
        Entries<Index> entries;
        void change(const Key& key, const Row* before, const Row* after)
        {
            if (before && after && sole_value(*before) && sole_value(*before) == sole_value(*after)) return;
            if (before) Index::values(*before, [&](typename Index::Value value) { entries.erase({std::move(value), key}); });
            if (after) Index::values(*after, [&](typename Index::Value value) { entries.insert({std::move(value), key}); });
        }
        // Most changes leave most indexes as they were.
        static std::optional<typename Index::Value> sole_value(const Row& row)
        {
            std::optional<typename Index::Value> sole;
            int count = 0;
            Index::values(row, [&](typename Index::Value value) {
                if (++count == 1) sole = std::move(value);
            });
            if (count != 1) sole.reset();
            return sole;
        }
    };
    template <class Tuple>
    struct Sets;
    template <class... Index>
    struct Sets<std::tuple<Index...>> { using Type = std::tuple<IndexSet<Index>...>; };

    Map rows_;
    typename Sets<typename IndexesOf<Row>::Type>::Type indexes_;
};

}  // namespace boxship::state
