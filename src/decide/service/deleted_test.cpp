// A service that is deleted ends when nothing of it is left, in its target groups neither.
#include <gtest/gtest.h>

#include "base/ids_for_tests.h"
#include "decide/service/service.h"
#include "model/elbv2_arns.h"
#include "state/tables.h"
#include "state/txn.h"

namespace boxship::decide {
namespace {

using namespace model;

TEST(DeletedService, stays_until_its_last_task_has_left_its_target_group)
{
    state::Tables tables;
    state::Group writes;
    state::Txn txn(tables, writes);
    const Time now{1'000'000'000};
    const Scope scope{"000000000000", "us-east-1"};
    const ServiceId service = id<ServiceId>(1);
    TargetGroup group;
    group.id = id<TargetGroupId>(2);
    group.scope = scope;
    group.name = "group";
    group.type = TargetType::ip;
    const std::string arn = target_group_arn(group);
    txn.put(group);
    txn.put(Cluster{.id = id<ClusterId>(3), .scope = scope});
    Service row;
    row.id = service;
    row.scope = scope;
    row.cluster = id<ClusterId>(3);
    row.primary = 1;
    row.status = ServiceStatus::draining;
    txn.put(row);
    ServiceRevision revision;
    revision.id = {service, 1};
    revision.targets = {{.arn = arn, .container = "web", .port = 80}};
    txn.put(revision);
    // It was ended from outside, before anybody looked at its target.
    Task task;
    task.id = id<TaskId>(4);
    task.service = service;
    task.revision = 1;
    task.balanced = true;
    task.status = TaskStatus::stopped;
    task.attachment.id = id<Id<AttachmentTag>>(5);
    task.attachment.address = 0x0a000001;
    txn.put(task);
    Target target;
    target.name = {group.id, "10.0.0.1", 80};
    txn.put(target);

    EXPECT_FALSE(plan_service(txn, service, now).service) << "it is still in its target group";

    target.state = TargetState::draining;
    txn.put(target);
    const auto plan = plan_service(txn, service, now);
    ASSERT_TRUE(plan.service);
    EXPECT_EQ(plan.service->status, ServiceStatus::inactive);
}

}  // namespace
}  // namespace boxship::decide
