#include "decide/service/service.h"

#include <gtest/gtest.h>

#include "decide/service/scale_in.h"
#include "state/tables.h"

namespace boxship::decide {
namespace {

using namespace std::chrono_literals;

TEST(Percentages, round_the_least_up_and_the_most_down)
{
    EXPECT_EQ(least_running(4, 50), 2);
    EXPECT_EQ(most_live(4, 150), 6);
    EXPECT_EQ(least_running(3, 50), 2);
    EXPECT_EQ(most_live(3, 150), 4);
    EXPECT_EQ(least_running(1, 1), 1);
    EXPECT_EQ(most_live(1, 199), 1);
    EXPECT_EQ(least_running(7, 0), 0);
}

TEST(CircuitBreaker, tolerates_half_of_the_tasks_but_three_at_least_and_two_hundred_at_most)
{
    model::RolloutRules rules;
    EXPECT_EQ(breaker_threshold(rules, 1), 3);
    EXPECT_EQ(breaker_threshold(rules, 7), 4);
    EXPECT_EQ(breaker_threshold(rules, 25), 13);
    EXPECT_EQ(breaker_threshold(rules, 1000), 200);
    rules.threshold_type = model::ThresholdType::unbounded_percent;
    EXPECT_EQ(breaker_threshold(rules, 1), 1);
    EXPECT_EQ(breaker_threshold(rules, 1000), 500);
    rules.threshold_type = model::ThresholdType::count;
    rules.threshold = 2;
    EXPECT_EQ(breaker_threshold(rules, 1000), 2);
}

TEST(Throttle, doubles_with_every_attempt_up_to_twenty_seven_minutes)
{
    EXPECT_EQ(throttle(0, 1), 0ms);
    EXPECT_EQ(throttle(1, 1), 1s);
    EXPECT_EQ(throttle(2, 1), 2s);
    EXPECT_EQ(throttle(5, 1), 16s);
    EXPECT_EQ(throttle(50, 1), 27min);
    // Ten tasks that fail together are one attempt.
    EXPECT_EQ(throttle(10, 10), 1s);
    EXPECT_EQ(throttle(11, 10), 2s);
}

TEST(Providers, take_the_base_first_and_then_by_weight)
{
    const std::vector<model::ProviderShare> shares = {{"FARGATE", 2, 1}, {"FARGATE_SPOT", 0, 3}};
    std::map<std::string, int> tasks;
    for (int i = 0; i < 10; ++i) ++tasks[next_provider(shares, tasks)];
    EXPECT_EQ(tasks["FARGATE"], 4);
    EXPECT_EQ(tasks["FARGATE_SPOT"], 6);
    EXPECT_EQ(next_provider({}, {}), "");
}

class ScaleIn : public testing::Test {
protected:
    ScaleIn() { service_.id = id<ServiceTag>(1); }

    template <class Tag>
    static Id<Tag> id(int number)
    {
        std::array<std::byte, 16> bytes{};
        bytes[0] = static_cast<std::byte>(number);
        return Id<Tag>(bytes);
    }
    void add(int number, const char* zone, int instance, int created, model::TaskStatus status = model::TaskStatus::running)
    {
        model::Task task;
        task.id = id<TaskTag>(number);
        task.service = service_.id;
        task.revision = 7;
        task.zone = zone;
        task.instance = id<InstanceTag>(instance);
        task.created_at = {created};
        task.status = status;
        tables_.set<model::Task>(task.id, std::make_shared<const model::Task>(task));
    }
    // Their numbers, first to stop first.
    std::vector<int> whom(int count, const std::set<int>& kept = {}, bool serving = false)
    {
        const Candidates candidates{.revisions = {{service_.id, 7}}, .serving = serving, .may_stop = [&](const model::Task& task) {
            return std::ranges::none_of(kept, [&](int number) { return id<TaskTag>(number) == task.id; });
        }};
        std::vector<int> numbers;
        for (const auto& task : whom_to_stop(state::View(tables_), service_, candidates, count))
            for (int number = 1; number < 20; ++number)
                if (task->id == id<TaskTag>(number)) numbers.push_back(number);
        return numbers;
    }

    state::Tables tables_;
    model::Service service_;
};

TEST_F(ScaleIn, takes_from_the_fullest_zone_and_there_from_the_fullest_instance_the_newest)
{
    add(1, "a", 1, 100);
    add(2, "a", 1, 200);
    add(3, "a", 2, 300);
    add(4, "b", 3, 400);
    EXPECT_EQ(whom(1), std::vector{2}) << "not 3, which is newer and alone on its instance";
    EXPECT_EQ(whom(3), (std::vector{2, 3, 4}));
    EXPECT_EQ(whom(9).size(), 4u);
    EXPECT_TRUE(whom(0).empty());
}

TEST_F(ScaleIn, takes_what_does_not_serve_first)
{
    add(1, "a", 1, 100);
    add(2, "a", 1, 200);
    add(3, "b", 2, 50, model::TaskStatus::pending);
    EXPECT_EQ(whom(2), (std::vector{3, 2}));
    EXPECT_EQ(whom(2, {}, true), (std::vector{2, 1})) << "of those that serve";
}

TEST_F(ScaleIn, counts_those_that_may_not_go)
{
    add(1, "a", 1, 100);
    add(2, "a", 1, 200);
    add(3, "b", 2, 300);
    EXPECT_EQ(whom(2, {2}), (std::vector{1, 3})) << "zone a stays the fullest while 2 is kept";
    EXPECT_EQ(whom(3, {1, 2, 3}), std::vector<int>{});
}

}  // namespace
}  // namespace boxship::decide
