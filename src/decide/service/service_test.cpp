#include "decide/service/service.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace boxship::decide
