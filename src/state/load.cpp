// Reading the journal into the tables, compiled here for every kind of row.
#include <array>

#include "base/check.h"
#include "state/operations.h"
#include "state/store.h"
#include "state/tables.h"

namespace boxship::state {
namespace {

using Loader = HostResult<> (*)(Tables&, bool erased, std::string_view key, std::string_view row);

template <class Row>
HostResult<> load_row(Tables& tables, bool erased, std::string_view key_bytes, std::string_view row_bytes)
{
    const auto key = decode<typename Row::Key>(key_bytes);
    if (!key) return HostError{"a key of table " + std::to_string(Row::table) + " cannot be read"};
    std::shared_ptr<const Row> next;
    if (!erased) {
        auto row = decode<Row>(row_bytes);
        if (!row) return HostError{"a row of table " + std::to_string(Row::table) + " cannot be read"};
        next = std::make_shared<const Row>(std::move(*row));
    }
    if constexpr (can_be_many<Row>)
        tables.of<Row>().set_later(*key, std::move(next));
    else
        tables.set<Row>(*key, std::move(next));
    return {};
}

template <class>
struct Loaders;
template <class... Row>
struct Loaders<Rows<Row...>> {
    static std::array<Loader, 256> make()
    {
        std::array<Loader, 256> loaders{};
        ((CHECK(!loaders[Row::table]), loaders[Row::table] = &load_row<Row>), ...);
        return loaders;
    }
};

}  // namespace

HostResult<> Store::apply(std::uint8_t table, bool erased, std::string_view key, std::string_view row)
{
    static const auto loaders = Loaders<AllRows>::make();
    if (!loaders[table])
        return HostError{"the journal holds a kind of record (" + std::to_string(table) +
                         ") that this version does not know; start the newer boxship that wrote it"};
    return loaders[table](*tables_, erased, key, row);
}

HostResult<> Store::load()
{
    RETURN_IF_ERROR(journal_->load(
        [this](std::uint8_t table, std::string_view key, std::string_view row) {
            checkpoint_bytes_ += key.size() + row.size();
            return apply(table, false, key, row);
        },
        [this](std::string_view group) {
            return visit_operations(group, [this](std::uint8_t table, bool erased, std::string_view key, std::string_view row) {
                return apply(table, erased, key, row);
            });
        }));
    tables_->finish_loading();
    return {};
}

}  // namespace boxship::state
