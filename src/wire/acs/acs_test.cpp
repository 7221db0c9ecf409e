#include <gtest/gtest.h>

#include "wire/acs/session.h"
#include "wire/acs/telemetry.h"
#include "wire/crypto.h"

namespace boxship::acs {
namespace {

const char* payload_text = R"({"type":"PayloadMessage","message":{
  "messageId":"5b0c","clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/stub",
  "containerInstanceArn":"arn:aws:ecs:us-east-1:123456789012:container-instance/stub/1272",
  "generatedAt":1795175462538,"seqNum":41,
  "tasks":[{
    "arn":"arn:aws:ecs:us-east-1:123456789012:task/stub/aaaa01",
    "taskClusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/stub",
    "family":"web","version":"3","desiredStatus":"RUNNING","launchType":"EC2",
    "networkMode":"bridge","cpu":0.5,"memory":256,"overrides":"{}",
    "serviceName":"svc","group":"service:svc","taskDefinitionAccountId":"123456789012",
    "roleCredentials":{"credentialsId":"c0ffee-app","roleArn":"arn:aws:iam::123456789012:role/app",
      "accessKeyId":"ASIA","secretAccessKey":"s","sessionToken":"t","expiration":"2030-01-01T06:00:00Z"},
    "volumes":[{"name":"scratch","type":"host","host":{}},
               {"name":"conf","type":"host","host":{"sourcePath":"/etc/app"}}],
    "containers":[{
      "name":"app","image":"registry.example.test/app:1","essential":true,"cpu":64,"memory":128,
      "containerArn":"arn:aws:ecs:us-east-1:123456789012:container/stub/aaaa01/9c2f",
      "entryPoint":["/bin/sh","-c"],"command":["exec app"],"environment":{"A":"1"},
      "portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}],
      "mountPoints":[{"sourceVolume":"scratch","containerPath":"/s","readOnly":false}],
      "volumesFrom":[],"links":[],"overrides":"{\"command\":null}",
      "dependsOn":[{"containerName":"init","condition":"SUCCESS"}],
      "startTimeout":120,"stopTimeout":30,"healthCheckType":"docker",
      "dockerConfig":{"version":"1.24",
        "config":"{\"User\":\"1000\",\"Healthcheck\":{\"Test\":[\"CMD\",\"ok\"],\"Interval\":30000000000}}",
        "hostConfig":"{\"NetworkMode\":\"bridge\",\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{}}}"}
    }]}]}})";

// Keys in any order: the objects as sorted text.
std::string sorted(const Json& json)
{
    if (json.is_array()) {
        std::string text = "[";
        for (const Json& element : json.as_array()) text += sorted(element) + ",";
        return text + "]";
    }
    if (!json.is_object()) return json.dump();
    std::map<std::string, std::string> members;
    for (const auto& [key, value] : json.as_object()) members[key] = sorted(value);
    std::string text = "{";
    for (const auto& [key, value] : members) text += key + ":" + value + ",";
    return text + "}";
}

template <class Message, class Variant>
Message expect(const Outcome<Variant, std::string>& parsed)
{
    EXPECT_TRUE(parsed.ok()) << parsed.error();
    EXPECT_TRUE(std::holds_alternative<Message>(*parsed));
    return std::get<Message>(*parsed);
}

TEST(Acs, reads_the_documented_payload)
{
    const auto payload = expect<PayloadMessage>(parse_from_server(payload_text));
    EXPECT_EQ(payload.message_id, "5b0c");
    EXPECT_EQ(payload.generated_at, 1795175462538);
    EXPECT_EQ(payload.seq_num, 41);
    ASSERT_EQ(payload.tasks.size(), 1u);
    const Task& task = payload.tasks[0];
    EXPECT_EQ(task.cpu, 0.5);
    EXPECT_EQ(task.memory, 256);
    EXPECT_EQ(task.role_credentials->credentials_id, "c0ffee-app");
    EXPECT_FALSE(task.execution_role_credentials.has_value());
    ASSERT_EQ(task.volumes.size(), 2u);
    EXPECT_EQ(task.volumes[0].host_source_path, "");
    EXPECT_EQ(task.volumes[1].host_source_path, "/etc/app");
    ASSERT_EQ(task.containers.size(), 1u);
    const Container& container = task.containers[0];
    EXPECT_EQ(container.environment, (TextMap{{"A", "1"}}));
    EXPECT_EQ(container.port_mappings[0].container_port, 80);
    EXPECT_EQ(container.depends_on[0].condition, "SUCCESS");
    EXPECT_EQ(container.stop_timeout, 30);
    const auto config = Json::parse(container.docker_config->config);
    ASSERT_TRUE(config.ok());
    EXPECT_EQ((*config)["Healthcheck"].get_int64("Interval"), 30'000'000'000);
    EXPECT_EQ(container.overrides, "{\"command\":null}");
}

TEST(Acs, writes_what_it_read)
{
    const auto payload = expect<PayloadMessage>(parse_from_server(payload_text));
    std::string expected = sorted(*Json::parse(payload_text));
    expected.erase(expected.find("links:[],"), 9);  // empty and therefore left out
    EXPECT_EQ(sorted(*Json::parse(encode(payload))), expected);
}

TEST(Acs, keeps_every_member_of_a_full_task)
{
    const char* text = R"({"arn":"a","family":"f","version":"1","desiredStatus":"RUNNING","networkMode":"awsvpc","pidMode":"task","ipcMode":"none",
      "elasticNetworkInterfaces":[{"attachmentArn":"x","ec2Id":"eni-1","macAddress":"02:00:00:00:00:01","index":0,"interfaceAssociationProtocol":"default",
        "ipv4Addresses":[{"primary":true,"privateAddress":"10.0.0.7"}],"ipv6Addresses":[{"primary":true,"address":"fd00::7"}],
        "subnetGatewayIpv4Address":"10.0.0.1/24","subnetGatewayIpv6Address":"fd00::1/64","domainNameServers":["10.0.0.2"],"domainName":["example.test"],
        "privateDnsName":"ip-10-0-0-7","name":"eth1"}],
      "proxyConfiguration":{"type":"APPMESH"},
      "volumes":[{"name":"d","type":"docker","dockerVolumeConfiguration":{"scope":"shared","autoprovision":true,"driver":"local","driverOpts":{"o":"x"},"labels":{"l":"1"}}},
                 {"name":"e","type":"efs","efsVolumeConfiguration":{"fileSystemId":"fs-1"}}],
      "associations":[{"type":"gpu","name":"0","containers":["c"],"content":{"encoding":"base64","value":"x"}}],
      "attachments":[{"attachmentArn":"a","attachmentType":"amazonebs","attachmentProperties":[{"name":"volumeId","value":"v"}]}],
      "enableFaultInjection":false,
      "containers":[{"name":"c","image":"i","essential":false,"cpu":0,"memory":0,"environment":{},"mountPoints":[],
        "portMappings":[{"containerPortRange":"8000-8010","protocol":"udp"}],"volumesFrom":[{"sourceContainer":"b","readOnly":true}],"links":["b"],
        "secrets":[{"name":"S","valueFrom":"arn","region":"us-east-1","provider":"ssm","type":"ENVIRONMENT_VARIABLE"},{"name":"L","valueFrom":"arn","provider":"asm","target":"LOG_DRIVER"}],
        "environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/k.env"}],
        "registryAuthentication":{"type":"ecr","ecrAuthData":{"region":"us-east-1","registryId":"1","endpointOverride":"http://h","useExecutionRole":true}},
        "logsAuthStrategy":"ExecutionRole","managedAgents":[{"name":"ExecuteCommandAgent","properties":{"sessionLimit":"2"}}],
        "firelensConfiguration":{"type":"fluentbit","options":{"a":"b"}},
        "restartPolicy":{"enabled":true,"ignoredExitCodes":[0,143],"restartAttemptPeriod":60},"credentialSpecs":["s"],
        "dockerConfig":{"hostConfig":"{}"}}]})";
    const auto json = Json::parse(text);
    ASSERT_TRUE(json.ok()) << json.error();
    EXPECT_EQ(sorted(to_json(task_from_json(*json))), sorted(*json));
}

TEST(Acs, a_stop_needs_few_members)
{
    PayloadMessage payload;
    payload.message_id = "m";
    payload.cluster_arn = "c";
    payload.container_instance_arn = "i";
    payload.tasks.emplace_back();
    payload.tasks[0].arn = "t";
    payload.tasks[0].family = "web";
    payload.tasks[0].version = "3";
    payload.tasks[0].desired_status = "STOPPED";
    EXPECT_EQ(encode(payload), R"({"type":"PayloadMessage","message":{"messageId":"m","clusterArn":"c","containerInstanceArn":"i","generatedAt":0,"seqNum":0,)"
                               R"("tasks":[{"arn":"t","family":"web","version":"3","desiredStatus":"STOPPED","containers":[]}]}})");
}

TEST(Acs, messages_of_both_directions_survive_the_wire)
{
    const auto heartbeat = expect<HeartbeatMessage>(parse_from_server(encode(HeartbeatMessage{"h", false})));
    EXPECT_EQ(heartbeat.message_id, "h");
    EXPECT_FALSE(heartbeat.healthy);
    const TaskIdentifier one{"t", "c", "RUNNING"};
    const auto manifest = expect<TaskManifestMessage>(parse_from_server(encode(TaskManifestMessage{"m", "c", "i", 1, 2, {one}})));
    EXPECT_EQ(manifest.timeline, 2);
    EXPECT_EQ(manifest.tasks.at(0).task_arn, "t");
    EXPECT_EQ(expect<TaskStopVerificationAck>(parse_from_server(encode(TaskStopVerificationAck{"m", 1, {one}}))).stop_tasks.size(), 1u);
    const auto credentials = expect<IamRoleCredentialsMessage>(
        parse_from_server(encode(IamRoleCredentialsMessage{"m", "t", "c", "TaskExecution", {"id", "r", "a", "s", "t", "2030-01-01T06:00:00Z"}})));
    EXPECT_EQ(credentials.role_credentials.expiration, "2030-01-01T06:00:00Z");
    AttachTaskNetworkInterfacesMessage attach;
    attach.wait_timeout_ms = 300'000;
    attach.network_interfaces.emplace_back();
    attach.network_interfaces[0].mac_address = "02:00:00:00:00:01";
    EXPECT_EQ(expect<AttachTaskNetworkInterfacesMessage>(parse_from_server(encode(attach))).network_interfaces.at(0).mac_address, "02:00:00:00:00:01");
    EXPECT_EQ(expect<ConfirmAttachmentMessage>(parse_from_server(encode(ConfirmAttachmentMessage{"m", "c", "i", "t", "c", 1, 2, {"a", "amazonebs", {{"n", "v"}}}})))
                  .attachment.properties.at(0).value, "v");
    EXPECT_EQ(encode(AckRequest{"c", "i", "m"}), R"({"type":"AckRequest","message":{"cluster":"c","containerInstance":"i","messageId":"m"}})");
    EXPECT_EQ(expect<AckRequest>(parse_from_agent(encode(AckRequest{"c", "i", "m"}))).message_id, "m");
    EXPECT_EQ(expect<NackRequest>(parse_from_agent(encode(NackRequest{"c", "i", "m", "Updates are disabled"}))).reason, "Updates are disabled");
    EXPECT_EQ(expect<HeartbeatAckRequest>(parse_from_agent(encode(HeartbeatAckRequest{"h"}))).message_id, "h");
    EXPECT_EQ(expect<IamRoleCredentialsAckRequest>(parse_from_agent(encode(IamRoleCredentialsAckRequest{"m", "id", "e"}))).credentials_id, "id");
    EXPECT_EQ(expect<TaskStopVerificationMessage>(parse_from_agent(encode(TaskStopVerificationMessage{"m", {one}}))).stop_candidates.at(0).desired_status, "RUNNING");
}

TEST(Acs, forgives_and_names_what_it_must)
{
    EXPECT_EQ(expect<UnknownMessage>(parse_from_server(R"({"type":"Novelty","message":{}})")).type, "Novelty");
    EXPECT_EQ(expect<NoticeMessage>(parse_from_server(R"({"type":"ErrorMessage","message":{"message":"why"}})")).message, "why");
    EXPECT_EQ(expect<NoticeMessage>(parse_from_server(R"({"type":"AccessDeniedException","message":{"message":"no"}})")).type, "AccessDeniedException");
    EXPECT_EQ(expect<UpdateMessage>(parse_from_server(R"({"type":"PerformUpdateMessage","message":{"messageId":"m","updateInfo":{}}})")).message_id, "m");
    // Unknown members, null and members of the wrong kind; overrides as an object instead of its text.
    const auto payload = expect<PayloadMessage>(parse_from_server(
        R"({"type":"PayloadMessage","message":{"messageId":7,"new":1,"tasks":[{"arn":"t","cpu":null,"containers":[{"name":null,"overrides":{"command":["x"]}}]}]}})"));
    EXPECT_EQ(payload.message_id, "");
    EXPECT_FALSE(payload.tasks.at(0).cpu.has_value());
    EXPECT_EQ(payload.tasks.at(0).containers.at(0).overrides, R"({"command":["x"]})");
    for (const char* bad : {"", "[]", "{}", R"({"type":1})", "{\"type\":", "Authorization: x"}) EXPECT_FALSE(parse_from_server(bad).ok()) << bad;
    EXPECT_TRUE(expect<PayloadMessage>(parse_from_server(R"({"type":"PayloadMessage"})")).tasks.empty());
}

TEST(Tcs, requests_survive_the_wire)
{
    PublishMetricsRequest metrics;
    metrics.cluster = "stub";
    metrics.container_instance = "i";
    metrics.message_id = "m";
    metrics.timestamp = Time{1795175462538};
    TaskMetric task;
    task.task_arn = "t";
    task.family = "web";
    task.version = "3";
    ContainerMetric container;
    container.container_name = "app";
    container.cpu = StatsSet{0.25, 1.5, 20, 19};
    container.network.emplace().rx_bytes = CounterSet{1, 2, 3, 4, {}, {}, 5};
    container.restart_count = 2;
    task.containers.push_back(container);
    task.ephemeral_bytes_utilized = 77;
    metrics.tasks.push_back(task);
    const std::string text = encode(metrics);
    EXPECT_NE(text.find(R"("metadata":{"cluster":"stub","containerInstance":"i","messageId":"m","fin":true,"idle":false},"timestamp":1795175462.538)"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("restartStatsSet":{"restartCount":2})"), std::string::npos);
    const auto back = expect<PublishMetricsRequest>(parse_telemetry_from_agent(text));
    EXPECT_EQ(back.timestamp, metrics.timestamp);
    EXPECT_EQ(back.tasks.at(0).containers.at(0).cpu->max, 1.5);
    EXPECT_EQ(back.tasks.at(0).containers.at(0).network->rx_bytes.overflow_sum, 5);
    EXPECT_EQ(back.tasks.at(0).containers.at(0).restart_count, 2);
    EXPECT_FALSE(back.tasks.at(0).containers.at(0).storage.has_value());
    EXPECT_EQ(back.tasks.at(0).ephemeral_bytes_utilized, 77);
    EXPECT_EQ(encode(back), text);

    PublishHealthRequest health;
    health.timestamp = Time{1000};
    health.tasks.push_back(TaskHealth{"t", "", "web", "3", {ContainerHealth{"app", "UNHEALTHY", Time{1500}, ""}}});
    const auto health_back = expect<PublishHealthRequest>(parse_telemetry_from_agent(encode(health)));
    EXPECT_EQ(health_back.tasks.at(0).containers.at(0).health_status, "UNHEALTHY");
    EXPECT_EQ(health_back.tasks.at(0).containers.at(0).status_since, Time{1500});
    EXPECT_TRUE(health_back.fin);

    PublishInstanceStatusRequest status;
    status.request_id = "r";
    status.statuses.push_back(InstanceStatus{"ContainerRuntime", "OK", "", Time{1000}, Time{2000}});
    const auto status_back = expect<PublishInstanceStatusRequest>(parse_telemetry_from_agent(encode(status)));
    EXPECT_EQ(status_back.request_id, "r");
    EXPECT_EQ(status_back.statuses.at(0).last_status_change, Time{2000});

    EXPECT_EQ(encode(AckPublishMetric{"m"}), R"({"type":"AckPublishMetric","message":{"message":"m"}})");
    EXPECT_EQ(expect<AckPublishHealth>(parse_telemetry_from_server(encode(AckPublishHealth{"m"}))).message, "m");
    EXPECT_EQ(expect<AckPublishInstanceStatus>(parse_telemetry_from_server(encode(AckPublishInstanceStatus{"m"}))).message, "m");
    EXPECT_TRUE(expect<HeartbeatMessage>(parse_telemetry_from_server(R"({"type":"HeartbeatMessage","message":{"healthy":true}})")).healthy);
}

TEST(Tcs, splits_and_makes_the_signed_prefix)
{
    const std::string json = encode(PublishHealthRequest{});
    const http::Url url = *http::parse_url("http://h:7000/tcs/ws?cluster=stub&containerInstance=arn%3Aaws");
    const sigv4::Credentials keys{"AKID", "secret", "token"};
    const Time now = *parse_basic_iso8601("20261120T133504Z");
    const std::string text = with_signed_prefix(json, url, keys, "us-east-1", now);
    EXPECT_TRUE(text.starts_with("Host: h:7000\r\n")) << text;
    const SignedText split = split_signed_prefix(text);
    EXPECT_EQ(split.json, json);
    const auto claim = sigv4::parse_authorization("GET", url.target, split.headers);
    ASSERT_TRUE(claim.ok()) << claim.error().message;
    EXPECT_EQ(claim->service, "ecs");
    EXPECT_EQ(claim->session_token, "token");
    EXPECT_TRUE(sigv4::verify(*claim, "GET", url.target, split.headers, crypto::sha256_hex(split.json), "secret", now).ok());
    EXPECT_TRUE(parse_telemetry_from_agent(text).ok());
    EXPECT_EQ(split_signed_prefix(json).json, json);
    EXPECT_TRUE(split_signed_prefix(json).headers.empty());
    EXPECT_EQ(split_signed_prefix("no end").json, "no end");
}

TEST(Session, urls_carry_the_agents_words)
{
    Hello hello;
    hello.cluster = "stub";
    hello.container_instance_arn = "arn:aws:ecs:us-east-1:1:container-instance/stub/1272";
    hello.agent_version = "1.105.1";
    hello.agent_hash = "a8b3e7d3";
    hello.docker_version = "20.10.24";
    hello.send_credentials = true;
    EXPECT_EQ(acs_url("https://ecs.example.test/acs", hello),
              "https://ecs.example.test/acs/ws?agentHash=a8b3e7d3&agentVersion=1.105.1&clusterArn=stub"
              "&containerInstanceArn=arn%3Aaws%3Aecs%3Aus-east-1%3A1%3Acontainer-instance%2Fstub%2F1272"
              "&dockerVersion=DockerVersion%3A%2020.10.24&protocolVersion=2&sendCredentials=true&seqNum=1");
    EXPECT_TRUE(tcs_url("http://h/", hello).starts_with("http://h/ws?agentHash=a8b3e7d3&agentVersion=1.105.1&cluster=stub&containerInstance=arn%3A"));
    for (const std::string& url : {acs_url("http://h", hello), tcs_url("http://h", hello)}) {
        const Hello back = parse_hello(std::string_view(url).substr(url.find('?') + 1));
        EXPECT_EQ(back.cluster, hello.cluster);
        EXPECT_EQ(back.container_instance_arn, hello.container_instance_arn);
        EXPECT_EQ(back.docker_version, "20.10.24");
    }
    EXPECT_TRUE(parse_hello("sendCredentials=true&dockerVersion=DockerVersion%3A+1").send_credentials);
    EXPECT_EQ(parse_hello("dockerVersion=DockerVersion%3A+1").docker_version, "1");
}

TEST(Session, refusals_in_both_forms)
{
    EXPECT_EQ(encode(Refusal{"AccessDeniedException", "no"}), R"({"type":"AccessDeniedException","message":{"message":"no"}})");
    const auto first = parse_refusal(encode(Refusal{"AccessDeniedException", "no"}));
    EXPECT_EQ(first->type, "AccessDeniedException");
    EXPECT_EQ(first->message, "no");
    const auto second = parse_refusal(R"({"InactiveInstanceException":"instance inactive"})");
    EXPECT_EQ(second->type, "InactiveInstanceException");
    EXPECT_EQ(second->message, "instance inactive");
    EXPECT_FALSE(parse_refusal("<html>").has_value());
    EXPECT_FALSE(parse_refusal("{}").has_value());
}

}  // namespace
}  // namespace boxship::acs
