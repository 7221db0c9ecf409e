// Writing a row, compiled here for every kind: it pulls in the row's encoding and all of its indexes, which the many
// files that write rows need not see.
#include "state/emit.h"
#include "state/operations.h"
#include "state/tables.h"
#include "state/txn.h"

namespace boxship::state {

template <class Row>
std::shared_ptr<const Row> Tables::set(const typename Row::Key& key, std::shared_ptr<const Row> next)
{
    auto before = of<Row>().set(key, next);
    derived.change(before.get(), next.get());
    if (before || next) hosts.change(before.get(), next.get());
    return before;
}

template <class Row>
void append_put(std::string& operations, const typename Row::Key& key, const Row& row)
{
    operations += {static_cast<char>(Row::table), '\0'};
    FieldWriter::append_block(operations, key);
    FieldWriter::append_block(operations, row);
}

template <class Row>
void append_erase(std::string& operations, const typename Row::Key& key)
{
    operations += {static_cast<char>(Row::table), '\1'};
    FieldWriter::append_block(operations, key);
}

template <class Row>
void Txn::put(Row row, std::string remark)
{
    const auto key = row.key();
    auto next = std::make_shared<const Row>(std::move(row));
    append_put(begin_operation(), key, *next);
    change<Row>(key, std::move(next), std::move(remark));
}

template <class Row>
void Txn::erase(const typename Row::Key& key)
{
    if (!get<Row>(key)) return;
    append_erase<Row>(begin_operation(), key);
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

template <class Row>
struct Writers {
    void (Txn::*put)(Row, std::string) = &Txn::put<Row>;
    void (Txn::*erase)(const typename Row::Key&) = &Txn::erase<Row>;
    void (*append)(std::string&, const typename Row::Key&, const Row&) = &append_put<Row>;
    std::shared_ptr<const Row> (Tables::*set)(const typename Row::Key&, std::shared_ptr<const Row>) = &Tables::set<Row>;
};

}  // namespace

[[gnu::used]] const void* const* const row_writers = emit<Writers>(AllRows{});

}  // namespace boxship::state
