// A consistent picture of everything, to read. Valid on the state's thread, until the function that was given it ends;
// the rows themselves (shared pointers to const) may be kept and handed to other threads.
#pragma once

#include <memory>
#include <tuple>
#include <vector>

#include "state/derived.h"
#include "state/host_log.h"
#include "state/table.h"

namespace boxship::state {

// Every kind of row, in the order of their table numbers.
using AllTables = std::tuple<Table<Cluster>, Table<TaskDefinition>, Table<Family>, Table<Instance>, Table<Task>,
                             Table<ClientToken>, Table<AccountSetting>, Table<Service>, Table<ServiceRevision>,
                             Table<ServiceDeployment>, Table<ServiceEvent>, Table<Vpc>, Table<Subnet>, Table<SecurityGroup>,
                             Table<Eni>, Table<RouteTable>, Table<InternetGateway>, Table<Platform>, Table<Repository>, Table<Blob>,
                             Table<BlobLink>, Table<Image>,
                             Table<ImageTag>, Table<Upload>, Table<LoadBalancer>, Table<Listener>, Table<ListenerRule>,
                             Table<TargetGroup>, Table<Target>, Table<Certificate>>;

// What a decision keeps of the rows, so as not to work it out anew each time. Answers must be the same without it.
class Memo {
public:
    Memo() = default;
    Memo(const Memo&) {}  // it is of its own tables
    Memo& operator=(const Memo&) { kept_.reset(); return *this; }

    template <class Kept>  // there is one kind: placement's
    Kept& of()
    {
        if (!kept_) kept_ = std::make_shared<Kept>();
        return *static_cast<Kept*>(kept_.get());
    }

private:
    std::shared_ptr<void> kept_;
};

struct Tables {
    AllTables all;
    Derived derived;
    HostLog hosts;
    mutable Memo memo;

    // What was set later (Table::set_later), all of it.
    void finish_loading();

    template <class Row>
    Table<Row>& of() { return std::get<Table<Row>>(all); }
    template <class Row>
    const Table<Row>& of() const { return std::get<Table<Row>>(all); }

    template <class Row>
    std::shared_ptr<const Row> set(const typename Row::Key& key, std::shared_ptr<const Row> next)
    {
        auto before = of<Row>().set(key, next);
        derived.change(before.get(), next.get());
        if (before || next) hosts.change(before.get(), next.get());
        return before;
    }
};

class View {
public:
    explicit View(const Tables& tables) : tables_(&tables) {}

    // The row, or nullptr.
    template <class Row>
    std::shared_ptr<const Row> get(const typename Row::Key& key) const { return tables_->of<Row>().get(key); }

    // All rows in key order: for (const auto& [key, row] : view.rows<Cluster>()) …
    template <class Row>
    const typename Table<Row>::Map& rows() const { return tables_->of<Row>().rows(); }

    // The rows that an index has under a value, in key order: view.all<TasksByCluster>(cluster_id).
    template <class Index>
    std::vector<std::shared_ptr<const typename Index::Row>> all(const typename Index::Value& value) const
    {
        std::vector<std::shared_ptr<const typename Index::Row>> rows;
        const auto& table = tables_->of<typename Index::Row>();
        each_entry<Index>(value, [&](const auto& key) {
            rows.push_back(table.get(key));
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
            row = tables_->of<typename Index::Row>().get(key);
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
        std::size_t n = 0;
        each_entry<Index>(value, [&](const auto&) { ++n; return true; });
        return n;
    }
    // One key after the other, while `visit` says true.
    template <class Index, class Visit>
    void visit(const typename Index::Value& value, Visit visit) const { each_entry<Index>(value, std::move(visit)); }
    // The index itself, in order of (value, key): for ranges of values.
    template <class Index>
    const auto& entries() const { return tables_->of<typename Index::Row>().template entries<Index>(); }

    const InstanceLoad& load(const InstanceId& id) const { return tables_->derived.load(id); }
    const ClusterCounts& counts(const ClusterId& id) const { return tables_->derived.counts(id); }
    const RevisionCounts& counts(const RevisionKey& id) const { return tables_->derived.counts(id); }
    // The revisions of a service that have live tasks, with their counts.
    std::vector<std::pair<std::int64_t, RevisionCounts>> revisions_in_use(const ServiceId& id) const { return tables_->derived.revisions_in_use(id); }
    const HostLog& hosts() const { return tables_->hosts; }
    template <class Kept>
    Kept& memo() const { return tables_->memo.of<Kept>(); }

protected:
    template <class Index, class Visit>
    void each_entry(const typename Index::Value& value, Visit visit) const
    {
        const auto& entries = tables_->of<typename Index::Row>().template entries<Index>();
        using Key = typename Index::Row::Key;
        for (auto at = entries.lower_bound({value, Key{}}); at != entries.end() && at->first == value; ++at)
            if (!visit(at->second)) return;
    }

    const Tables* tables_;
};

}  // namespace boxship::state
