// What containers are answered, over HTTP. A task is known by the address it calls from: 127.0.0.1 here.
#include "agent/endpoints.h"

#include <boost/asio/awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/fakes_for_tests.h"
#include "env/real/real_env.h"

namespace boxship::agent {
namespace {

using shape::Json;
using testing::HasSubstr;

const std::string task_id(32, 'c');
const std::string other_id(32, 'd');

class MeasuredHost : public FakeHost {
public:
    using FakeHost::FakeHost;
    std::vector<ContainerStats> stats(std::span<const std::string> containers) override
    {
        std::vector<ContainerStats> samples;
        at_ = at_ + Milliseconds(10'000);
        for (const std::string& container : containers) {
            ContainerStats sample{.container = container, .at = at_, .memory_bytes = 3u << 20, .pids = 2, .has_network = true};
            sample.cpu_ns = static_cast<std::uint64_t>(at_.ms) * 100'000;      // a tenth of a processor
            sample.rx_bytes = static_cast<std::uint64_t>(at_.ms);
            samples.push_back(sample);
        }
        return samples;
    }

private:
    Time at_{1'000'000};
};

class EndpointsTest : public testing::Test {
protected:
    EndpointsTest()
    {
        const auto made = server_.listen("127.0.0.1", 0, "default");
        CHECK(made.ok());
        url_ = "http://127.0.0.1:" + std::to_string(*made);
        publish(task_id, "127.0.0.1", "endpoint-1");
        publish(other_id, "127.0.0.9", "endpoint-2");
    }

    void publish(const std::string& id, const std::string& address, const std::string& endpoint, const std::string& router = "default")
    {
        const Json eni = Json::array({Json::object({{"attachmentArn", "a"}, {"ec2Id", "eni-1"}, {"macAddress", "02:42:7f:00:00:01"},
                                                    {"ipv4Addresses", Json::array({Json::object({{"primary", true}, {"privateAddress", address}})})},
                                                    {"subnetGatewayIpv4Address", "127.0.0.254/8"}, {"router", router}})});
        const Json role = Json::object({{"credentialsId", "cred-" + id.substr(0, 1)}, {"roleArn", "arn:r"}});
        const Json ports = Json::array({Json::object({{"containerPort", 80}, {"protocol", "tcp"}})});
        auto spec = read_task(task_json(id, {container_json("web", {{"portMappings", ports}, {"containerArn", "arn:c"}})},
                                        {{"networkMode", "awsvpc"}, {"elasticNetworkInterfaces", eni}, {"cpu", 0.25}, {"memory", 512},
                                         {"launchType", "FARGATE"}, {"zone", "us-east-1c"}, {"roleCredentials", role}}));
        CHECK(spec.ok());
        auto view = std::make_shared<TaskView>();
        view->record.running = {5'000};
        view->record.accepted = {1'000};
        ContainerRecord& container = view->record.containers.emplace_back();
        container.runtime_id = std::string(64, id[0]);
        container.endpoint_id = endpoint;
        container.life = Life::running;
        container.image_id = "sha256:config";
        container.pull_started = {2'000};
        container.pull_stopped = {3'000};
        container.created = container.started = {4'000};
        view->record.spec = std::make_shared<const TaskSpec>(std::move(*spec));
        view->health.resize(1);
        board_.publish(view);
    }

    std::pair<int, Json> get(const std::string& path, const std::string& method = "GET")
    {
        const auto answer = client_.send_blocking({.method = method, .url = url_ + path});
        CHECK(answer.ok());
        const auto json = Json::parse(answer->body);
        EXPECT_TRUE(json.ok()) << answer->body;
        return {answer->status, json ? *json : Json()};
    }

    VirtualTime time_;
    env::RealClock clock_;
    http::IoThreads io_{1};
    Board board_;
    TaskCredentials credentials_;
    MeasuredHost host_{time_, time_};
    Telemetry telemetry_{board_, host_, 2};
    Workers workers_{"test", 1};
    HostCredentials keys_{"/nonexistent"};
    ApiClient api_{{"http://127.0.0.1:9", "us-east-1", ""}, keys_, clock_};
    Endpoints endpoints_{io_, EndpointParts{board_, credentials_, telemetry_, host_, workers_, api_}, MetadataContext{"us-east-1a"}, 2};
    http::Server server_{io_, [this](http::Request& request, http::BodyReader& body) { return endpoints_.handle(request, body); }};
    http::Client client_;
    std::string url_;
};

TEST_F(EndpointsTest, version_4_describes_a_task)
{
    const auto [status, task] = get("/v4/endpoint-1/task");
    EXPECT_EQ(status, 200);
    EXPECT_EQ(task.get_string("TaskARN"), "arn:aws:ecs:us-east-1:000000000000:task/default/" + task_id);
    EXPECT_EQ(task.get_string("Family"), "web");
    EXPECT_EQ(task.get_string("Revision"), "3");
    EXPECT_EQ(task.get_string("KnownStatus"), "RUNNING");
    EXPECT_EQ(task.get_string("LaunchType"), "FARGATE");
    EXPECT_EQ(task.get_string("AvailabilityZone"), "us-east-1c");
    EXPECT_EQ(task.get_string("PullStartedAt"), "1970-01-01T00:00:02.000Z");
    EXPECT_EQ(task["Limits"].dump(), R"({"CPU":0.25,"Memory":512})");
    EXPECT_FALSE(task.has("ExecutionStoppedAt"));
    const Json& container = task["Containers"].as_array().at(0);
    EXPECT_EQ(container.get_string("DockerId"), std::string(64, 'c'));
    EXPECT_EQ(container.get_string("ContainerARN"), "arn:c");
    EXPECT_EQ(container["Ports"].dump(), R"([{"ContainerPort":80,"Protocol":"tcp"}])");
    const Json& network = container["Networks"].as_array().at(0);
    EXPECT_EQ(network["IPv4Addresses"].dump(), R"(["127.0.0.1"])");
    EXPECT_EQ(network.get_string("IPv4SubnetCIDRBlock"), "127.0.0.0/8");
    EXPECT_EQ(network.get_string("MACAddress"), "02:42:7f:00:00:01");
}

TEST_F(EndpointsTest, all_versions_describe_a_container)
{
    const auto v4 = get("/v4/endpoint-1").second;
    EXPECT_EQ(v4.get_string("Name"), "web");
    EXPECT_EQ(v4["Labels"].get_string("com.amazonaws.ecs.container-name"), "web");
    EXPECT_EQ(v4.get_string("LogDriver"), "json-file");
    const auto v3 = get("/v3/endpoint-1").second;
    EXPECT_EQ(v3.get_string("DockerId"), v4.get_string("DockerId"));
    EXPECT_FALSE(v3.has("ContainerARN"));
    EXPECT_EQ(get("/v3/endpoint-1/task").second.get_string("Family"), "web");
    EXPECT_EQ(get("/v2/metadata").second.get_string("TaskARN"), "arn:aws:ecs:us-east-1:000000000000:task/default/" + task_id);
    EXPECT_EQ(get("/v2/metadata/" + std::string(64, 'c')).second.get_string("Name"), "web");
    EXPECT_EQ(get("/v2/metadata/unknown").first, 400);
}

TEST_F(EndpointsTest, statistics_are_dockers)
{
    telemetry_.sample();
    const auto stats = get("/v4/endpoint-1/stats").second;
    EXPECT_EQ(stats["memory_stats"].get_int64("usage"), 3 << 20);
    EXPECT_EQ(stats["cpu_stats"].get_int64("online_cpus"), 2);
    EXPECT_GT(stats["cpu_stats"]["cpu_usage"].get_int64("total_usage"), stats["precpu_stats"]["cpu_usage"].get_int64("total_usage"));
    EXPECT_EQ(stats["network_rate_stats"].get_double("rx_bytes_per_sec"), 1000.0);
    const auto task = get("/v4/endpoint-1/task/stats").second;
    EXPECT_TRUE(task[std::string(64, 'c')].is_object());
    EXPECT_TRUE(get("/v2/stats").second[std::string(64, 'c')].is_object());
}

TEST_F(EndpointsTest, a_task_sees_nothing_of_another)
{
    credentials_.put("arn:aws:ecs:us-east-1:000000000000:task/default/" + other_id, false,
                     Json::object({{"credentialsId", "cred-d"}, {"accessKeyId", "AKIA"}, {"secretAccessKey", "hush"}}));
    EXPECT_EQ(get("/v4/endpoint-2").first, 404);
    EXPECT_EQ(get("/v4/endpoint-2/task").first, 404);
    EXPECT_EQ(get("/v3/endpoint-2/stats").first, 404);
    const auto [status, refused] = get("/v2/credentials/cred-d");
    EXPECT_EQ(status, 400);
    EXPECT_EQ(refused.get_string("code"), "InvalidIdInRequest");
    EXPECT_THAT(refused.dump(), testing::Not(HasSubstr("hush")));
}

TEST_F(EndpointsTest, keys_of_the_task_role_and_of_no_other)
{
    const std::string arn = "arn:aws:ecs:us-east-1:000000000000:task/default/" + task_id;
    const auto keys = [](const char* id) {
        return Json::object({{"credentialsId", id}, {"roleArn", "arn:r"}, {"accessKeyId", "AKIA"}, {"secretAccessKey", "s"}, {"sessionToken", "t"},
                             {"expiration", "2030-01-01T00:00:00Z"}});
    };
    EXPECT_EQ(get("/v2/credentials/cred-c").first, 503);        // known, but not pushed yet
    EXPECT_EQ(get("/v2/credentials/cred-c").second.get_string("code"), "CredentialsUninitialized");
    credentials_.put(arn, false, keys("cred-c"));
    credentials_.put(arn, true, keys("execution"));
    const auto [status, found] = get("/v2/credentials/cred-c");
    EXPECT_EQ(status, 200);
    EXPECT_EQ(found.dump(), R"({"RoleArn":"arn:r","AccessKeyId":"AKIA","SecretAccessKey":"s","Token":"t","Expiration":"2030-01-01T00:00:00Z"})");
    EXPECT_EQ(get("/v1/credentials?id=cred-c").first, 200);
    EXPECT_EQ(get("/v2/credentials/execution").first, 400);
    EXPECT_EQ(get("/v2/credentials/").second.get_string("code"), "NoIdInRequest");
    credentials_.drop_task(arn);
    EXPECT_NE(get("/v2/credentials/cred-c").first, 200);
}

TEST_F(EndpointsTest, what_is_not_offered_says_so)
{
    EXPECT_EQ(get("/v4/endpoint-1/nonsense").first, 404);
    EXPECT_EQ(get("/v4/unknown").first, 404);
    EXPECT_EQ(get("/v5/endpoint-1").first, 404);
    EXPECT_EQ(get("/v4/endpoint-1", "DELETE").first, 405);
    const auto [status, refused] = get("/api/endpoint-1/nonsense", "PUT");
    EXPECT_EQ(status, 400);
    EXPECT_EQ(refused["error"].get_string("Code"), "UnsupportedFeatureException");
    EXPECT_EQ(get("/v4/endpoint-1/associations/gpu").second.dump(), R"({"Associations":[]})");
    // The control plane cannot be asked here: the task is described, and the error named.
    EXPECT_EQ(get("/v4/endpoint-1/taskWithTags").second["Errors"].as_array().at(0).get_string("ErrorField"), "TaskTags");
}

TEST_F(EndpointsTest, telemetry_sums_samples_up)
{
    telemetry_.sample();
    telemetry_.sample();
    const auto messages = telemetry_.take("default", "arn:i", Time{7'000}, "m");
    ASSERT_EQ(messages.size(), 1u);
    EXPECT_TRUE(messages[0]["metadata"].get_bool("fin"));
    EXPECT_FALSE(messages[0]["metadata"].get_bool("idle"));
    ASSERT_EQ(messages[0]["taskMetrics"].as_array().size(), 2u);
    const Json& container = messages[0]["taskMetrics"].as_array()[0]["containerMetrics"].as_array().at(0);
    EXPECT_EQ(container["cpuStatsSet"].dump(), R"({"min":5,"max":5,"sum":5,"sampleCount":1})");     // of both processors together
    EXPECT_EQ(container["memoryStatsSet"].dump(), R"({"min":3,"max":3,"sum":6,"sampleCount":2})");
    EXPECT_TRUE(container["networkStatsSet"].has("rxBytes"));
    const auto idle = telemetry_.take("default", "arn:i", Time{8'000}, "m");
    ASSERT_EQ(idle.size(), 1u);
    EXPECT_TRUE(idle[0]["metadata"].get_bool("idle"));
}

TEST_F(EndpointsTest, an_equal_address_in_another_vpc_is_another_s)
{
    const std::string third(32, '3');
    publish(third, "127.0.0.1", "endpoint-3", "vpc-0123456789abcdef0");
    EXPECT_EQ(get("/v4/endpoint-3/task").first, 404);
    EXPECT_EQ(get("/v2/metadata").second.get_string("TaskARN"), "arn:aws:ecs:us-east-1:000000000000:task/default/" + task_id);
}

}  // namespace
}  // namespace boxship::agent
