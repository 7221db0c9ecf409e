#include "state/store.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "base/log.h"
#include "base/mutant.h"
#include "env/real/crash_point.h"
#include "state/tables.h"

namespace boxship::state {
namespace {

constexpr std::size_t slice_bytes_max = 1 << 20;
constexpr std::uint64_t tail_bytes_min = 32 << 20;  // below this a checkpoint would cost more than the replay it saves

using Loader = HostResult<> (*)(Tables&, bool erased, std::string_view key, std::string_view row);

template <class Row>
HostResult<> load_row(Tables& tables, bool erased, std::string_view key_bytes, std::string_view row_bytes)
{
    const auto key = decode<typename Row::Key>(key_bytes);
    if (!key) return HostError{"a key of table " + std::to_string(Row::table) + " cannot be read"};
    if (erased) {
        tables.of<Row>().set_later(*key, nullptr);
        return {};
    }
    auto row = decode<Row>(row_bytes);
    if (!row) return HostError{"a row of table " + std::to_string(Row::table) + " cannot be read"};
    tables.of<Row>().set_later(*key, std::make_shared<const Row>(std::move(*row)));
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

template <class Row>
void append_put(std::string& out, const Row& row)
{
    const std::string key = encode(row.key());
    const std::string bytes = encode(row);
    out += static_cast<char>(Row::table);
    out += '\0';
    append_varint(out, key.size());
    out += key;
    append_varint(out, bytes.size());
    out += bytes;
}

}  // namespace

// Walks all tables, a slice at a time, while they go on changing: a row changed behind the cursor is in the tail too.
class Store::Checkpoint {
public:
    Checkpoint(const Tables& tables, std::size_t slice_bytes) : slice_bytes_(slice_bytes)
    {
        tables.all.each([this](const auto& table) { add(table); });
    }
    // The next run of rows; empty at the end.
    std::string next_slice()
    {
        std::string out;
        while (at_ < walks_.size() && out.size() < slice_bytes_)
            if (!walks_[at_](out)) ++at_;
        return out;
    }
    bool finishing = false;      // all of it is with the journal, which has not answered yet

private:
    template <class Row>
    void add(const Table<Row>& table)
    {
        walks_.push_back([this, &table, last = std::optional<typename Row::Key>()](std::string& out) mutable {
            const auto& rows = table.rows();
            auto at = last ? rows.upper_bound(*last) : rows.begin();
            for (; at != rows.end() && out.size() < slice_bytes_; ++at) {
                append_put(out, *at->second);
                last = at->first;
            }
            return at != rows.end();
        });
    }

    const std::size_t slice_bytes_;
    std::vector<std::function<bool(std::string&)>> walks_;
    std::size_t at_ = 0;
};

Store::Store(env::Env env, std::unique_ptr<Journal> journal) : env_(env), journal_(std::move(journal)), tables_(std::make_unique<Tables>()) {}
Store::~Store() = default;

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
        [this](std::uint8_t table, std::string_view key, std::string_view row) { return apply(table, false, key, row); },
        [this](std::string_view group) {
            return visit_operations(group, [this](std::uint8_t table, bool erased, std::string_view key, std::string_view row) {
                return apply(table, erased, key, row);
            });
        }));
    tables_->finish_loading();
    return {};
}

void Store::watch(Watcher watcher) { watchers_.push_back(std::move(watcher)); }

void Store::update(Work work, Done done)
{
    env_.executor.post([this, work = std::move(work), done = std::move(done)]() mutable {
        update_here(std::move(work), std::move(done));
    });
}

void Store::update_here(Work work, Done done)
{
    Txn txn(*tables_, open_.group);
    work(txn);
    if (open_.group.count > 0) {
        if (mutant("store: answers before the commit")) std::exchange(done, [](HostResult<>) {})({});
        env::crash_point("server.transaction");
        open_.done.push_back(std::move(done));
        // Posted, not called: requests that wait in the executor's queue already join this group.
        if (!in_flight_ && !flush_posted_) {
            flush_posted_ = true;
            env_.executor.post([this] {
                flush_posted_ = false;
                if (!in_flight_) flush();
            });
        }
    } else if (in_flight_) {
        in_flight_->done.push_back(std::move(done));
    } else {
        done({});
    }
}

void Store::flush()
{
    if (open_.group.count == 0) return;
    in_flight_ = std::make_unique<Pending>(std::exchange(open_, {}));
    journal_->append(std::move(in_flight_->group.operations), [this](HostResult<> outcome) { landed(std::move(outcome)); });
    checkpoint_step();
}

void Store::landed(HostResult<> outcome)
{
    CHECK(in_flight_ != nullptr);
    const std::unique_ptr<Pending> landed = std::move(in_flight_);
    if (!outcome.ok()) {
        log_error("journal: {}; what was asked is refused and undone", outcome.error().message);
        Pending on_top = std::exchange(open_, {});
        for (auto* group : {&on_top.group, &landed->group}) {
            if (mutant("store: keeps what was built on a failed group") && group == &on_top.group) continue;
            for (auto undo = group->undo.rbegin(); undo != group->undo.rend(); ++undo) (*undo)(*tables_);
        }
        if (checkpoint_ && !checkpoint_->finishing) checkpoint_.reset();
        for (auto* pending : {landed.get(), &on_top})
            for (auto& done : pending->done) done(outcome);
        return;
    }
    ++groups_committed_;
    // The next group is on its way to the disk before anyone is told of this one.
    flush();
    for (const auto& watcher : watchers_) watcher(landed->group.changes);
    for (auto& done : landed->done) done({});
    if (!in_flight_) checkpoint_step();
}

void Store::checkpoint_step()
{
    // Only when nothing is open: then the tables are what the journal will hold after the group in flight, and slices
    // are written behind that group.
    if (open_.group.count > 0) return;
    // Groups go on meanwhile; to finish it once more would put nothing in its place.
    if (checkpoint_ && checkpoint_->finishing) return;
    if (!checkpoint_) {
        if (journal_->tail_bytes() < tail_bytes_min && !env_.faults.hit("store: an early checkpoint")) return;
        journal_->begin_checkpoint();
        checkpoint_ = std::make_unique<Checkpoint>(*tables_, env_.faults.hit("store: small slices") ? 512 : slice_bytes_max);
    }
    std::string slice = checkpoint_->next_slice();
    if (!slice.empty()) {
        journal_->add_slice(std::move(slice));
        env_.executor.post_after(Milliseconds(1), [this] {
            if (checkpoint_) checkpoint_step();
        });
        return;
    }
    checkpoint_->finishing = true;
    journal_->finish_checkpoint([this](HostResult<> outcome) {
        if (!outcome.ok()) log_warning("journal: checkpoint put off: {}", outcome.error().message);
        checkpoint_.reset();
    });
}

HostResult<> visit_operations(std::string_view operations, const OperationVisitor& visit)
{
    const HostError malformed{"a group of the journal is malformed"};
    while (!operations.empty()) {
        if (operations.size() < 2) return malformed;
        const auto table = static_cast<std::uint8_t>(operations[0]);
        const bool erased = operations[1] != 0;
        operations.remove_prefix(2);
        std::string_view key, row;
        if (!take_block(operations, key) || (!erased && !take_block(operations, row))) return malformed;
        RETURN_IF_ERROR(visit(table, erased, key, row));
    }
    return {};
}

}  // namespace boxship::state
