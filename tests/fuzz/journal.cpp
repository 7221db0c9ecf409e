#include <deque>

#include "base/check.h"
#include "env/clock.h"
#include "fuzz/targets.h"
#include "state/doctor.h"
#include "state/rows.h"
#include "state/store.h"

namespace boxship::fuzz {
namespace {

// Nothing moves here: what is posted runs when asked.
struct Still : env::Clock, env::Random, env::Executor, env::Faults {
    Time now() override { return {1'800'000'000'000}; }
    Milliseconds uptime() override { return Milliseconds(1); }
    void fill(std::span<std::byte> bytes) override { std::fill(bytes.begin(), bytes.end(), std::byte{7}); }
    void post(std::function<void()> work) override { waiting.push_back(std::move(work)); }
    void post_after(Milliseconds, std::function<void()> work) override { post(std::move(work)); }
    bool hit(const char*) override { return false; }
    std::deque<std::function<void()>> waiting;
};

// What the rows say is the same after writing and reading them once more.
template <class... Row>
void check_rows(const state::View& view, state::Rows<Row...>)
{
    const auto check = [](const auto& rows) {
        for (const auto& [key, row] : rows) {
            using T = std::remove_cvref_t<decltype(*row)>;
            const std::string bytes = model::encode(*row);
            const auto again = model::decode<T>(bytes);
            CHECK(again && model::encode(*again) == bytes);
        }
    };
    (check(view.rows<Row>()), ...);
}

}  // namespace

void journal(std::string_view input)
{
    Still still;
    auto data = std::make_shared<state::MemoryJournalData>();
    data->groups.emplace_back(input);
    state::Store store({still, still, still, still}, state::make_memory_journal(data, still));
    const bool loaded = store.load().ok();
    check_rows(store.view(), state::AllRows{});
    if (loaded) (void)state::examine(store.view());
}

}  // namespace boxship::fuzz
