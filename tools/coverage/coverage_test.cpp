#include "coverage.h"

#include "ecs/ops.h"
#include "sts/ops.h"

namespace boxship::coverage {
namespace {

struct Nothing {};
Result<Nothing> run_task(services::Txn&, const services::Call&, const ecs::RunTaskRequest&)
{
    return Nothing{};
}
ecs::RunTaskResponse render_run_task(const Nothing&)
{
    return {};
}

TEST(Coverage, lists_served_and_missing_operations)
{
    services::Served served;
    served.add<ecs::ops::RunTask>(run_task, render_run_task).ignores({"referenceId"}).refuses({"volumeConfigurations", "group"});
    const shape::ServiceInfo* services[] = {&ecs::service_info, &sts::service_info};
    const std::string text = page(services, served);
    EXPECT_NE(text.find("| ecs | 88 | 1 |"), std::string::npos) << text;
    EXPECT_NE(text.find("| `referenceId` | `group`, `volumeConfigurations` |"), std::string::npos) << text;
    EXPECT_NE(text.find("GetCallerIdentity"), std::string::npos);
    EXPECT_EQ(text.find("ListTasks |"), std::string::npos);
}

TEST(Coverage, counts_members_below)
{
    EXPECT_EQ(count_members(ecs::Tag::record_info), 2u);
    EXPECT_EQ(count_members(ecs::NetworkConfiguration::record_info), 4u);
    EXPECT_GT(count_members(ecs::RegisterTaskDefinitionRequest::record_info), 100u);
}

}  // namespace
}  // namespace boxship::coverage
