#include "journals/fixture.h"

#include <filesystem>
#include <future>
#include <map>

#include "env/real/files.h"
#include "env/real/real_env.h"
#include "model/fields.h"

namespace boxship::tests {
namespace {

void append_row(std::string& operations, std::uint8_t table, std::string_view key, std::string_view row)
{
    operations += static_cast<char>(table);
    operations += '\0';
    model::FieldWriter writer(operations);
    writer.block(std::string(key));
    writer.block(std::string(row));
}

HostResult<> nothing_yet(std::uint8_t, std::string_view, std::string_view) { return HostError{"the journal is not empty"}; }

}  // namespace

HostResult<std::shared_ptr<state::MemoryJournalData>> read_journal(const std::string& file)
{
    char pattern[] = "/tmp/boxship-journal-XXXXXX";
    if (::mkdtemp(pattern) == nullptr) return host_error("make a directory", errno);
    const std::string copy = std::string(pattern) + "/journal.db";
    std::filesystem::copy_file(file, copy);
    auto data = std::make_shared<state::MemoryJournalData>();
    HostResult<> loaded;
    {
        env::ThreadExecutor executor("state");
        const auto journal = state::make_sqlite_journal(copy, executor);
        loaded = journal->load(
            [&](std::uint8_t table, std::string_view key, std::string_view row) -> HostResult<> {
                append_row(data->checkpoint, table, key, row);
                return {};
            },
            [&](std::string_view group) -> HostResult<> {
                data->groups.emplace_back(group);
                return {};
            });
    }
    RETURN_IF_ERROR(env::remove_tree(pattern));
    if (!loaded.ok()) return loaded.error();
    return data;
}

HostResult<> write_journal(const state::MemoryJournalData& data, const std::string& file)
{
    env::ThreadExecutor executor("state");
    const auto journal = state::make_sqlite_journal(file, executor);
    RETURN_IF_ERROR(journal->load(nothing_yet, [](std::string_view) -> HostResult<> { return HostError{"the journal is not empty"}; }));
    const auto wait = [](const std::function<void(std::function<void(HostResult<>)>)>& start) {
        std::promise<HostResult<>> promise;
        start([&](HostResult<> outcome) { promise.set_value(std::move(outcome)); });
        return promise.get_future().get();
    };
    const auto append = [&](const std::string& group) {
        return wait([&](std::function<void(HostResult<>)> done) { journal->append(group, std::move(done)); });
    };
    std::map<std::pair<std::uint8_t, std::string>, std::string> rows;
    const std::size_t half = data.groups.size() / 2;
    for (std::size_t i = 0; i < half; ++i) {
        RETURN_IF_ERROR(append(data.groups[i]));
        RETURN_IF_ERROR(state::visit_operations(
            data.groups[i], [&](std::uint8_t table, bool erased, std::string_view key, std::string_view row) -> HostResult<> {
                if (erased) rows.erase({table, std::string(key)});
                else rows[{table, std::string(key)}] = row;
                return {};
            }));
    }
    journal->begin_checkpoint();
    std::string slice;
    for (const auto& [key, row] : rows) append_row(slice, key.first, key.second, row);
    journal->add_slice(std::move(slice));
    RETURN_IF_ERROR(wait([&](std::function<void(HostResult<>)> done) { journal->finish_checkpoint(std::move(done)); }));
    for (std::size_t i = half; i < data.groups.size(); ++i) RETURN_IF_ERROR(append(data.groups[i]));
    return {};
}

}  // namespace boxship::tests
