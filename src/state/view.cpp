#include "state/view.h"

#include "state/emit.h"
#include "state/tables.h"

namespace boxship::state {

template <class Row>
const Table<Row>& table_of(const Tables& tables)
{
    return tables.all;
}

template <class Row>
std::shared_ptr<const Row> View::get(const typename Row::Key& key) const
{
    return tables_->of<Row>().get(key);
}

const InstanceLoad& View::load(const InstanceId& id) const { return tables_->derived.load(id); }
const ClusterCounts& View::counts(const ClusterId& id) const { return tables_->derived.counts(id); }
const RevisionCounts& View::counts(const RevisionKey& id) const { return tables_->derived.counts(id); }
const Stands& View::stands(const RevisionKey& id) const { return tables_->derived.stands(id); }
std::vector<std::pair<std::int64_t, RevisionCounts>> View::revisions_in_use(const ServiceId& id) const { return tables_->derived.revisions_in_use(id); }
const HostLog& View::hosts() const { return tables_->hosts; }
std::size_t View::rows_of(std::uint8_t table, const model::Scope& scope) const { return tables_->derived.rows_of(table, scope); }
Memo& View::memo_of() const { return tables_->memo; }

namespace {

template <class Row>
struct Readers {
    const Table<Row>& (*table)(const Tables&) = &table_of<Row>;
    std::shared_ptr<const Row> (View::*get)(const typename Row::Key&) const = &View::get<Row>;
};

}  // namespace

[[gnu::used]] const void* const* const row_readers = emit<Readers>(AllRows{});

}  // namespace boxship::state
