// The ranking against plain looking at every host, through random histories of rows that come, change and are undone.
#include <gtest/gtest.h>

#include <random>

#include "decide/placement/score.h"
#include "state/tables.h"

namespace boxship::decide {
namespace {

using model::Instance;
using model::Task;

class RankingTest : public ::testing::Test {
protected:
    class SomeIds : public Ids {
    public:
        explicit SomeIds(std::mt19937_64& random) : random_(random) {}
        void fill(std::span<std::byte> bytes) override
        {
            for (auto& byte : bytes) byte = static_cast<std::byte>(random_());
        }

    private:
        std::mt19937_64& random_;
    };

    int number(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

    // All hosts with nothing in the way that compare best, found the slow way.
    std::vector<InstanceId> best_by_looking(const PlacementRequest& request)
    {
        const state::View view(tables_);
        const auto steps = steps_of(request.strategies);
        std::vector<std::map<std::string, int>> tasks(steps.size());
        for (const auto& [id, instance] : view.rows<Instance>())
            for (std::size_t i = 0; i < steps.size(); ++i)
                if (is_candidate(*instance, request) && steps[i].by == Step::By::attribute_tasks)
                    tasks[i][std::string(spread_value(*instance, steps[i].attribute))] += group_tasks(view.load(id), request.group);
        std::vector<Score> scores;
        for (const auto& [id, instance] : view.rows<Instance>()) {
            if (!is_candidate(*instance, request) || !obstacle(view, *instance, request).reason.empty()) continue;
            Score score;
            for (std::size_t i = 0; i < steps.size(); ++i)
                score.parts[i] = steps[i].by == Step::By::attribute_tasks ? tasks[i][std::string(spread_value(*instance, steps[i].attribute))]
                                                                          : own_part(steps[i], *instance, view.load(id), request.group);
            score.host = id;
            scores.push_back(score);
        }
        std::ranges::sort(scores);
        std::vector<InstanceId> best;
        for (const auto& score : scores)
            if (score.parts == scores.front().parts) best.push_back(score.host);
        return best;
    }

    std::vector<PlacementRequest> requests()
    {
        const Strategy zone{StrategyType::spread, "attribute:ecs.availability-zone"}, rack{StrategyType::spread, "attribute:rack"},
            own{StrategyType::spread, "attribute:own"}, host{StrategyType::spread, "instanceId"}, cpu{StrategyType::binpack, "cpu"},
            memory{StrategyType::binpack, "memory"}, random{StrategyType::random, ""};
        std::vector<PlacementRequest> all;
        for (const auto& strategies : std::vector<std::vector<Strategy>>{
                 {}, {zone}, {own}, {host}, {cpu}, {memory}, {random}, {zone, host}, {zone, cpu}, {rack, own}, {zone, rack, memory}, {cpu, zone}, {zone, random}, {host, random}, {rack, zone, random}})
            for (const char* group : {"a", "b"})
                all.push_back({.cluster = cluster_, .need = {.cpu = 100, .memory = 100}, .group = group, .strategies = strategies});
        all.push_back({.cluster = cluster_, .need = {.cpu = 1, .ports = {{80, 80}}}, .group = "a"});
        all.push_back({.cluster = cluster_, .need = {.zones = {"z1"}, .interface = true}, .group = "a"});
        all.push_back({.cluster = cluster_, .need = {.attributes = {"rack=r1"}}, .group = "a", .distinct_instance = true});
        return all;
    }

    void change_something()
    {
        const state::View view(tables_);
        const auto& instances = view.rows<Instance>();
        const auto& tasks = view.rows<Task>();
        switch (number(8)) {
        case 0: {
            if (instances.size() >= 24) return;
            Instance row{.id = ids_.next<InstanceId>(), .cluster = number(6) ? cluster_ : other_, .agent_connected = true};
            row.cpu = 200 * (1 + number(4));
            row.memory = 200 * (1 + number(4));
            row.zone = "z" + std::to_string(number(3));
            row.attributes = {{"rack", "r" + std::to_string(number(4))}, {"own", to_text(row.id)}, {"boxship.eni-max", "2"}};
            set(row);
            return;
        }
        case 1: {
            if (instances.empty()) return;
            Instance row = *std::next(instances.begin(), number(static_cast<int>(instances.size())))->second;
            switch (number(6)) {
            case 0: row.agent_connected = !row.agent_connected; break;
            case 1: row.status = row.status == model::InstanceStatus::active ? model::InstanceStatus::draining : model::InstanceStatus::active; break;
            case 2: row.zone = "z" + std::to_string(number(3)); break;
            case 3: row.status = model::InstanceStatus::inactive; break;
            case 4: tables_.set<Instance>(row.id, nullptr); return;
            default: row.attributes[0].value = "r" + std::to_string(number(4));
            }
            set(row);
            return;
        }
        case 2:
        case 3: {
            if (tasks.empty()) return;
            const auto row = std::next(tasks.begin(), number(static_cast<int>(tasks.size())))->second;
            tables_.set<Task>(row->id, nullptr);
            return;
        }
        default: {
            if (instances.empty()) return;
            Task task{.id = ids_.next<TaskId>(), .cluster = cluster_, .instance = std::next(instances.begin(), number(static_cast<int>(instances.size())))->first};
            task.cpu = 50 * number(3);
            task.memory = 50 * number(3);
            task.group = number(2) ? "a" : "b";
            if (number(4) == 0) task.reserved_ports = {{80, 80}};
            if (number(4) == 0) task.eni = ids_.next<EniId>();
            set(task);
        }
        }
    }
    template <class Row>
    void set(const Row& row)
    {
        auto before = tables_.set<Row>(row.id, std::make_shared<const Row>(row));
        if (number(10) == 0) tables_.set<Row>(row.id, before);  // undone
    }

    std::mt19937_64 random_{4711};
    SomeIds ids_{random_};
    state::Tables tables_;
    ClusterId cluster_ = ids_.next<ClusterId>(), other_ = ids_.next<ClusterId>();
};

TEST_F(RankingTest, agrees_with_looking_at_every_host)
{
    const auto all = requests();
    for (int turn = 0; turn < 3000; ++turn) {
        for (int n = number(12); n >= 0; --n) change_something();
        const auto& request = all[static_cast<std::size_t>(number(static_cast<int>(all.size())))];
        const auto expected = best_by_looking(request);
        const auto placement = place(state::View(tables_), request, ids_);
        ASSERT_EQ(placement.instance == nullptr, expected.empty()) << turn;
        if (expected.empty()) continue;
        if (steps_of(request.strategies).back().by == Step::By::random)
            ASSERT_TRUE(std::ranges::find(expected, placement.instance->id) != expected.end()) << turn;
        else
            ASSERT_EQ(placement.instance->id, expected.front()) << turn;
    }
}

TEST_F(RankingTest, chance_is_even_among_equals)
{
    for (int i = 0; i < 5; ++i) {
        Instance row{.id = ids_.next<InstanceId>(), .cluster = cluster_, .agent_connected = true, .cpu = 10, .memory = 10, .zone = i < 2 ? "z1" : "z2"};
        tables_.set<Instance>(row.id, std::make_shared<const Instance>(row));
    }
    for (const auto& strategies : {std::vector<Strategy>{{StrategyType::random, ""}},
                                   {{StrategyType::spread, "attribute:ecs.availability-zone"}, {StrategyType::random, ""}}}) {
        std::map<InstanceId, int> times;
        for (int i = 0; i < 5000; ++i) ++times[place(state::View(tables_), {.cluster = cluster_, .group = "a", .strategies = strategies}, ids_).instance->id];
        ASSERT_EQ(times.size(), 5u);
        for (const auto& [id, count] : times) EXPECT_NEAR(count, 1000, 150);
    }
}

}  // namespace
}  // namespace boxship::decide
