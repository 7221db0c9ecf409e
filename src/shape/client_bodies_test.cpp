// Bodies as real clients send them, byte for byte: AWS CLI, boto3 and the JavaScript SDK.
#include "ec2/ops.h"
#include "ecr/ops.h"
#include "ecs/ops.h"
#include "shape/check.h"
#include "shape/read.h"
#include "shape/write.h"
#include "sts/ops.h"

namespace boxship::shape {
namespace {

constexpr std::string_view task_definition_of_cli =
    R"~({"family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": ")~"
    R"~(512", "containerDefinitions": [{"name": "app", "image": "nginx:1.25", "essential": true, "portMappings": [{")~"
    R"~(containerPort": 80, "protocol": "tcp"}], "environment": [{"name": "GREETING", "value": "h\u00e9llo \"you\" <)~"
    R"~(&>"}], "dockerLabels": {"b": "2", "a": "1"}, "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localh)~"
    R"~(ost/ || exit 1"], "interval": 5, "retries": 2}}], "tags": [{"key": "team", "value": "a b"}]})~";
constexpr std::string_view task_definition_of_js =
    R"~({"family":"web","containerDefinitions":[{"name":"app","image":"nginx:1.25","portMappings":[{"containerPort":)~"
    R"~(80,"protocol":"tcp"}],"essential":true,"environment":[{"name":"GREETING","value":"héllo \"you\" <&>"}],"dock)~"
    R"~(erLabels":{"b":"2","a":"1"},"healthCheck":{"command":["CMD-SHELL","curl -f http://localhost/ || exit 1"],"in)~"
    R"~(terval":5,"retries":2}}],"networkMode":"awsvpc","requiresCompatibilities":["FARGATE"],"cpu":"256","memory":")~"
    R"~(512","tags":[{"key":"team","value":"a b"}]})~";
constexpr std::string_view run_task_of_cli =
    R"~({"cluster": "default", "count": 2, "launchType": "FARGATE", "networkConfiguration": {"awsvpcConfiguration": )~"
    R"~({"subnets": ["subnet-1", "subnet-2"], "assignPublicIp": "ENABLED"}}, "overrides": {"containerOverrides": [{")~"
    R"~(name": "app", "command": ["sleep", "1"]}]}, "taskDefinition": "web:1", "clientToken": "8d08c557-c3dc-4181-8d)~"
    R"~(99-fc9661e1c518"})~";

template <class Request>
Request read_valid_json(const ServiceInfo& service, std::string_view body)
{
    Request request;
    std::vector<UnknownEnum> unknown;
    const auto read = read_json(body, request, &unknown);
    EXPECT_TRUE(read.ok()) << read.error().message;
    const auto valid = validate(service, request, unknown);
    EXPECT_TRUE(valid.ok()) << valid.error().message;
    return request;
}

TEST(ClientBodies, task_definitions_of_all_clients_are_the_same)
{
    const auto cli = read_valid_json<ecs::RegisterTaskDefinitionRequest>(ecs::service_info, task_definition_of_cli);
    const auto js = read_valid_json<ecs::RegisterTaskDefinitionRequest>(ecs::service_info, task_definition_of_js);
    EXPECT_TRUE(equal(cli, js));
    EXPECT_TRUE(cli.network_mode == ecs::NetworkMode::awsvpc);
    EXPECT_EQ(cli.cpu, "256");
    const ecs::ContainerDefinition& app = cli.container_definitions[0];
    EXPECT_EQ(app.environment[0].value, "h\xC3\xA9llo \"you\" <&>");
    EXPECT_EQ(*app.docker_labels.find("b"), "2");
    EXPECT_EQ(app.health_check->interval, 5);
    EXPECT_FALSE(app.health_check->timeout.has());
    EXPECT_TRUE(app.port_mappings[0].protocol == ecs::TransportProtocol::tcp);
    EXPECT_FALSE(app.port_mappings[0].host_port.has());
}

TEST(ClientBodies, run_task)
{
    const auto request = read_valid_json<ecs::RunTaskRequest>(ecs::service_info, run_task_of_cli);
    EXPECT_EQ(request.count, 2);
    EXPECT_EQ(request.network_configuration->awsvpc_configuration->subnets[1], "subnet-2");
    EXPECT_TRUE(request.network_configuration->awsvpc_configuration->assign_public_ip == ecs::AssignPublicIp::enabled);
    EXPECT_EQ(request.overrides->container_overrides[0].command[0], "sleep");
    EXPECT_EQ(request.client_token.size(), 36u);
}

TEST(ClientBodies, times_and_blobs)
{
    for (const auto& [body, ms] : {std::pair(R"({"cluster": "c", "task": "t", "status": "RUNNING", "pullStartedAt": 1795181704})", 1795181704000), std::pair(R"({"task":"t","containers":[],"pullStartedAt":1795181704.123})", 1795181704123)}) {
        const auto request = read_valid_json<ecs::SubmitTaskStateChangeRequest>(ecs::service_info, body);
        EXPECT_EQ(request.pull_started_at->ms, ms);
    }
    ecr::UploadLayerPartRequest part;
    ASSERT_TRUE(read_json(R"({"repositoryName": "web", "uploadId": "00000000", "partFirstByte": 0, "partLastByte": 3, "layerPartBlob": "AP9hYg=="})", part).ok());
    EXPECT_EQ(part.layer_part_blob, std::string_view("\0\xff" "ab", 4));
    EXPECT_EQ(part.part_last_byte, 3);
}

TEST(ClientBodies, sts_forms)
{
    for (const char* form : {"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fr&RoleSessionName=s1&DurationSeconds=900&Tags.member.1.Key=a&Tags.member.1.Value=b+c",
                             "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fr&RoleSessionName=x%40y&PolicyArns=&Tags.member.1.Key=a&Tags.member.1.Value=b%20c"}) {
        sts::AssumeRoleRequest request;
        ASSERT_TRUE(read_query(form, request).ok());
        EXPECT_EQ(request.role_arn, "arn:aws:iam::000000000000:role/r");
        EXPECT_EQ(request.tags[0].value, "b c");
    }
    sts::AssumeRoleRequest request;
    ASSERT_TRUE(read_query("Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fr&RoleSessionName=x%40y&PolicyArns=&TransitiveTagKeys.member.1=a&TransitiveTagKeys.member.2=b", request).ok());
    EXPECT_EQ(request.role_session_name, "x@y");
    EXPECT_EQ(request.transitive_tag_keys.size(), 2u);
}

TEST(ClientBodies, ec2_forms)
{
    for (const char* form : {"Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.1.Value.2=vpc-2&SubnetId.1=subnet-1",
                             "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&SubnetId.1=subnet-1"}) {
        ec2::DescribeSubnetsRequest request;
        ASSERT_TRUE(read_ec2(form, request).ok());
        EXPECT_EQ(request.filters[0].name, "vpc-id");
        EXPECT_EQ(request.filters[0].values[0], "vpc-1");
        EXPECT_EQ(request.subnet_ids[0], "subnet-1");
        EXPECT_FALSE(request.max_results.has());
    }
}

}  // namespace
}  // namespace boxship::shape
