#include "agent/ledger.h"

#include <mutex>

#include "env/real/sqlite.h"

namespace boxship::agent {
namespace {

constexpr std::int64_t version = 1;

class SqliteLedger : public Ledger {
public:
    explicit SqliteLedger(env::Database database) : database_(std::move(database)) {}

    HostResult<> open()
    {
        RETURN_IF_ERROR(database_.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -512; "
                                      "PRAGMA journal_size_limit = 4194304"));
        ASSIGN_OR_RETURN(auto ask, database_.prepare("PRAGMA user_version"));
        RETURN_IF_ERROR(ask.step());
        const std::int64_t found = ask.number(0);
        ask.reset();
        if (found > version) return HostError{"it was written by a newer boxship"};
        RETURN_IF_ERROR(database_.run(
            "CREATE TABLE IF NOT EXISTS tasks (arn TEXT PRIMARY KEY, payload TEXT NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
            "PRAGMA user_version = " + std::to_string(version)));
        ASSIGN_OR_RETURN(insert_, database_.prepare("INSERT INTO tasks VALUES (?1, ?2, ?3) ON CONFLICT (arn) DO UPDATE SET "
                                                    "payload = excluded.payload, state = excluded.state"));
        ASSIGN_OR_RETURN(update_, database_.prepare("UPDATE tasks SET state = ?2 WHERE arn = ?1"));
        ASSIGN_OR_RETURN(erase_, database_.prepare("DELETE FROM tasks WHERE arn = ?1"));
        ASSIGN_OR_RETURN(fact_, database_.prepare("INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"));
        return {};
    }

    HostResult<LedgerContents> load() override
    {
        const std::lock_guard lock(mutex_);
        LedgerContents contents;
        ASSIGN_OR_RETURN(auto tasks, database_.prepare("SELECT arn, payload, state FROM tasks"));
        for (;;) {
            ASSIGN_OR_RETURN(const bool row, tasks.step());
            if (!row) break;
            contents.tasks.push_back({std::string(tasks.blob(0)), std::string(tasks.blob(1)), std::string(tasks.blob(2))});
        }
        ASSIGN_OR_RETURN(auto facts, database_.prepare("SELECT name, value FROM facts"));
        for (;;) {
            ASSIGN_OR_RETURN(const bool row, facts.step());
            if (!row) break;
            contents.facts.emplace_back(facts.blob(0), facts.blob(1));
        }
        return contents;
    }

    HostResult<> commit(const LedgerBatch& batch, bool durable) override
    {
        const std::lock_guard lock(mutex_);
        // In WAL mode NORMAL leaves out the sync of a commit: the page cache outlives the process, not the machine.
        if (durable != synced_) {
            RETURN_IF_ERROR(database_.run(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
            synced_ = durable;
        }
        RETURN_IF_ERROR(database_.run("BEGIN IMMEDIATE"));
        auto written = write(batch);
        if (written) written = database_.run("COMMIT");
        if (!written) {
            const HostError error = written.error();
            if (const auto undone = database_.run("ROLLBACK"); !undone) return undone.error().within(error.message);
            return error;
        }
        return {};
    }

private:
    static HostResult<> run(env::Statement& statement)
    {
        const auto outcome = statement.step();
        statement.reset();
        if (!outcome) return outcome.error();
        return {};
    }

    HostResult<> write(const LedgerBatch& batch)
    {
        for (const LedgerTask& task : batch.puts) {
            env::Statement& statement = task.payload ? insert_ : update_;
            statement.bind(1, task.arn);
            if (task.payload) statement.bind(2, *task.payload);
            statement.bind(task.payload ? 3 : 2, task.state);
            RETURN_IF_ERROR(run(statement));
        }
        for (const std::string& arn : batch.erases) {
            erase_.bind(1, arn);
            RETURN_IF_ERROR(run(erase_));
        }
        for (const auto& [name, value] : batch.facts) {
            fact_.bind(1, name);
            fact_.bind(2, value);
            RETURN_IF_ERROR(run(fact_));
        }
        return {};
    }

    std::mutex mutex_;
    env::Database database_;
    env::Statement insert_, update_, erase_, fact_;
    bool synced_ = true;
};

}  // namespace

HostResult<std::unique_ptr<Ledger>> open_sqlite_ledger(const std::string& path)
{
    ASSIGN_OR_RETURN(auto database, env::Database::open(path));
    auto ledger = std::make_unique<SqliteLedger>(std::move(database));
    if (const auto opened = ledger->open(); !opened) return opened.error().within("open " + path);
    return std::unique_ptr<Ledger>(std::move(ledger));
}

}  // namespace boxship::agent
