#include "state/view.h"

#include <tuple>

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
std::vector<std::pair<std::int64_t, RevisionCounts>> View::revisions_in_use(const ServiceId& id) const { return tables_->derived.revisions_in_use(id); }
const HostLog& View::hosts() const { return tables_->hosts; }
Memo& View::memo_of() const { return tables_->memo; }

namespace {

// Naming a member makes the compiler emit it: one line for all kinds of row.
template <class... Row>
constexpr auto readers(Rows<Row...>)
{
    return std::tuple(std::pair(&table_of<Row>, &View::get<Row>)...);
}

}  // namespace

[[gnu::used]] const auto row_readers = readers(AllRows{});

}  // namespace boxship::state
