// One kind of row: an ordered map of published, immutable rows, and its indexes. Single-threaded (the state's thread).
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/sorted_set.h"
#include "state/indexes.h"

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
    using Entry = std::pair<typename Index::Value, Key>;
    // Of rows that can be many, in runs: smaller and quicker. Of the others, in trees, which cost a compiler a fraction.
    template <class Index>
    using Entries = std::conditional_t<can_be_many<Row>, SortedSet<Entry<Index>>, std::set<Entry<Index>>>;
    template <class Index>
    const Entries<Index>& entries() const { return static_cast<const IndexSet<Index>&>(indexes_).entries; }

    // How many rows have the value; of indexes that are counted.
    template <class Index>
    std::size_t count(const typename Index::Value& value) const
    {
        const auto& counts = static_cast<const IndexSet<Index>&>(indexes_).counts;
        const auto found = counts.find(value);
        return found == counts.end() ? 0 : found->second;
    }

    // Replaces (or with nullptr removes) a row; returns what stood there. The indexes follow.
    Pointer set(const Key& key, Pointer next)
    {
        Pointer before;
        if (next) {
            before = std::exchange(rows_.try_emplace(rows_.end(), key)->second, next);  // what is new often comes last
        } else if (const auto found = rows_.find(key); found != rows_.end()) {
            before = std::move(found->second);
            rows_.erase(found);
        }
        indexes_.change(key, before.get(), next.get());
        return before;
    }

    // For loading, which replaces hundreds of thousands of rows in no order: notes what `set` would do, and later does all of it at
    // once, by sorting. Reads see nothing of it until then. `change(row)` is called for each row there is.
    void set_later(const Key& key, Pointer next) { later_.emplace_back(key, std::move(next)); }
    template <class Change>
    void finish_loading(Change change)
    {
        std::stable_sort(later_.begin(), later_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (auto at = later_.begin(); at != later_.end(); ++at) {
            const auto next = std::next(at);
            if ((next != later_.end() && !(at->first < next->first)) || !at->second) continue;  // replaced, or erased
            rows_.emplace_hint(rows_.end(), at->first, std::move(at->second));
        }
        later_ = {};
        indexes_.build(rows_);
        for (const auto& [key, row] : rows_) change(*row);
    }

private:
    struct NoCounts {};
    template <class Index>
    struct IndexSet {
        Entries<Index> entries;
        [[no_unique_address]] std::conditional_t<counted<Index>, std::map<typename Index::Value, std::size_t>, NoCounts> counts;
        void change(const Key& key, const Row* before, const Row* after)
        {
            if (before && after && sole_value(*before) && sole_value(*before) == sole_value(*after)) return;
            if (before) Index::values(*before, [&](typename Index::Value value) {
                uncount(value);
                entries.erase({std::move(value), key});
            });
            if (after) Index::values(*after, [&](typename Index::Value value) {
                if constexpr (counted<Index>) ++counts[value];
                entries.insert({std::move(value), key});
            });
        }
        void uncount([[maybe_unused]] const typename Index::Value& value)
        {
            if constexpr (counted<Index>)
                if (const auto found = counts.find(value); --found->second == 0) counts.erase(found);
        }
        void build(const Map& rows)
        {
            std::vector<Entry<Index>> all;
            for (const auto& entry : rows)
                Index::values(*entry.second, [&](typename Index::Value value) { all.emplace_back(std::move(value), entry.first); });
            std::sort(all.begin(), all.end());
            all.erase(std::unique(all.begin(), all.end()), all.end());
            if constexpr (counted<Index>)
                for (const auto& entry : all) ++counts[entry.first];
            entries = Entries<Index>(std::move(all));
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
    template <class Indexes>
    struct Sets;
    template <class... Index>
    struct Sets<std::tuple<Index...>> : IndexSet<Index>... {
        void change([[maybe_unused]] const Key& key, [[maybe_unused]] const Row* before, [[maybe_unused]] const Row* after)
        {
            (IndexSet<Index>::change(key, before, after), ...);
        }
        void build([[maybe_unused]] const Map& rows) { (IndexSet<Index>::build(rows), ...); }
    };

    Map rows_;
    std::vector<std::pair<Key, Pointer>> later_;
    Sets<typename IndexesOf<Row>::Type> indexes_;
};

}  // namespace boxship::state
