#include <sqlite3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <deque>

#include "base/check.h"
#include "base/log.h"
#include "env/real/crash_point.h"
#include "env/real/real_env.h"
#include "state/journal.h"
#include "env/real/sqlite.h"

namespace boxship::state {
namespace {

using env::Database;
using env::Statement;

// FNV-1a: against bit rot and torn files, not against malice (whoever writes this file owns the platform).
std::int64_t checksum(std::string_view bytes)
{
    std::uint64_t hash = 14695981039346656037u;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return static_cast<std::int64_t>(hash);
}

class SqliteJournal : public Journal {
public:
    SqliteJournal(std::string path, env::Executor& state_executor)
        : path_(std::move(path)), state_executor_(state_executor), writer_("journal")
    {
    }

    HostResult<> load(const RowVisitor& row, const GroupVisitor& group) override;
    void append(std::string blob, std::function<void(HostResult<>)> done) override;
    void begin_checkpoint() override;
    void add_slice(std::string operations) override;
    void finish_checkpoint(std::function<void(HostResult<>)> done) override;
    std::uint64_t tail_bytes() const override { return tail_bytes_; }

private:
    HostResult<> open();
    HostResult<> read_checkpoint(const RowVisitor& row);
    HostResult<> read_groups(const GroupVisitor& group);
    HostResult<> write_group(const std::string& blob);
    HostError damaged(const std::string& what) const
    {
        return {"the journal " + path_ + " is damaged (" + what +
                "); nothing was changed. Restore it from a backup, or move it away to start with an empty platform"};
    }

    const std::string path_;
    env::Executor& state_executor_;
    Database db_;
    Statement insert_;
    std::int64_t fence_ = 0;
    std::int64_t sequence_ = 0;
    std::int64_t generation_ = 0;        // of the checkpoint in force
    std::int64_t covered_ = 0;           // the last sequence that the checkpoint being written covers
    std::int64_t slice_ = 0;
    bool checkpoint_failed_ = false;
    // Slices hold what the group in flight writes. When that group failed they must not become the checkpoint: a checkpoint
    // is good only if no group failed from the last failure that the state knew of when it began.
    std::uint64_t failures_ = 0;             // of groups
    std::uint64_t failures_known_ = 0;       // of these the state has heard; state's thread
    std::uint64_t failures_at_begin_ = 0;
    std::uint64_t tail_bytes_ = 0;           // state's thread
    std::uint64_t bytes_before_checkpoint_ = 0;
    env::ThreadExecutor writer_;         // last: its thread ends before what it uses
};

HostResult<> SqliteJournal::open()
{
    // 0600 from the first byte: the state holds what only its owner may read.
    const mode_t before = ::umask(0077);
    auto opened = Database::open(path_);
    ::umask(before);
    ASSIGN_OR_RETURN(db_, std::move(opened));
    // EXCLUSIVE: a second server on the same data is refused by SQLite itself.
    for (const char* pragma : {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"})
        RETURN_IF_ERROR(db_.run(pragma));
    RETURN_IF_ERROR(db_.run("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID"));
    RETURN_IF_ERROR(db_.run("CREATE TABLE IF NOT EXISTS groups (sequence INTEGER PRIMARY KEY, fence INTEGER NOT NULL, "
                            "blob BLOB NOT NULL, checksum INTEGER NOT NULL)"));
    return db_.run("CREATE TABLE IF NOT EXISTS slices (generation INTEGER, number INTEGER, blob BLOB NOT NULL, "
                   "checksum INTEGER NOT NULL, PRIMARY KEY (generation, number)) WITHOUT ROWID");
}

HostResult<> SqliteJournal::load(const RowVisitor& row, const GroupVisitor& group)
{
    if (auto opened = open(); !opened.ok()) {
        if (opened.error().code == SQLITE_CORRUPT || opened.error().code == SQLITE_NOTADB) return damaged(opened.error().message);
        if (opened.error().code == SQLITE_BUSY)
            return HostError{"the journal " + path_ + " is in use by another boxship server; stop that one first"};
        return opened;
    }
    const auto meta = [this](const char* name) -> HostResult<std::int64_t> {
        ASSIGN_OR_RETURN(Statement select, db_.prepare("SELECT value FROM meta WHERE name = ?"));
        select.bind(1, std::string_view(name));
        ASSIGN_OR_RETURN(const bool found, select.step());
        return found ? select.number(0) : std::int64_t{0};
    };
    ASSIGN_OR_RETURN(const std::int64_t format, meta("format"));
    if (format > journal_format)
        return HostError{"the journal " + path_ + " was written by a newer boxship (format " + std::to_string(format) +
                         ", this one reads up to " + std::to_string(journal_format) + "); start that version"};
    ASSIGN_OR_RETURN(fence_, meta("fence"));
    ASSIGN_OR_RETURN(generation_, meta("generation"));
    ASSIGN_OR_RETURN(sequence_, meta("covered"));
    RETURN_IF_ERROR(read_checkpoint(row));
    RETURN_IF_ERROR(read_groups(group));
    ++fence_;
    RETURN_IF_ERROR(db_.run("BEGIN IMMEDIATE"));
    RETURN_IF_ERROR(db_.run(fmt::format("INSERT OR REPLACE INTO meta VALUES ('format', {}), ('fence', {})", journal_format, fence_)));
    RETURN_IF_ERROR(db_.run(fmt::format("DELETE FROM slices WHERE generation <> {}", generation_)));
    RETURN_IF_ERROR(db_.run("COMMIT"));
    ASSIGN_OR_RETURN(insert_, db_.prepare("INSERT INTO groups SELECT ?, ?, ?, ? WHERE (SELECT value FROM meta WHERE name = 'fence') = ?2"));
    return {};
}

HostResult<> SqliteJournal::read_checkpoint(const RowVisitor& row)
{
    ASSIGN_OR_RETURN(Statement select, db_.prepare("SELECT blob, checksum FROM slices WHERE generation = ? ORDER BY number"));
    select.bind(1, generation_);
    for (;;) {
        auto found = select.step();
        if (!found.ok()) return damaged(found.error().message);
        if (!*found) return {};
        const std::string_view blob = select.blob(0);
        if (checksum(blob) != select.number(1)) return damaged("a checkpoint slice has the wrong checksum");
        RETURN_IF_ERROR(visit_operations(blob, [&](std::uint8_t table, bool, std::string_view key, std::string_view bytes) {
            return row(table, key, bytes);
        }));
    }
}

HostResult<> SqliteJournal::read_groups(const GroupVisitor& group)
{
    ASSIGN_OR_RETURN(Statement select, db_.prepare("SELECT sequence, blob, checksum FROM groups WHERE sequence > ? ORDER BY sequence"));
    select.bind(1, sequence_);
    for (;;) {
        auto found = select.step();
        if (!found.ok()) return damaged(found.error().message);
        if (!*found) return {};
        if (select.number(0) != sequence_ + 1) return damaged(fmt::format("group {} is missing", sequence_ + 1));
        const std::string_view blob = select.blob(1);
        if (checksum(blob) != select.number(2)) return damaged(fmt::format("group {} has the wrong checksum", sequence_ + 1));
        RETURN_IF_ERROR(group(blob));
        ++sequence_;
        tail_bytes_ += blob.size();
    }
}

HostResult<> SqliteJournal::write_group(const std::string& blob)
{
    insert_.reset();
    insert_.bind(1, sequence_ + 1);
    insert_.bind(2, fence_);
    insert_.bind_blob(3, blob);
    insert_.bind(4, checksum(blob));
    auto stepped = insert_.step();  // its own transaction: durable when this returns
    insert_.reset();
    if (!stepped.ok()) {
        // After a failed fsync nobody knows what the disk holds: only a fresh load can tell.
        if (db_.last_error_extended() == SQLITE_IOERR_FSYNC) {
            log_error("journal: {}: the disk failed to sync; ending, to load what it really holds", path_);
            std::_Exit(70);
        }
        return std::move(stepped).error();
    }
    if (db_.rows_changed() != 1) {
        log_error("journal: {}: another server has taken over; ending", path_);
        std::_Exit(70);
    }
    ++sequence_;
    env::crash_point("server.appended");
    return {};
}

void SqliteJournal::append(std::string blob, std::function<void(HostResult<>)> done)
{
    tail_bytes_ += blob.size();
    writer_.post([this, blob = std::move(blob), done = std::move(done)]() mutable {
        auto outcome = write_group(blob);
        if (!outcome.ok()) ++failures_;
        state_executor_.post([this, done = std::move(done), outcome = std::move(outcome)]() mutable {
            if (!outcome.ok()) ++failures_known_;
            done(std::move(outcome));
        });
    });
}

void SqliteJournal::begin_checkpoint()
{
    bytes_before_checkpoint_ = tail_bytes_;
    writer_.post([this, known = failures_known_] {
        failures_at_begin_ = known;
        covered_ = sequence_;
        slice_ = 0;
        const auto cleared = db_.run(fmt::format("DELETE FROM slices WHERE generation <> {}", generation_));
        checkpoint_failed_ = !cleared.ok();
    });
}

void SqliteJournal::add_slice(std::string operations)
{
    writer_.post([this, operations = std::move(operations)] {
        if (checkpoint_failed_) return;
        auto insert = db_.prepare("INSERT INTO slices VALUES (?, ?, ?, ?)");
        checkpoint_failed_ = true;
        if (!insert.ok()) return;
        insert->bind(1, generation_ + 1);
        insert->bind(2, ++slice_);
        insert->bind_blob(3, operations);
        insert->bind(4, checksum(operations));
        checkpoint_failed_ = !insert->step().ok();
    });
}

void SqliteJournal::finish_checkpoint(std::function<void(HostResult<>)> done)
{
    writer_.post([this, done = std::move(done)]() mutable {
        const auto finish = [this]() -> HostResult<> {
            if (checkpoint_failed_ || failures_ != failures_at_begin_) return HostError{"a slice could not be written"};
            RETURN_IF_ERROR(db_.run("BEGIN IMMEDIATE"));
            RETURN_IF_ERROR(db_.run(fmt::format("INSERT OR REPLACE INTO meta VALUES ('generation', {}), ('covered', {})",
                                                generation_ + 1, covered_)));
            RETURN_IF_ERROR(db_.run(fmt::format("DELETE FROM slices WHERE generation <= {}", generation_)));
            RETURN_IF_ERROR(db_.run(fmt::format("DELETE FROM groups WHERE sequence <= {}", covered_)));
            return db_.run("COMMIT");
        };
        auto outcome = finish();
        if (outcome.ok()) ++generation_;
        else (void)db_.run("ROLLBACK");  // fails when nothing was begun: then there is nothing to take back
        state_executor_.post([this, done = std::move(done), outcome = std::move(outcome)]() mutable {
            tail_bytes_ -= bytes_before_checkpoint_;  // also after a failure: it is tried again only after as much again
            done(std::move(outcome));
        });
    });
}

}  // namespace

std::unique_ptr<Journal> make_sqlite_journal(const std::string& path, env::Executor& state_executor)
{
    return std::make_unique<SqliteJournal>(path, state_executor);
}

}  // namespace boxship::state
