#include <gtest/gtest.h>

#include "decide/service/turn.h"
#include "state/tables.h"
#include "state/txn.h"

namespace boxship::decide {
namespace {

using namespace model;

struct Failures : testing::Test {
    Failures() { service.primary = 1; }
    // The count after a turn in which the service is as desired.
    int left(RolloutState rollout)
    {
        txn.put(ServiceRevision{.id = {service.id, 1}, .rollout = rollout, .failed_tasks = 3, .start_failures = 2});
        Turn turn(txn, service, Time{1'000'000'000});
        forget_failures(turn);
        EXPECT_EQ(turn.primary().start_failures, 0) << "the next start need not wait";
        return turn.primary().failed_tasks;
    }

    state::Tables tables;
    state::Group writes;
    state::Txn txn{tables, writes};
    Service service;
};

TEST_F(Failures, are_forgotten_when_the_service_is_as_desired)
{
    EXPECT_EQ(left(RolloutState::in_progress), 0);
    service.rules.reset_on_healthy = false;
    EXPECT_EQ(left(RolloutState::in_progress), 3);
}

TEST_F(Failures, of_a_deployment_that_has_failed_stay_for_whoever_asks_why)
{
    EXPECT_EQ(left(RolloutState::failed), 3);
}

}  // namespace
}  // namespace boxship::decide
