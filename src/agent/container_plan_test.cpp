#include <gtest/gtest.h>
#include <gmock/gmock.h>

#include "agent/container_plan.h"
#include "agent/fakes_for_tests.h"

namespace boxship::agent {
namespace {

using shape::Json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TaskRecord record_of(const Json& task)
{
    auto spec = read_task(task);
    EXPECT_TRUE(spec.ok()) << (spec ? "" : spec.error());
    TaskRecord record;
    for (std::size_t at = 0; at < spec->containers.size(); ++at) {
        ContainerRecord& container = record.containers.emplace_back();
        container.runtime_id = std::string(64, 'a');
        container.endpoint_id = "endpoint-" + std::to_string(at);
    }
    record.spec = std::make_shared<const TaskSpec>(std::move(*spec));
    return record;
}

const PlanContext context{.region = "eu-west-1"};
const std::string id(32, '5');

HostOutcome<ContainerPlan> plan(Json container, const ImageConfig& image, std::initializer_list<shape::JsonMember> more = {})
{
    return plan_container(record_of(task_json(id, {std::move(container)}, more)), 0, image, context);
}

Json docker(std::string config, std::string host_config)
{
    return Json::object({{"version", "1.24"}, {"config", std::move(config)}, {"hostConfig", std::move(host_config)}});
}

TEST(ContainerPlan, merges_entry_point_and_command_as_docker_does)
{
    const ImageConfig image{.entry_point = {"/entry"}, .command = {"serve"}};
    EXPECT_THAT(plan(container_json("c"), image)->arguments, ElementsAre("/entry", "serve"));
    EXPECT_THAT(plan(container_json("c", {{"command", Json::array({"other"})}}), image)->arguments, ElementsAre("/entry", "other"));
    EXPECT_THAT(plan(container_json("c", {{"entryPoint", Json::array({"sh"})}}), image)->arguments, ElementsAre("sh"));
    EXPECT_THAT(plan(container_json("c", {{"command", Json::array({"x"})}, {"overrides", "{\"command\":[\"y\"]}"}}), image)->arguments,
                ElementsAre("/entry", "y"));
    const auto none = plan(container_json("c"), {});
    ASSERT_FALSE(none.ok());
    EXPECT_EQ(none.error().name, "CannotCreateContainerError");
}

TEST(ContainerPlan, environment_has_an_order_of_precedence)
{
    const ImageConfig image{.command = {"x"}, .environment = {"A=image", "PATH=/opt/bin", "B=image"}};
    const Json environment = Json::object({{"A", "task"}, {"AWS_ENDPOINT_URL", "http://mine"}});
    const auto made = plan(container_json("c", {{"environment", environment}}), image,
                           {{"roleCredentials", Json::object({{"credentialsId", "cred"}, {"roleArn", "arn"}})}});
    const auto& lines = made->environment;
    EXPECT_THAT(lines, Contains("A=task"));
    EXPECT_THAT(lines, Not(Contains("A=image")));
    EXPECT_THAT(lines, Contains("B=image"));
    EXPECT_THAT(lines, Contains("PATH=/opt/bin"));
    EXPECT_THAT(lines, Contains("AWS_ENDPOINT_URL=http://mine"));
    EXPECT_THAT(lines, Contains("AWS_REGION=eu-west-1"));
    EXPECT_THAT(lines, Contains("ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/endpoint-0"));
    EXPECT_THAT(lines, Contains("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/cred"));
}

TEST(ContainerPlan, takes_the_image_where_the_task_is_silent)
{
    const ImageConfig image{.command = {"x"}, .working_directory = "/srv", .user = "app", .stop_signal = "SIGINT", .labels = {{"made", "by"}}};
    const auto made = plan(container_json("c"), image);
    EXPECT_EQ(made->working_directory, "/srv");
    EXPECT_EQ(made->user, "app");
    EXPECT_EQ(made->stop_signal, "SIGINT");
    EXPECT_EQ(made->labels.at("made"), "by");
    EXPECT_EQ(made->labels.at("com.amazonaws.ecs.task-definition-family"), "web");
    const auto other = plan(container_json("c", {{"dockerConfig", docker("{\"User\":\"1000\",\"StopSignal\":\"SIGUSR1\"}", "{}")}}), image);
    EXPECT_EQ(other->user, "1000");
    EXPECT_EQ(other->stop_signal, "SIGUSR1");
}

TEST(ContainerPlan, translates_docker_keys)
{
    const std::string host = R"({"NetworkMode":"bridge","Privileged":false,"ReadonlyRootfs":true,"CapAdd":["CAP_NET_ADMIN"],"CapDrop":["CHOWN"],
        "Dns":["10.0.0.2"],"DnsSearch":["corp"],"ExtraHosts":["db:10.1.1.1"],"Ulimits":[{"Name":"nofile","Soft":10,"Hard":20}],
        "Sysctls":{"net.core.somaxconn":"10"},"Devices":[{"PathOnHost":"/dev/fuse"}],"Init":true,"ShmSize":1048576,
        "Tmpfs":{"/tmp":"size=64m,noexec"},"MemoryReservation":67108864,"MemorySwap":-1,"MemorySwappiness":0,
        "LogConfig":{"Type":"json-file","Config":{"max-size":"10m","max-file":"3"}},"SecurityOpt":["no-new-privileges"],"Links":[],"Runtime":null})";
    const auto made = plan(container_json("c", {{"dockerConfig", docker("{\"Tty\":true,\"Labels\":{\"a\":\"b\"}}", host)}}), {.command = {"x"}});
    ASSERT_TRUE(made.ok()) << made.error().text();
    EXPECT_TRUE(made->read_only_root);
    EXPECT_TRUE(made->init);
    EXPECT_TRUE(made->terminal);
    EXPECT_TRUE(made->no_new_privileges);
    EXPECT_THAT(made->capabilities_add, ElementsAre("NET_ADMIN"));
    EXPECT_THAT(made->dns_servers, ElementsAre("10.0.0.2"));
    ASSERT_EQ(made->hosts.size(), 1u);
    EXPECT_EQ(made->hosts[0].address, "10.1.1.1");
    EXPECT_EQ(made->ulimits.at(0).hard, 20);
    EXPECT_EQ(made->devices.at(0).permissions, "rwm");
    EXPECT_EQ(made->shm_bytes, 1048576u);
    EXPECT_EQ(made->mounts.at(0).size_bytes, 64u << 20);
    EXPECT_EQ(made->mounts.at(0).options, "noexec");
    EXPECT_EQ(made->memory_bytes, 128u << 20);
    EXPECT_EQ(made->memory_reservation_bytes, 64u << 20);
    EXPECT_EQ(made->memory_swap_bytes, -1);
    EXPECT_EQ(made->memory_swappiness, 0);
    EXPECT_EQ(made->log.file_bytes_max, 10u << 20);
    EXPECT_EQ(made->log.files_max, 3);
}

TEST(ContainerPlan, refuses_what_it_cannot_honour)
{
    for (const char* host : {R"({"Runtime":"nvidia"})", R"({"LogConfig":{"Type":"syslog"}})", R"({"LogConfig":{"Type":"json-file","Config":{"tag":"x"}}})",
                             R"({"VolumeDriver":"nfs"})",
                             R"({"SecurityOpt":["apparmor=custom"]})", R"({"PidMode":"container:x"})"}) {
        const auto made = plan(container_json("c", {{"dockerConfig", docker("{}", host)}}), {.command = {"x"}});
        ASSERT_FALSE(made.ok()) << host;
        EXPECT_EQ(made.error().name, "DockerClientConfigError");
        EXPECT_THAT(made.error().message, HasSubstr("hostConfig."));
    }
}

TEST(ContainerPlan, volumes_become_mounts)
{
    const Json volumes = Json::array({Json::object({{"name", "conf"}, {"host", Json::object({{"sourcePath", "/etc/app"}})}}),
                                      Json::object({{"name", "scratch"}, {"host", Json::object()}})});
    const Json mounts = Json::array({Json::object({{"sourceVolume", "scratch"}, {"containerPath", "/data/deep"}}),
                                     Json::object({{"sourceVolume", "conf"}, {"containerPath", "/conf"}, {"readOnly", true}})});
    const Json from = Json::array({Json::object({{"sourceContainer", "a"}, {"readOnly", true}})});
    const TaskRecord record = record_of(task_json(id, {container_json("a", {{"mountPoints", mounts}}), container_json("b", {{"volumesFrom", from}})},
                                                  {{"volumes", volumes}}));
    const auto a = plan_container(record, 0, {.command = {"x"}}, context);
    ASSERT_EQ(a->mounts.size(), 2u);
    EXPECT_EQ(a->mounts[0].path, "/conf");
    EXPECT_EQ(a->mounts[0].source, "/etc/app");
    EXPECT_EQ(a->mounts[1].kind, Mount::Kind::scratch);
    const auto b = plan_container(record, 1, {.command = {"x"}}, context);
    ASSERT_EQ(b->mounts.size(), 2u);
    EXPECT_TRUE(b->mounts[1].read_only);
}

TEST(TaskSpec, reads_what_admission_counts)
{
    const auto by_containers = read_task(task_json(id, {container_json("a"), container_json("b")}));
    EXPECT_EQ(by_containers->cpu_units(), 512);
    EXPECT_EQ(by_containers->memory_mib(), 256);
    const auto by_task = read_task(task_json(id, {container_json("a")}, {{"cpu", 0.25}, {"memory", 512}}));
    EXPECT_EQ(by_task->cpu_units(), 256);
    EXPECT_EQ(by_task->memory_mib(), 512);
}

TEST(TaskRecord, survives_being_written_and_read)
{
    TaskRecord record = record_of(task_json(id, {container_json("a")}));
    record.desired = Desired::stopped;
    record.reason = "because";
    record.running = {5};
    record.containers[0].exit_code = 0;
    record.containers[0].life = Life::stopped;
    record.containers[0].ports = {{80, 32768, "tcp", "0.0.0.0"}};
    TaskRecord back;
    back.spec = record.spec;
    ASSERT_TRUE(load(save(record), back).ok());
    EXPECT_EQ(save(back), save(record));
    EXPECT_EQ(back.containers[0].exit_code, 0);
    EXPECT_FALSE(load("{\"version\":99}", back).ok());
}

}  // namespace
}  // namespace boxship::agent
