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
    FieldWriter writer(operations);
    writer.block(key);
    writer.block(row);
}

template <class Row>
void append_erase(std::string& operations, const typename Row::Key& key)
{
    operations += {static_cast<char>(Row::table), '\1'};
    FieldWriter(operations).block(key);
}

template <class Row>
std::shared_ptr<const Row> Txn::put(Row row, std::string remark)
{
    const auto key = row.key();
    auto next = std::make_shared<const Row>(std::move(row));
    append_put(begin_operation(), key, *next);
    change<Row>(key, next, std::move(remark));
    return next;
}

template <class Row>
void Txn::erase(const typename Row::Key& key)
{
    if (!get<Row>(key)) return;
    append_erase<Row>(begin_operation(), key);
    change<Row>(key, nullptr, {});
}

template <class Row>
void take_back(Tables& tables, const Change& change)
{
    auto before = std::static_pointer_cast<const Row>(change.before);
    const auto key = (before ? before.get() : change.after_as<Row>())->key();
    tables.set<Row>(key, std::move(before));
}

template <class Row>
void Txn::change(const typename Row::Key& key, std::shared_ptr<const Row> next, std::string remark)
{
    auto before = writable_->set<Row>(key, next);
    group_->undo.push_back(&take_back<Row>);
    group_->changes.push_back({Row::table, std::move(before), std::move(next), std::move(remark)});
    ++writes_;
}

namespace {

template <class Row>
struct Writers {
    std::shared_ptr<const Row> (Txn::*put)(Row, std::string) = &Txn::put<Row>;
    void (Txn::*erase)(const typename Row::Key&) = &Txn::erase<Row>;
    void (*append)(std::string&, const typename Row::Key&, const Row&) = &append_put<Row>;
    std::shared_ptr<const Row> (Tables::*set)(const typename Row::Key&, std::shared_ptr<const Row>) = &Tables::set<Row>;
};

}  // namespace

[[gnu::used]] const void* const* const row_writers = emit<Writers>(AllRows{});

}  // namespace boxship::state
