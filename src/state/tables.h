// All the tables, and what follows their rows. Only the state itself includes this: everybody else reads through a View,
// whose header costs a compiler a tenth.
#pragma once

#include <memory>

#include "state/derived.h"
#include "state/host_log.h"
#include "state/memo.h"
#include "state/rows.h"
#include "state/table.h"

namespace boxship::state {

template <class Rows>
struct TablePerRow;
template <class... Row>
struct TablePerRow<Rows<Row...>> : Table<Row>... {
    // Calls `visit` with each table, in the order of their numbers.
    template <class Visit>
    void each(Visit visit) { (visit(static_cast<Table<Row>&>(*this)), ...); }
    template <class Visit>
    void each(Visit visit) const { (visit(static_cast<const Table<Row>&>(*this)), ...); }
};

struct Tables {
    Tables();
    ~Tables();

    TablePerRow<AllRows> all;
    Derived derived;
    HostLog hosts;
    mutable Memo memo;

    // What was set later (Table::set_later), all of it.
    void finish_loading();

    template <class Row>
    Table<Row>& of() { return all; }
    template <class Row>
    const Table<Row>& of() const { return all; }

    // Replaces (or with nullptr removes) a row; returns what stood there. Compiled once for every kind of row, in txn_rows.cpp.
    template <class Row>
    std::shared_ptr<const Row> set(const typename Row::Key& key, std::shared_ptr<const Row> next);
};

}  // namespace boxship::state
