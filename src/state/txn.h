// One change of the state: all of it happens, or nothing. Writes are visible at once to this and later transactions,
// and to the outside world only when their group is in the journal (store.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "state/change.h"
#include "state/view.h"

namespace boxship::state {

// What a group of transactions did so far: for the journal, for undoing, for the watchers.
struct Group {
    std::string operations;                               // encoded, see journal.h
    int count = 0;
    Changes changes;
    std::vector<void (*)(Tables&, const Change&)> undo;   // how each of them is taken back

    void take_back_last(Tables& tables);                  // the last change
};

class Txn : public View {
public:
    Txn(Tables& tables, Group& group) : View(tables), writable_(&tables), group_(&group) {}

    // Compiled once for every kind of row, in txn_rows.cpp.
    // `remark` goes to the watchers alone: it is not kept (change.h).
    template <class Row>
    std::shared_ptr<const Row> put(Row row, std::string remark = {});
    template <class Row>
    void erase(const typename Row::Key& key);

    bool wrote() const { return writes_ > 0; }
    // Takes back everything that this transaction did. Called when its function answered with an error.
    void roll_back();

private:
    template <class Row>
    void change(const typename Row::Key& key, std::shared_ptr<const Row> next, std::string remark);
    std::string& begin_operation();  // where to append it

    Tables* writable_;
    Group* group_;
    int writes_ = 0;
    std::vector<std::size_t> operation_starts_;
};

}  // namespace boxship::state
