#include "shape/check.h"

#include "ec2/ops.h"
#include "ecr/ops.h"
#include "ecs/ops.h"
#include "sts/ops.h"

namespace boxship::shape {
namespace {

template <class Request>
ApiError error_of(const ServiceInfo& service, std::string_view json)
{
    Request request;
    std::vector<UnknownEnum> unknown;
    const auto read = read_json(json, request, &unknown);
    EXPECT_TRUE(read.ok()) << read.error().message;
    const auto valid = validate(service, request, unknown);
    return valid.ok() ? ApiError{"", "valid"} : valid.error();
}

TEST(Check, ecs_reports_missing_members_and_lengths)
{
    const auto error = [](std::string_view json) { return error_of<ecs::RunTaskRequest>(ecs::service_info, json); };
    EXPECT_EQ(error("{}").code, "InvalidParameterException");
    EXPECT_EQ(error("{}").message, "1 validation error detected: Value null at 'taskDefinition' failed to satisfy constraint: Member must not be null");
    const std::string key(129, 'k');
    EXPECT_EQ(error(R"({"taskDefinition":"a","tags":[{"key":"a"},{"key":")" + key + R"("}]})").message,
              "1 validation error detected: Value '" + key +
                  "' at 'tags.2.member.key' failed to satisfy constraint: Member must have length less than or equal to 128");
    EXPECT_EQ(error(R"({"taskDefinition":"a","launchType":"CLOUD"})").message,
              "1 validation error detected: Value 'CLOUD' at 'launchType' failed to satisfy constraint: "
              "Member must satisfy enum value set: [EC2, EXTERNAL, FARGATE, MANAGED_INSTANCES]");
    EXPECT_EQ(error(R"({"taskDefinition":"a","tags":[{"key":"a;"}],"launchType":""})").message.substr(0, 29), "2 validation errors detected:");
    EXPECT_EQ(error(R"({"taskDefinition":"a","tags":[{"key":"äö é"}]})").message, "valid");
}

TEST(Check, ecr_uses_its_own_words)
{
    const auto error = [](std::string_view json) { return error_of<ecr::CreateRepositoryRequest>(ecr::service_info, json); };
    EXPECT_EQ(error("{}").code, "InvalidParameterException");
    EXPECT_EQ(error("{}").message, "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must not be null'");
    EXPECT_EQ(error(R"({"repositoryName":"A"})").message,
              "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'Member must have length greater than or equal to 2'");
    EXPECT_EQ(error(R"({"repositoryName":"Web"})").message,
              "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular expression "
              "'[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*''");
    EXPECT_EQ(error(R"({"repositoryName":"team/web-1"})").message, "valid");
    EXPECT_EQ(error(R"({"repositoryName":"web\n"})").code, "InvalidParameterException");
}

TEST(Check, sts_and_ec2)
{
    const auto sts_error = error_of<sts::AssumeRoleRequest>(sts::service_info, R"({"RoleArn":"x","DurationSeconds":5})");
    EXPECT_EQ(sts_error.code, "ValidationError");
    EXPECT_EQ(sts_error.message,
              "3 validation errors detected: Value 'x' at 'roleArn' failed to satisfy constraint: Member must have length greater "
              "than or equal to 20; Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null; "
              "Value '5' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900");
    const auto ec2_error = error_of<ec2::DescribeVpcsRequest>(ec2::service_info, R"({"MaxResults":1})");
    EXPECT_EQ(ec2_error.code, "InvalidParameterValue");
}

TEST(Check, unions_have_one_member)
{
    const auto error = error_of<ecs::SharingStrategy>(ecs::service_info, "{}");
    EXPECT_NE(error.message.find("exactly one"), std::string::npos) << error.message;
}

TEST(Check, hides_secrets)
{
    const auto error = error_of<sts::AssumeRoleWithWebIdentityRequest>(
        sts::service_info, R"({"RoleArn":"arn:aws:iam::000000000000:role/x","RoleSessionName":"abc","WebIdentityToken":"abc"})");
    EXPECT_EQ(error.message.find("'abc'"), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("webIdentityToken"), std::string::npos) << error.message;
}

}  // namespace
}  // namespace boxship::shape
