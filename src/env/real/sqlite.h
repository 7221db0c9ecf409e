// SQLite's C interface with owners and HostErrors (code = SQLite's primary result code). Included by .cpp files only.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace boxship::env {

class Statement {
public:
    Statement() = default;
    Statement(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement, &sqlite3_finalize) {}

    void bind(int at, std::int64_t value) { sqlite3_bind_int64(statement_.get(), at, value); }
    // The bytes must outlive the next reset().
    void bind(int at, std::string_view text)
    {
        sqlite3_bind_text(statement_.get(), at, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
    }
    void bind_blob(int at, std::string_view bytes)
    {
        sqlite3_bind_blob64(statement_.get(), at, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    HostResult<bool> step()  // true: a row is there
    {
        const int code = sqlite3_step(statement_.get());
        if (code == SQLITE_ROW) return true;
        if (code == SQLITE_DONE) return false;
        return HostError{sqlite3_errmsg(db_), code & 0xff};
    }
    void reset() { sqlite3_reset(statement_.get()); }

    std::int64_t number(int column) { return sqlite3_column_int64(statement_.get(), column); }
    std::string_view blob(int column)  // valid until the next step
    {
        const void* bytes = sqlite3_column_blob(statement_.get(), column);
        return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
    }

private:
    sqlite3* db_ = nullptr;
    std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement_{nullptr, &sqlite3_finalize};
};

class Database {
public:
    Database() = default;
    static HostResult<Database> open(const std::string& path)
    {
        sqlite3* raw = nullptr;
        const int code = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
        Database db;
        db.db_.reset(raw);
        if (code != SQLITE_OK) return HostError{"open " + path + ": " + sqlite3_errstr(code), code & 0xff};
        return db;
    }
    HostResult<> run(const std::string& sql)
    {
        if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
        return HostError{sqlite3_errmsg(db_.get()), sqlite3_errcode(db_.get()) & 0xff};
    }
    HostResult<Statement> prepare(std::string_view sql)
    {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(db_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr) != SQLITE_OK)
            return HostError{sqlite3_errmsg(db_.get()), sqlite3_errcode(db_.get()) & 0xff};
        return Statement(db_.get(), statement);
    }
    int rows_changed() const { return sqlite3_changes(db_.get()); }
    int last_error_extended() const { return sqlite3_extended_errcode(db_.get()); }

private:
    std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_{nullptr, &sqlite3_close};
};

}  // namespace boxship::env
