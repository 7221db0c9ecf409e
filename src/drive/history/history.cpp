#include "drive/history/history.h"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/log.h"
#include "base/strings.h"
#include "env/real/files.h"
#include "env/real/real_env.h"
#include "env/real/sqlite.h"

namespace boxship::drive {
namespace {

using env::Database;
using env::Statement;
using shape::Json;

constexpr auto kept = std::chrono::hours(24 * 30);

Json summarise(const model::Task& task)
{
    Json containers = Json::array();
    for (const auto& container : task.containers) {
        Json json = Json::object({{"name", container.name.str()}, {"image", container.image.str()}, {"lastStatus", to_text(container.status)}});
        if (!container.image_digest.empty()) json.set("imageDigest", container.image_digest.str());
        if (container.exit_code) json.set("exitCode", *container.exit_code);
        if (!container.reason.empty()) json.set("reason", container.reason.str());
        containers.push_back(std::move(json));
    }
    Json json = Json::object({{"taskId", to_text(task.id)},
                              {"group", task.group.str()},
                              {"lastStatus", to_text(task.status)},
                              {"desiredStatus", task.wanted ? "RUNNING" : "STOPPED"},
                              {"zone", task.zone.str()},
                              {"createdAt", task.created_at.ms}});
    if (task.started_at) json.set("startedAt", task.started_at.ms);
    if (task.stopped_at) json.set("stoppedAt", task.stopped_at.ms);
    if (task.stop_code != model::StopCode::none) json.set("stopCode", to_text(task.stop_code));
    if (!task.stopped_reason.empty()) json.set("stoppedReason", task.stopped_reason.str());
    json.set("containers", std::move(containers));
    return json;
}

struct Entry {
    TaskId task;
    std::int64_t version = 0;
    Time time;
    std::string summary;
    std::vector<std::string> events;
};

std::string_view blob_of(const TaskId& id)
{
    return {reinterpret_cast<const char*>(id.raw().data()), id.raw().size()};
}

}  // namespace

struct History::Impl {
    explicit Impl(env::Clock& the_clock) : clock(the_clock) {}

    HostResult<> open(const std::string& path)
    {
        ASSIGN_OR_RETURN(db, Database::open(path));
        for (const char* sql : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL",
                                "CREATE TABLE IF NOT EXISTS tasks (task BLOB PRIMARY KEY, version INTEGER, changed INTEGER, summary TEXT) WITHOUT ROWID",
                                "CREATE INDEX IF NOT EXISTS tasks_by_change ON tasks (changed)",
                                "CREATE TABLE IF NOT EXISTS events (task BLOB, version INTEGER, number INTEGER, time INTEGER, text TEXT, "
                                "PRIMARY KEY (task, version, number)) WITHOUT ROWID",
                                "CREATE TABLE IF NOT EXISTS timings (task BLOB PRIMARY KEY, phases TEXT) WITHOUT ROWID",
                                "CREATE TABLE IF NOT EXISTS oom_kills (task BLOB PRIMARY KEY, containers TEXT) WITHOUT ROWID",
                                "CREATE TABLE IF NOT EXISTS last_lines (task BLOB PRIMARY KEY, lines TEXT) WITHOUT ROWID"})
            RETURN_IF_ERROR(db.run(sql));
        return {};
    }

    void write(const std::vector<Entry>& entries)
    {
        const auto write_all = [&]() -> HostResult<> {
            RETURN_IF_ERROR(db.run("BEGIN"));
            ASSIGN_OR_RETURN(Statement task, db.prepare("INSERT INTO tasks VALUES (?, ?, ?, ?) ON CONFLICT (task) DO UPDATE SET "
                                                        "version = ?2, changed = ?3, summary = ?4 WHERE version < ?2"));
            ASSIGN_OR_RETURN(Statement event, db.prepare("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?)"));
            for (const auto& entry : entries) {
                task.reset();
                task.bind_blob(1, blob_of(entry.task));
                task.bind(2, entry.version);
                task.bind(3, entry.time.ms);
                task.bind(4, std::string_view(entry.summary));
                RETURN_IF_ERROR(task.step());
                std::int64_t number = 0;
                for (const auto& text : entry.events) {
                    event.reset();
                    event.bind_blob(1, blob_of(entry.task));
                    event.bind(2, entry.version);
                    event.bind(3, number++);
                    event.bind(4, entry.time.ms);
                    event.bind(5, std::string_view(text));
                    RETURN_IF_ERROR(event.step());
                }
            }
            return db.run("COMMIT");
        };
        if (const auto written = write_all(); !written.ok()) {
            log_warning("history: {}; 'boxship explain' will miss {} entries", written.error().message, entries.size());
            (void)db.run("ROLLBACK");  // nothing begun: nothing to take back
        }
        if (clock.now() > pruned_at + std::chrono::hours(1)) prune();
    }

    void prune()
    {
        pruned_at = clock.now();
        const std::int64_t before = (pruned_at - kept).ms;
        for (const char* table : {"events", "timings", "oom_kills", "last_lines"})
            if (const auto done = db.run(fmt::format("DELETE FROM {} WHERE task IN (SELECT task FROM tasks WHERE changed < {})", table, before)); !done.ok())
                log_warning("history: {}", done.error().message);
        if (const auto done = db.run(fmt::format("DELETE FROM tasks WHERE changed < {}", before)); !done.ok())
            log_warning("history: {}", done.error().message);
    }

    // The JSON that the query finds for the task, or an empty array.
    HostResult<Json> read_one(const char* sql, const TaskId& id)
    {
        ASSIGN_OR_RETURN(Statement statement, db.prepare(sql));
        statement.bind_blob(1, blob_of(id));
        ASSIGN_OR_RETURN(const bool found, statement.step());
        return found ? Json::parse(statement.blob(0)).value() : Json::array();
    }

    void write_one(const char* sql, const TaskId& id, const std::string& text)
    {
        const auto write = [&]() -> HostResult<> {
            ASSIGN_OR_RETURN(Statement insert, db.prepare(sql));
            insert.bind_blob(1, blob_of(id));
            insert.bind(2, std::string_view(text));
            RETURN_IF_ERROR(insert.step());
            return {};
        };
        if (const auto written = write(); !written.ok()) log_warning("history: {}", written.error().message);
    }

    HostResult<Json> read(const TaskId& id)
    {
        ASSIGN_OR_RETURN(Statement task, db.prepare("SELECT summary FROM tasks WHERE task = ?"));
        task.bind_blob(1, blob_of(id));
        ASSIGN_OR_RETURN(const bool found, task.step());
        if (!found) return Json();
        Json json = Json::object({{"summary", Json::parse(task.blob(0)).value()}});
        ASSIGN_OR_RETURN(Statement event, db.prepare("SELECT time, text FROM events WHERE task = ? ORDER BY version, number"));
        event.bind_blob(1, blob_of(id));
        Json events = Json::array();
        for (;;) {
            ASSIGN_OR_RETURN(const bool more, event.step());
            if (!more) break;
            events.push_back(Json::object({{"time", event.number(0)}, {"text", event.blob(1)}}));
        }
        json.set("events", std::move(events));
        ASSIGN_OR_RETURN(auto phases, read_one("SELECT phases FROM timings WHERE task = ?", id));
        ASSIGN_OR_RETURN(auto kills, read_one("SELECT containers FROM oom_kills WHERE task = ?", id));
        ASSIGN_OR_RETURN(auto lines, read_one("SELECT lines FROM last_lines WHERE task = ?", id));
        json.set("timings", std::move(phases));
        json.set("oomKills", kills.is_object() ? std::move(kills) : Json::object());
        json.set("lastLines", std::move(lines));
        return json;
    }

    env::Clock& clock;
    Database db;
    Time pruned_at;
    env::ThreadExecutor thread{"history"};  // last: ends before the database is closed
};

HostResult<std::unique_ptr<History>> History::open(const std::string& path, env::Clock& clock)
{
    auto impl = std::make_unique<Impl>(clock);
    RETURN_IF_ERROR(impl->open(path));
    return std::unique_ptr<History>(new History(std::move(impl)));
}

History::History(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
History::~History() = default;

void History::follow(state::Store& store)
{
    store.watch([this](const state::Changes& changes) {
        std::vector<Entry> entries;
        for (const auto& change : changes) {
            const auto* after = change.after_as<model::Task>();
            if (!after) continue;
            std::vector<std::string> events;
            if (!change.remark.empty()) events = split(change.remark, '\n');
            std::ranges::move(describe_change(change.before_as<model::Task>(), *after), std::back_inserter(events));
            if (!events.empty())
                entries.push_back({after->id, after->version, impl_->clock.now(), summarise(*after).dump(), std::move(events)});
        }
        if (!entries.empty()) impl_->thread.post([this, entries = std::move(entries)] { impl_->write(entries); });
    });
}

void History::tell_all(const state::View& view)
{
    std::vector<Entry> entries;
    for (const auto& [id, task] : view.rows<model::Task>())
        entries.push_back({id, task->version, impl_->clock.now(), summarise(*task).dump(), {}});
    impl_->thread.post([this, entries = std::move(entries)] { impl_->write(entries); });
}

void History::timings(const TaskId& task, Json phases)
{
    impl_->thread.post([this, task, text = phases.dump()] { impl_->write_one("INSERT OR REPLACE INTO timings VALUES (?, ?)", task, text); });
}

void History::oom_kills(const TaskId& task, Json containers)
{
    impl_->thread.post([this, task, text = containers.dump()] { impl_->write_one("INSERT OR REPLACE INTO oom_kills VALUES (?, ?)", task, text); });
}

void History::last_lines(const TaskId& task, Json lines)
{
    impl_->thread.post([this, task, text = lines.dump()] { impl_->write_one("INSERT OR REPLACE INTO last_lines VALUES (?, ?)", task, text); });
}

void History::read(const TaskId& task, std::function<void(Json)> done)
{
    impl_->thread.post([this, task, done = std::move(done)] {
        auto json = impl_->read(task);
        if (!json.ok()) log_warning("history: {}", json.error().message);
        done(json.ok() ? std::move(json).value() : Json());
    });
}

}  // namespace boxship::drive
