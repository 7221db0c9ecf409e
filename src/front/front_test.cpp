#include "front/front.h"

#include <atomic>
#include <optional>

#include "ec2/ops.h"
#include "ecr/ops.h"
#include "ecs/ops.h"
#include "env/real/real_env.h"
#include "front/members.h"
#include "model/ecs.h"
#include "shape/json_value.h"
#include "sts/ops.h"
#include "wire/crypto.h"
#include "wire/http/client.h"

namespace boxship::front {
namespace {

using services::Call;
using services::Principal;
using services::Txn;
using shape::Json;

struct Nothing {};
struct Text {
    std::string text;
};

Result<Text> create_cluster(Txn& txn, const Call& call, const ecs::CreateClusterRequest& request)
{
    if (request.cluster_name == "throws") throw std::runtime_error("a test's exception");
    model::Cluster cluster;
    cluster.id = call.ids.next<ClusterId>();
    cluster.scope = call.scope;
    cluster.name = request.cluster_name.str();
    txn.put(cluster);
    if (request.cluster_name == "refused") return ApiError{"ClusterNotFoundException", "Cluster not found."};
    return Text{cluster.name};
}
ecs::CreateClusterResponse render_create_cluster(const Text& rows)
{
    ecs::CreateClusterResponse response;
    response.cluster->cluster_name = rows.text;
    return response;
}

std::atomic<std::size_t> clusters_seen = 0;
Result<Nothing> list_clusters(Txn& txn, const Call&, const ecs::ListClustersRequest&)
{
    clusters_seen = txn.rows<model::Cluster>().size();
    return Nothing{};
}
ecs::ListClustersResponse render_list_clusters(const Nothing&)
{
    ecs::ListClustersResponse response;
    response.cluster_arns.emplace();
    return response;
}

Result<Nothing> register_task_definition(Txn&, const Call&, const ecs::RegisterTaskDefinitionRequest& request)
{
    if (request.container_definitions.empty()) return ApiError{"ClientException", "Container definitions are missing."};
    return Nothing{};
}
ecs::RegisterTaskDefinitionResponse render_register_task_definition(const Nothing&)
{
    return {};
}

Result<Nothing> describe_repositories(Txn&, const Call&, const ecr::DescribeRepositoriesRequest&)
{
    return Nothing{};
}
ecr::DescribeRepositoriesResponse render_describe_repositories(const Nothing&)
{
    return {};
}

Result<Text> get_caller_identity(Txn&, const Call& call, const sts::GetCallerIdentityRequest&)
{
    return Text{call.principal.arn};
}
sts::GetCallerIdentityResponse render_get_caller_identity(const Text& rows)
{
    sts::GetCallerIdentityResponse response;
    response.arn = rows.text;
    return response;
}

Result<Nothing> describe_vpcs(Txn&, const Call&, const ec2::DescribeVpcsRequest&)
{
    return Nothing{};
}
ec2::DescribeVpcsResult render_describe_vpcs(const Nothing&)
{
    return {};
}

Outcome<Identity, KeyProblem> find_key(const sigv4::Claim& claim, std::string_view, Time)
{
    Identity identity;
    identity.secret = "secret";
    if (claim.access_key_id == "ROOT") {
        identity.principal = {.kind = Principal::Kind::root, .arn = "arn:aws:iam::000000000000:root"};
    } else if (claim.access_key_id == "HOST") {
        identity.principal = {.kind = Principal::Kind::host, .arn = "arn:aws:sts::000000000000:assumed-role/host/1"};
    } else if (claim.access_key_id == "TASK") {
        identity.principal = {.kind = Principal::Kind::task, .arn = "arn:aws:sts::000000000000:assumed-role/r/t"};
    } else if (claim.access_key_id == "OLD") {
        return KeyProblem::expired_token;
    } else {
        return KeyProblem::unknown_key;
    }
    return identity;
}

struct Sent {
    std::string key = "ROOT";
    std::string secret = "secret";
    std::string service = "ecs";
    std::string region = "us-east-1";
    std::string target;              // X-Amz-Target
    std::string content_type = "application/x-amz-json-1.1";
    std::string body;
    std::string path = "/";
    std::string method = "POST";
    bool sign = true;
    Milliseconds clock_error{0};
};

class FrontTest : public testing::Test {
protected:
    FrontTest()
    {
        served_.add<ecs::ops::CreateCluster>(create_cluster, render_create_cluster)
            .ignores({"tags"})
            .refuses({"configuration.executeCommandConfiguration", "settings"});
        served_.add<ecs::ops::ListClusters>(list_clusters, render_list_clusters).for_hosts();
        served_.add<ecs::ops::RegisterTaskDefinition>(register_task_definition, render_register_task_definition);
        served_.add<ecr::ops::DescribeRepositories>(describe_repositories, render_describe_repositories);
        served_.add<sts::ops::GetCallerIdentity>(get_caller_identity, render_get_caller_identity).for_anyone();
        served_.add<ec2::ops::DescribeVpcs>(describe_vpcs, render_describe_vpcs);
        EXPECT_TRUE(store_.load().ok());
        Options options;
        options.metrics.push_back([] { return std::string("more_metrics 1\n"); });
        front_.emplace(store_, served_, installation_, authenticator_, clock_, random_, options);
        http::Handler handler = [this](http::Request& request, http::BodyReader& body) { return front_->handle(request, body); };
        server_.emplace(threads_, handler);
        const auto port = server_->listen("127.0.0.1", 0);
        EXPECT_TRUE(port.ok());
        url_ = fmt::format("http://127.0.0.1:{}", *port);
    }

    http::ClientResponse send(const Sent& sent)
    {
        http::ClientRequest request;
        request.method = sent.method;
        request.url = url_ + sent.path;
        request.body = sent.body;
        request.headers.set("Host", url_.substr(7));
        if (!sent.content_type.empty()) request.headers.set("Content-Type", sent.content_type);
        if (!sent.target.empty()) request.headers.set("X-Amz-Target", sent.target);
        if (sent.sign)
            sigv4::sign(request.headers, sent.method, sent.path, crypto::sha256_hex(sent.body), {sent.key, sent.secret, ""},
                        {sent.region, sent.service}, clock_.now() + sent.clock_error);
        auto response = client_.send_blocking(std::move(request));
        EXPECT_TRUE(response.ok()) << response.error().message;
        if (!response.ok()) return {};
        EXPECT_FALSE(response->headers.get("x-amzn-RequestId").empty());
        return *response;
    }

    http::ClientResponse ecs(std::string_view operation, std::string body, std::string key = "ROOT")
    {
        return send({.key = key, .target = "AmazonEC2ContainerServiceV20141113." + std::string(operation), .body = std::move(body)});
    }

    http::ClientResponse form(std::string service, std::string body, std::string key = "ROOT")
    {
        return send({.key = key, .service = service, .content_type = "application/x-www-form-urlencoded; charset=utf-8", .body = std::move(body)});
    }

    static std::string error_of(const http::ClientResponse& response)
    {
        const auto json = Json::parse(response.body);
        EXPECT_TRUE(json.ok()) << response.body;
        return json.ok() ? fmt::format("{} {}: {}", response.status, json->get_string("__type"), json->get_string("message")) : "";
    }

    env::RealClock clock_;
    env::RealRandom random_;
    env::NoFaults faults_;
    env::ThreadExecutor executor_{"state"};
    std::shared_ptr<state::MemoryJournalData> data_ = std::make_shared<state::MemoryJournalData>();
    state::Store store_{{clock_, random_, executor_, faults_}, state::make_memory_journal(data_, executor_)};
    services::Served served_;
    services::Installation installation_;
    Authenticator authenticator_{find_key, clock_};
    std::optional<Front> front_;
    http::IoThreads threads_{1};
    std::optional<http::Server> server_;
    http::Client client_;
    std::string url_;
};

TEST_F(FrontTest, json_calls_reach_their_verb)
{
    const auto response = ecs("CreateCluster", R"({"clusterName":"web","tags":[{"key":"a"}]})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.headers.get("Content-Type"), "application/x-amz-json-1.1");
    EXPECT_EQ(response.body, R"({"cluster":{"clusterName":"web"}})");
    EXPECT_EQ(ecs("ListClusters", "").body, R"({"clusterArns":[]})");
    EXPECT_EQ(clusters_seen, 1u);
}

TEST_F(FrontTest, errors_of_verbs_take_back_what_was_written)
{
    EXPECT_EQ(error_of(ecs("CreateCluster", R"({"clusterName":"refused"})")), "400 ClusterNotFoundException: Cluster not found.");
    EXPECT_EQ(error_of(ecs("CreateCluster", R"({"clusterName":"throws"})")).substr(0, 19), "500 ServerException");
    // Valid for the verb, but not for the model: the table has the last word.
    EXPECT_EQ(error_of(ecs("CreateCluster", R"({"clusterName":"x","tags":[{"key":"a;"}]})")).substr(0, 70),
              "400 InvalidParameterException: 1 validation error detected: Value 'a;'");
    EXPECT_EQ(ecs("ListClusters", "").status, 200);
    EXPECT_EQ(clusters_seen, 0u);
}

TEST_F(FrontTest, refuses_members_by_name)
{
    EXPECT_EQ(error_of(ecs("CreateCluster", R"({"configuration":{"executeCommandConfiguration":{"logging":"NONE"}}})")),
              "400 InvalidParameterException: 'configuration.executeCommandConfiguration' is not supported by this server.");
    EXPECT_EQ(ecs("CreateCluster", R"({"clusterName":"x","settings":[],"configuration":{}})").status, 200);
    EXPECT_EQ(error_of(ecs("CreateCluster", R"({"settings":[{"name":"containerInsights"}]})")),
              "400 InvalidParameterException: 'settings' is not supported by this server.");
}

TEST_F(FrontTest, verbs_of_ecs_speak_before_the_table)
{
    EXPECT_EQ(error_of(ecs("RegisterTaskDefinition", "{}")), "400 ClientException: Container definitions are missing.");
    EXPECT_EQ(error_of(ecs("RegisterTaskDefinition", R"({"containerDefinitions":[{}]})")),
              "400 ClientException: 1 validation error detected: Value null at 'family' failed to satisfy constraint: Member must not be null");
}

TEST_F(FrontTest, malformed_json_is_a_serialization_exception)
{
    EXPECT_EQ(error_of(ecs("CreateCluster", R"({"clusterName":1})")),
              "400 SerializationException: NUMBER_VALUE can not be converted to a String at 'clusterName'");
    EXPECT_EQ(error_of(ecs("CreateCluster", "{")).substr(0, 26), "400 SerializationException");
}

TEST_F(FrontTest, not_served_and_unknown_operations)
{
    EXPECT_EQ(error_of(ecs("CreateDaemon", "{}")), "501 NotImplemented: ecs:CreateDaemon is known to this server but not implemented.");
    EXPECT_EQ(error_of(ecs("Nothing", "{}")), "400 UnknownOperationException: ecs has no operation 'Nothing'.");
    EXPECT_EQ(error_of(send({.service = "logs", .target = "Logs_20140328.CreateLogGroup", .body = "{}"})),
              "501 NotImplemented: The service 'logs' is not served here; served: acm, ec2, ecr, ecs, elbv2, sts.");
    EXPECT_EQ(form("sts", "Action=Nothing&Version=2011-06-15").status, 400);
    EXPECT_NE(form("sts", "Action=Nothing&Version=2011-06-15").body.find("<Code>InvalidAction</Code>"), std::string::npos);
    EXPECT_NE(form("sts", "Version=2011-06-15").body.find("<Code>MissingAction</Code>"), std::string::npos);
    EXPECT_NE(form("ec2", "Action=CreateKeyPair&Version=2016-11-15").body.find("<Code>InvalidAction</Code>"), std::string::npos);
    EXPECT_EQ(form("iam", "Action=ListUsers&Version=2010-05-08").status, 501);
    const auto s3 = send({.service = "s3", .content_type = "", .path = "/bucket", .method = "GET"});
    EXPECT_EQ(s3.status, 501);
    EXPECT_NE(s3.body.find("<Error><Code>NotImplemented</Code>"), std::string::npos) << s3.body;
    EXPECT_NE(send({.content_type = "", .path = "/metrics", .method = "GET", .sign = false}).body
                  .find("boxship_requests_not_implemented_total{service=\"ecs\",operation=\"CreateDaemon\"} 1"), std::string::npos);
}

TEST_F(FrontTest, query_and_ec2_answers)
{
    const auto identity = form("sts", "Action=GetCallerIdentity&Version=2011-06-15");
    EXPECT_EQ(identity.status, 200);
    EXPECT_EQ(identity.headers.get("Content-Type"), "text/xml");
    EXPECT_NE(identity.body.find("<Arn>arn:aws:iam::000000000000:root</Arn>"), std::string::npos) << identity.body;
    const auto in_url = send({.service = "sts", .content_type = "", .path = "/?Action=GetCallerIdentity&Version=2011-06-15", .method = "GET"});
    EXPECT_EQ(in_url.status, 200);
    const auto vpcs = form("ec2", "Action=DescribeVpcs&Version=2016-11-15");
    EXPECT_NE(vpcs.body.find("<DescribeVpcsResponse"), std::string::npos) << vpcs.body;
    const auto invalid = form("ec2", "Action=DescribeVpcs&Version=2016-11-15&MaxResults=1");
    EXPECT_EQ(invalid.status, 400);
    EXPECT_NE(invalid.body.find("<Response><Errors><Error><Code>InvalidParameterValue</Code>"), std::string::npos) << invalid.body;
}

TEST_F(FrontTest, ecr_validates_before_its_verb)
{
    const auto response = send({.service = "ecr", .target = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", .body = R"({"repositoryNames":["A"]})"});
    EXPECT_EQ(error_of(response), "400 InvalidParameterException: Invalid parameter at 'repositoryNames.1.member' failed to satisfy "
                                  "constraint: 'Member must have length greater than or equal to 2'");
}

TEST_F(FrontTest, signatures)
{
    const std::string target = "AmazonEC2ContainerServiceV20141113.ListClusters";
    EXPECT_EQ(error_of(send({.target = target, .sign = false})).substr(0, 39), "403 MissingAuthenticationTokenException");
    EXPECT_EQ(error_of(send({.key = "NOBODY", .target = target})).substr(0, 31), "400 UnrecognizedClientException");
    EXPECT_EQ(error_of(send({.key = "OLD", .target = target})).substr(0, 25), "400 ExpiredTokenException");
    EXPECT_EQ(error_of(send({.secret = "wrong", .target = target})).substr(0, 29), "400 InvalidSignatureException");
    EXPECT_EQ(error_of(send({.target = target, .clock_error = -std::chrono::minutes(20)})).substr(0, 29), "400 InvalidSignatureException");
    EXPECT_EQ(error_of(send({.service = "ecr", .target = target})),
              "400 InvalidSignatureException: Credential should be scoped to correct service: 'ecs'.");
    EXPECT_EQ(error_of(send({.region = "mars-1", .target = target})),
              "400 InvalidSignatureException: Credential should be scoped to a valid region: 'mars-1' is not served here; served: us-east-1.");

    const std::string query = "Action=GetCallerIdentity&Version=2011-06-15";
    EXPECT_NE(form("sts", query, "NOBODY").body.find("<Code>InvalidClientTokenId</Code>"), std::string::npos);
    EXPECT_EQ(form("sts", query, "NOBODY").status, 403);
    EXPECT_EQ(form("ec2", "Action=DescribeVpcs&Version=2016-11-15", "NOBODY").status, 401);
    const auto wrong = send({.secret = "wrong", .service = "sts", .content_type = "application/x-www-form-urlencoded", .body = query});
    EXPECT_EQ(wrong.status, 403);
    EXPECT_NE(wrong.body.find("<Code>SignatureDoesNotMatch</Code>"), std::string::npos) << wrong.body;
}

TEST_F(FrontTest, principals_may_do_different_things)
{
    EXPECT_EQ(ecs("ListClusters", "{}", "HOST").status, 200);
    EXPECT_EQ(error_of(ecs("CreateCluster", "{}", "HOST")),
              "400 AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/host/1 is not authorized to perform: ecs:CreateCluster");
    EXPECT_NE(form("sts", "Action=GetCallerIdentity&Version=2011-06-15", "HOST").body.find("assumed-role/host/1"), std::string::npos);
    // The session's task does not exist any more.
    EXPECT_NE(form("sts", "Action=GetCallerIdentity&Version=2011-06-15", "TASK").body.find("<Code>ExpiredToken</Code>"), std::string::npos);
}

TEST_F(FrontTest, health_metrics_and_large_bodies)
{
    const auto health = send({.content_type = "", .path = "/health", .method = "GET", .sign = false});
    EXPECT_EQ(health.status, 200);
    EXPECT_EQ(Json::parse(health.body).value().get_string("status"), "ok");
    (void)ecs("ListClusters", "{}");
    const auto metrics = send({.content_type = "", .path = "/metrics", .method = "GET", .sign = false});
    EXPECT_NE(metrics.body.find("boxship_requests_total{service=\"ecs\",operation=\"ListClusters\",status=\"200\"} 1"), std::string::npos) << metrics.body;
    EXPECT_NE(metrics.body.find("more_metrics 1"), std::string::npos);
    const std::string large(9 * 1024 * 1024, ' ');
    EXPECT_EQ(error_of(ecs("ListClusters", large)), "413 RequestEntityTooLarge: The request body exceeds 8388608 bytes.");
}

TEST(Members, by_path)
{
    const auto& run_task = ecs::RunTaskRequest::record_info;
    EXPECT_TRUE(member_exists(run_task, "networkConfiguration.awsvpcConfiguration.assignPublicIp"));
    EXPECT_TRUE(member_exists(run_task, "overrides.containerOverrides.environment.name"));
    EXPECT_FALSE(member_exists(run_task, "networkConfiguration.nothing"));
    EXPECT_FALSE(member_exists(run_task, "cluster.deeper"));
    ecs::RunTaskRequest request;
    request.enable_execute_command = false;
    request.overrides->container_overrides.emplace_back();
    EXPECT_FALSE(member_is_set(request, "enableExecuteCommand"));
    EXPECT_FALSE(member_is_set(request, "overrides.containerOverrides.environment"));
    EXPECT_TRUE(member_is_set(request, "overrides.containerOverrides"));
    request.overrides->container_overrides.emplace_back().environment.emplace_back().name = "A";
    EXPECT_TRUE(member_is_set(request, "overrides.containerOverrides.environment"));
    EXPECT_EQ(first_refused(request, {"enableExecuteCommand", "overrides"}), "overrides");
}

}  // namespace
}  // namespace boxship::front
