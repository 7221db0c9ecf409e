// A consistent picture of everything, to read. Valid on the state's thread, until the function that was given it ends;
// the rows themselves (shared pointers to const) may be kept and handed to other threads.
#pragma once

#include <memory>
#include <vector>

#include "state/derived.h"
#include "state/host_log.h"
#include "state/memo.h"
#include "state/table.h"

namespace boxship::state {

struct Tables;  // tables.h

// Compiled once for every kind of row, in view.cpp.
template <class Row>
const Table<Row>& table_of(const Tables& tables);

class View {
public:
    explicit View(const Tables& tables) : tables_(&tables) {}

    // The row, or nullptr. Compiled once for every kind of row, in view.cpp.
    template <class Row>
    std::shared_ptr<const Row> get(const typename Row::Key& key) const;

    // All rows in key order: for (const auto& [key, row] : view.rows<Cluster>()) …
    template <class Row>
    const typename Table<Row>::Map& rows() const { return table_of<Row>(*tables_).rows(); }

    // The rows that an index has under a value, in key order: view.all<TasksByCluster>(cluster_id).
    template <class Index>
    std::vector<std::shared_ptr<const typename Index::Row>> all(const typename Index::Value& value) const
    {
        std::vector<std::shared_ptr<const typename Index::Row>> rows;
        each_entry<Index>(value, [&](const auto& key) {
            rows.push_back(get<typename Index::Row>(key));
            return true;
        });
        return rows;
    }
    // The first of them, or nullptr; for indexes that are unique this is the row.
    template <class Index>
    std::shared_ptr<const typename Index::Row> first(const typename Index::Value& value) const
    {
        std::shared_ptr<const typename Index::Row> row;
        each_entry<Index>(value, [&](const auto& key) {
            row = get<typename Index::Row>(key);
            return false;
        });
        return row;
    }
    template <class Index>
    bool any(const typename Index::Value& value) const
    {
        bool found = false;
        each_entry<Index>(value, [&](const auto&) { found = true; return false; });
        return found;
    }
    template <class Index>
    std::size_t count(const typename Index::Value& value) const
    {
        if constexpr (counted<Index>) return table_of<typename Index::Row>(*tables_).template count<Index>(value);
        std::size_t n = 0;
        each_entry<Index>(value, [&](const auto&) { ++n; return true; });
        return n;
    }
    // The rows of an account and region, for kinds of row that are counted (counted_rows).
    template <class Row>
    std::size_t count_in(const model::Scope& scope) const
    {
        static_assert(counted_rows<Row>);
        return rows_of(Row::table, scope);
    }
    // One key after the other, while `visit` says true.
    template <class Index, class Visit>
    void visit(const typename Index::Value& value, Visit visit) const { each_entry<Index>(value, std::move(visit)); }
    // The index itself, in order of (value, key): for ranges of values.
    template <class Index>
    const auto& entries() const { return table_of<typename Index::Row>(*tables_).template entries<Index>(); }

    const InstanceLoad& load(const InstanceId& id) const;
    const ClusterCounts& counts(const ClusterId& id) const;
    const RevisionCounts& counts(const RevisionKey& id) const;
    // The wanted tasks of a revision by how they stand.
    const Stands& stands(const RevisionKey& id) const;
    // The revisions of a service that have live tasks, with their counts.
    std::vector<std::pair<std::int64_t, RevisionCounts>> revisions_in_use(const ServiceId& id) const;
    const HostLog& hosts() const;
    template <class Kept>
    Kept& memo() const { return memo_of().template of<Kept>(); }

protected:
    template <class Index, class Visit>
    void each_entry(const typename Index::Value& value, Visit visit) const
    {
        const auto& entries = table_of<typename Index::Row>(*tables_).template entries<Index>();
        using Key = typename Index::Row::Key;
        for (auto at = entries.lower_bound({value, Key{}}); at != entries.end() && at->first == value; ++at)
            if (!visit(at->second)) return;
    }

    Memo& memo_of() const;
    std::size_t rows_of(std::uint8_t table, const model::Scope& scope) const;

    const Tables* tables_;
};

}  // namespace boxship::state
