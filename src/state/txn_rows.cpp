// Writing a row, compiled here for every kind: it pulls in the row's encoding and all of its indexes, which the many
// files that write rows need not see.
#include <tuple>

#include "state/tables.h"
#include "state/txn.h"

namespace boxship::state {

template <class Row>
void Txn::put(Row row, std::string remark)
{
    const auto key = row.key();
    auto next = std::make_shared<const Row>(std::move(row));
    record(Row::table, false);
    FieldWriter::append_block(group_->operations, key);
    FieldWriter::append_block(group_->operations, *next);
    change<Row>(key, std::move(next), std::move(remark));
}

template <class Row>
void Txn::erase(const typename Row::Key& key)
{
    if (!get<Row>(key)) return;
    record(Row::table, true);
    FieldWriter::append_block(group_->operations, key);
    change<Row>(key, nullptr, {});
}

template <class Row>
void Txn::change(const typename Row::Key& key, std::shared_ptr<const Row> next, std::string remark)
{
    auto before = writable_->set<Row>(key, next);
    group_->undo.push_back([key, before](Tables& tables) { tables.set<Row>(key, before); });
    group_->changes.push_back({Row::table, std::move(before), std::move(next), std::move(remark)});
    ++writes_;
}

namespace {

// Naming a member makes the compiler emit it: one line for all kinds of row.
template <class... Row>
constexpr auto members(Rows<Row...>)
{
    return std::tuple(std::pair(&Txn::put<Row>, &Txn::erase<Row>)...);
}

}  // namespace

[[gnu::used]] const auto row_writers = members(AllRows{});

}  // namespace boxship::state
