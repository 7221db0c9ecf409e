// A clock that was set back makes no wait longer than it was ever meant to be.
#include <gtest/gtest.h>

#include "decide/service/turn.h"
#include "state/tables.h"
#include "state/txn.h"

namespace boxship::decide {
namespace {

using namespace std::chrono_literals;
using namespace model;

constexpr Time then{1'000'000'000};

struct ClockTest : testing::Test {
    ClockTest()
    {
        service.primary = 1;
        txn.put(ServiceRevision{.id = {service.id, 1}, .start_after = then});
    }
    Turn turn(Time now) { return Turn(txn, service, now); }

    state::Tables tables;
    state::Group writes;
    state::Txn txn{tables, writes};
    Service service;
};

TEST_F(ClockTest, a_throttle_lasts_twenty_seven_minutes_at_most)
{
    EXPECT_FALSE(turn(then).throttled());
    EXPECT_TRUE(turn(then - 1min).throttled());
    EXPECT_TRUE(turn(then - 27min).throttled());
    EXPECT_FALSE(turn(then - 28min).throttled());
}

TEST_F(ClockTest, a_protection_lasts_forty_eight_hours_at_most)
{
    const Task task{.protected_until = then};
    EXPECT_FALSE(turn(then).is_protected(task));
    Turn protects = turn(then - 48h);
    EXPECT_TRUE(protects.is_protected(task));
    EXPECT_EQ(protects.plan.wake_at, then);
    EXPECT_FALSE(turn(then - 49h).is_protected(task));
}

}  // namespace
}  // namespace boxship::decide
