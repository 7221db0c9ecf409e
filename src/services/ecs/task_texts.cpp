// Tasks are described over and over while they stay as they are: waiters poll, consoles refresh. A task's JSON depends on its
// rows alone, which never change, so it is kept as long as the same rows are asked for. One place for each of some tasks, by
// id: who comes later takes it.
#include <array>
#include <mutex>

#include "services/ecs/rows.h"
#include "shape/write.h"

namespace boxship::services::ecs {
namespace {

constexpr std::size_t kept_max = 1024;            // 2 to 3 KiB each
constexpr std::size_t text_bytes_max = 16 << 10;  // longer ones (many containers, long overrides) are made anew
constexpr std::size_t locks = 16;

struct Kept {
    TaskRow row;
    bool tags = false;
    std::shared_ptr<const std::string> text;
};

struct Texts {
    std::array<Kept, kept_max> kept;
    std::array<std::mutex, locks> mutexes;  // each guards every sixteenth place
};

Texts& texts()
{
    static Texts all;
    return all;
}

std::shared_ptr<const std::string> make_text(const TaskRow& row, bool tags)
{
    const shape::TextArena arena;
    api::Task task;
    render_task(row, tags, task);
    return std::make_shared<const std::string>(shape::write_json(task));
}

}  // namespace

void append_task_json(const TaskRow& row, bool tags, std::string& out)
{
    Texts& all = texts();
    const auto& id = row.task->id.raw();
    const std::size_t place = (std::to_integer<std::size_t>(id[0]) << 8 | std::to_integer<std::size_t>(id[1])) % kept_max;
    std::mutex& mutex = all.mutexes[place % locks];
    std::shared_ptr<const std::string> text;
    {
        const std::lock_guard lock(mutex);
        const Kept& kept = all.kept[place];
        if (kept.tags == tags && kept.row == row) text = kept.text;
    }
    if (!text) {
        text = make_text(row, tags);
        Kept fresh{row, tags, text};
        const std::lock_guard lock(mutex);
        if (text->size() <= text_bytes_max) std::swap(all.kept[place], fresh);  // what it held is dropped after the lock
    }
    out += *text;
}

}  // namespace boxship::services::ecs
