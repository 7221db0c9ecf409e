// The session against a control plane that says what the test wants, over real sockets.
#include "agent/session.h"

#include <boost/asio/awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>

#include "agent/fakes_for_tests.h"
#include "env/real/files.h"
#include "env/real/real_env.h"
#include "wire/acs/session.h"
#include "wire/http/server.h"

namespace boxship::agent {
namespace {

using shape::Json;
using testing::HasSubstr;

const std::string instance = "arn:aws:ecs:us-east-1:000000000000:container-instance/default/77";

class FakeControlPlane {
public:
    struct Call {
        std::string operation;
        Json input;
    };

    FakeControlPlane()
    {
        server_ = std::make_unique<http::Server>(threads_, [this](http::Request& request, http::BodyReader& body) { return handle(request, body); });
        const auto port = server_->listen("127.0.0.1", 0);
        CHECK(port.ok());
        url = "http://127.0.0.1:" + std::to_string(*port);
    }

    std::string url;
    // Each takes the oldest that fits, waiting for it; a test that waits in vain fails.
    Call next_call(const std::string& operation)
    {
        return take<Call>(calls_, [&](const Call& call) { return call.operation == operation; });
    }
    Json next_frame(const std::string& type)      // of ACS
    {
        return take<Json>(frames_, [&](const Json& frame) { return frame.get_string("type") == type; });
    }
    std::string next_telemetry()
    {
        return take<std::string>(telemetry_, [](const std::string&) { return true; });
    }
    Json next_control() { return take<Json>(control_, [](const Json&) { return true; }); }
    // The URLs of ACS connections, in order.
    std::string next_connection()
    {
        return take<std::string>(connections_, [](const std::string&) { return true; });
    }
    void say(const std::string& type, Json message)
    {
        send(acs_, Json::object({{"type", type}, {"message", std::move(message)}}).dump());
    }
    void say_control(const Json& frame)
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return control_socket_ != nullptr; });
        lock.unlock();
        send(control_socket_, frame.dump());
    }
    void close_acs(int code)
    {
        std::function<http::Async<>()> task = [this, code]() { return acs_->close(code, ""); };
        http::run_blocking(threads_.executor(0), task);
    }
    // The next answers to `operation` are errors.
    void refuse(const std::string& operation, int status, const std::string& code, int times = 1)
    {
        const std::lock_guard lock(mutex_);
        for (int at = 0; at < times; ++at) refusals_.emplace_back(operation, http::Response{status, {}, Json::object({{"__type", code}, {"message", "no"}}).dump()});
    }
    void refuse_upgrade(const std::string& type)
    {
        const std::lock_guard lock(mutex_);
        upgrade_refusals_.push_back(type);
    }

private:
    template <class T, class Fits>
    T take(std::deque<T>& from, Fits&& fits)
    {
        std::unique_lock lock(mutex_);
        typename std::deque<T>::iterator at;
        const bool there = changed_.wait_for(lock, std::chrono::seconds(10), [&] {
            at = std::find_if(from.begin(), from.end(), fits);
            return at != from.end();
        });
        if (!there) {
            ADD_FAILURE() << "it never came";
            return {};
        }
        T found = std::move(*at);
        from.erase(at);
        return found;
    }

    void send(http::WebSocket* socket, std::string text)
    {
        CHECK(socket != nullptr);
        std::function<http::Async<HostResult<>>()> task = [socket, text]() { return socket->send(text); };
        EXPECT_TRUE(http::run_blocking(threads_.executor(0), task).ok());
    }

    http::Async<http::Response> handle(http::Request& request, http::BodyReader& body)
    {
        EXPECT_TRUE(request.headers.has("Authorization")) << request.target;
        if (request.wants_websocket()) co_return upgrade(request);
        const auto text = co_await body.read_all();
        CHECK(text.ok());
        const auto input = Json::parse(*text);
        CHECK(input.ok());
        const std::string target(request.headers.get("X-Amz-Target"));
        const std::string operation = target.substr(target.find('.') + 1);
        const std::lock_guard lock(mutex_);
        calls_.push_back({operation, *input});
        changed_.notify_all();
        const auto refusal = std::find_if(refusals_.begin(), refusals_.end(), [&](const auto& entry) { return entry.first == operation; });
        if (refusal != refusals_.end()) {
            http::Response answer = std::move(refusal->second);
            refusals_.erase(refusal);
            co_return answer;
        }
        Json answer = Json::object();
        if (operation == "RegisterContainerInstance") answer = Json::object({{"containerInstance", Json::object({{"containerInstanceArn", instance}})}});
        if (operation == "DiscoverPollEndpoint") answer = Json::object({{"endpoint", url + "/acs/"}, {"telemetryEndpoint", url + "/tcs/"}});
        co_return http::text_response(200, answer.dump(), "application/x-amz-json-1.1");
    }

    http::Response upgrade(const http::Request& request)
    {
        const std::lock_guard lock(mutex_);
        const bool acs = request.path == "/acs/ws";
        if (acs && !upgrade_refusals_.empty()) {
            const std::string type = upgrade_refusals_.front();
            upgrade_refusals_.pop_front();
            return http::text_response(400, acs::encode(acs::Refusal{type, "no"}), "application/json");
        }
        http::Response response;
        const std::string path = request.path;
        response.upgrade = [this, path, target = request.target](http::WebSocket& socket) { return serve(socket, path, target); };
        return response;
    }

    http::Async<> serve(http::WebSocket& socket, std::string path, std::string target)
    {
        note([&] {
            if (path == "/acs/ws") {
                acs_ = &socket;
                connections_.push_back(target);
            } else if (path != "/tcs/ws") {
                control_socket_ = &socket;
            }
        });
        for (;;) {
            const auto message = co_await socket.read();
            if (!message || !*message) break;
            const std::string text = **message;
            note([&] {
                if (path == "/tcs/ws") return telemetry_.push_back(text);
                const auto json = Json::parse(text);
                CHECK(json.ok());
                (path == "/acs/ws" ? frames_ : control_).push_back(*json);
            });
        }
    }
    void note(const std::function<void()>& change)
    {
        const std::lock_guard lock(mutex_);
        change();
        changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Call> calls_;
    std::deque<Json> frames_, control_;
    std::deque<std::string> telemetry_, connections_, upgrade_refusals_;
    std::deque<std::pair<std::string, http::Response>> refusals_;
    http::WebSocket* acs_ = nullptr;
    http::WebSocket* control_socket_ = nullptr;
    http::IoThreads threads_{1};
    std::unique_ptr<http::Server> server_;
};

class SessionTest : public testing::Test {
protected:
    SessionTest()
    {
        CHECK(env::write_file(directory_ + "/key.json", R"({"accessKeyId":"AKIAHOST","secretAccessKey":"s"})", 0600).ok());
        times_.inactive_pause = Milliseconds(10);
        times_.metrics_interval = Milliseconds(40);
    }
    void TearDown() override
    {
        session_->stop();
        executor_.reset();
        engine_.reset();
        session_.reset();
        std::filesystem::remove_all(directory_);
    }

    void start()
    {
        session_ = std::make_unique<Session>(io_.executor(0),
                                             SessionParts{api_, ledger_, board_, credentials_, telemetry_, logs_, workers_, clock_, random_},
                                             HostFacts{.identity = "me", .cluster = "default", .zone = "us-east-1b",
                                                       .resources = {.cpu_units = 2048, .memory_mib = 1024, .tcp = {22}},
                                                       .registered_cpu_units = 2048, .attributes = {{"rack", "7"}}},
                                             ledger_.load()->fact(instance_fact), times_);
        EngineOptions options;
        options.resources = {.cpu_units = 2048, .memory_mib = 1024};
        const env::Env env{clock_, random_, *executor_, faults_};
        engine_ = Engine::create(env, ledger_, host_, *session_, board_, options);
        const auto contents = ledger_.load();
        ASSERT_TRUE(engine_->start(*contents, [this] { session_->start(engine_); }).ok());
    }

    static Json payload(const std::string& message_id, Json task, std::int64_t sequence = 1)
    {
        return Json::object({{"messageId", message_id}, {"clusterArn", "default"}, {"containerInstanceArn", instance},
                             {"seqNum", sequence}, {"tasks", Json::array({std::move(task)})}});
    }

    static std::string make_directory()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "session-XXXXXX").string();
        CHECK(::mkdtemp(pattern.data()) != nullptr);
        return pattern;
    }

    const std::string directory_ = make_directory();
    FakeControlPlane server_;
    env::RealClock clock_;
    env::RealRandom random_;
    NeverFaults faults_;
    std::unique_ptr<env::ThreadExecutor> executor_ = std::make_unique<env::ThreadExecutor>("engine");
    http::IoThreads io_{1};
    HostCredentials keys_{directory_ + "/key.json"};
    MemoryLedger ledger_;
    FakeHost host_{clock_, *executor_};
    Board board_;
    TaskCredentials credentials_;
    Telemetry telemetry_{board_, host_, 2};
    LogStreams logs_{board_, [this](const std::string& id) { return directory_ + "/logs/" + id; }};
    Workers workers_{"test", 2};
    ApiClient api_{ApiOptions{server_.url, "us-east-1", ""}, keys_, clock_};
    ChannelTimes times_;
    std::unique_ptr<Session> session_;
    std::shared_ptr<Engine> engine_;
};

const std::string task_id(32, '8');

TEST_F(SessionTest, registers_connects_runs_a_task_and_reports)
{
    start();
    const Json registered = server_.next_call("RegisterContainerInstance").input;
    EXPECT_EQ(registered.get_string("cluster"), "default");
    EXPECT_THAT(registered.dump(), HasSubstr(R"({"name":"boxship.eni-inline"})"));
    EXPECT_THAT(registered.dump(), HasSubstr(R"({"name":"rack","value":"7"})"));
    EXPECT_THAT(registered.dump(), HasSubstr(R"({"name":"CPU","type":"INTEGER","integerValue":2048})"));
    EXPECT_THAT(server_.next_connection(), HasSubstr("sendCredentials=true"));
    EXPECT_EQ(ledger_.load()->fact(instance_fact), instance);

    const Json role = Json::object({{"credentialsId", "c1"}, {"roleArn", "arn:r"}, {"accessKeyId", "AKIA"}, {"secretAccessKey", "x"}, {"expiration", "2030"}});
    server_.say("PayloadMessage", payload("m1", task_json(task_id, {container_json("web")}, {{"roleCredentials", role}})));
    EXPECT_EQ(server_.next_frame("IAMRoleCredentialsAckRequest")["message"].get_string("credentialsId"), "c1");
    EXPECT_EQ(server_.next_frame("AckRequest")["message"].get_string("messageId"), "m1");
    const Json report = server_.next_call("SubmitTaskStateChange").input;
    EXPECT_EQ(report.get_string("status"), "RUNNING");
    EXPECT_EQ(report["containers"].as_array().at(0).get_string("imageDigest"), "sha256:manifest");
    EXPECT_TRUE(credentials_.find("c1").has_value());

    const Json timings = server_.next_control();
    EXPECT_EQ(timings.get_string("kind"), "timings");
    EXPECT_FALSE(timings["phases"].as_array().empty());
}

TEST_F(SessionTest, answers_heartbeats_and_refuses_updates)
{
    start();
    server_.next_connection();
    server_.say("HeartbeatMessage", Json::object({{"messageId", "h1"}, {"healthy", true}}));
    EXPECT_EQ(server_.next_frame("HeartbeatAckRequest")["message"].get_string("messageId"), "h1");
    server_.say("PerformUpdateMessage", Json::object({{"messageId", "u1"}}));
    EXPECT_EQ(server_.next_frame("NackRequest")["message"].get_string("reason"), "Updates are disabled");
}

TEST_F(SessionTest, takes_no_keys_for_a_task_that_has_stopped)
{
    start();
    server_.next_connection();
    const Json role = Json::object({{"credentialsId", "c1"}, {"roleArn", "arn:r"}, {"accessKeyId", "AKIA"}, {"secretAccessKey", "x"}, {"expiration", "2030"}});
    const Json task = task_json(task_id, {container_json("web")}, {{"roleCredentials", role}});
    server_.say("PayloadMessage", payload("m1", task));
    EXPECT_EQ(server_.next_call("SubmitTaskStateChange").input.get_string("status"), "RUNNING");
    server_.say("PayloadMessage", payload("m2", stop_json(task_id)));
    EXPECT_EQ(server_.next_call("SubmitTaskStateChange").input.get_string("status"), "STOPPED");
    EXPECT_FALSE(credentials_.find("c1").has_value());
    server_.say("PayloadMessage", payload("m3", task));      // the report was not heard in time
    while (server_.next_frame("AckRequest")["message"].get_string("messageId") != "m3") {
    }
    EXPECT_FALSE(credentials_.find("c1").has_value());
}

TEST_F(SessionTest, verifies_what_a_manifest_does_not_name)
{
    start();
    server_.next_connection();
    server_.say("PayloadMessage", payload("m1", task_json(task_id, {container_json("web")})));
    EXPECT_EQ(server_.next_call("SubmitTaskStateChange").input.get_string("status"), "RUNNING");
    server_.say("TaskManifestMessage", Json::object({{"messageId", "man"}, {"clusterArn", "default"}, {"containerInstanceArn", instance},
                                                     {"timeline", 9}, {"tasks", Json::array()}}));
    const Json question = server_.next_frame("TaskStopVerificationMessage")["message"];
    EXPECT_EQ(question.get_string("messageId"), "man");
    ASSERT_EQ(question["stopCandidates"].as_array().size(), 1u);
    server_.say("TaskStopVerificationAck", Json::object({{"messageId", "another"}, {"stopTasks", question["stopCandidates"]}}));
    server_.say("TaskStopVerificationAck", Json::object({{"messageId", "man"}, {"stopTasks", question["stopCandidates"]}}));
    EXPECT_EQ(server_.next_call("SubmitTaskStateChange").input.get_string("status"), "STOPPED");
}

TEST_F(SessionTest, waits_while_the_server_starts_and_repeats_reports)
{
    server_.refuse("RegisterContainerInstance", 500, "ServerException", 2);
    server_.refuse("SubmitTaskStateChange", 500, "ServerException", 1);
    server_.refuse("SubmitTaskStateChange", 400, "ClientException", 1);
    start();
    server_.next_connection();
    server_.say("PayloadMessage", payload("m1", task_json(task_id, {container_json("web")})));
    for (int at = 0; at < 3; ++at) EXPECT_EQ(server_.next_call("SubmitTaskStateChange").input.get_string("status"), "RUNNING");
}

TEST_F(SessionTest, makes_the_default_cluster_when_there_is_none)
{
    server_.refuse("RegisterContainerInstance", 400, "ClusterNotFoundException");
    start();
    EXPECT_EQ(server_.next_call("CreateCluster").input.get_string("clusterName"), "default");
    server_.next_connection();
}

TEST_F(SessionTest, registers_anew_when_its_instance_is_unknown)
{
    LedgerBatch batch;
    batch.facts = {{instance_fact, instance + "-old"}};
    ASSERT_TRUE(ledger_.commit(batch, true).ok());
    server_.refuse("RegisterContainerInstance", 400, "ClientException");
    start();
    EXPECT_EQ(server_.next_call("RegisterContainerInstance").input.get_string("containerInstanceArn"), instance + "-old");
    EXPECT_FALSE(server_.next_call("RegisterContainerInstance").input.has("containerInstanceArn"));
    server_.next_connection();
    EXPECT_EQ(ledger_.load()->fact(instance_fact), instance);
}

TEST_F(SessionTest, comes_back_after_a_clean_end_and_after_being_refused)
{
    server_.refuse_upgrade("InactiveInstanceException");
    server_.refuse_upgrade("InvalidInstanceException");
    start();
    server_.next_connection();
    EXPECT_EQ(server_.next_call("RegisterContainerInstance").input.has("containerInstanceArn"), false);
    EXPECT_EQ(server_.next_call("RegisterContainerInstance").input.has("containerInstanceArn"), false);
    server_.close_acs(1000);
    EXPECT_THAT(server_.next_connection(), HasSubstr("sendCredentials=false"));
}

// What was given up with the instance would hold addresses that are others' by now.
TEST_F(SessionTest, a_deregistered_instance_stops_what_it_runs)
{
    start();
    server_.next_connection();
    server_.say("PayloadMessage", payload("m1", task_json(task_id, {container_json("web")})));
    EXPECT_EQ(server_.next_call("SubmitTaskStateChange").input.get_string("status"), "RUNNING");
    server_.refuse_upgrade("InactiveInstanceException");
    server_.close_acs(1000);
    EXPECT_EQ(server_.next_call("SubmitTaskStateChange").input.get_string("status"), "STOPPED");
}

TEST_F(SessionTest, telemetry_is_signed_message_by_message)
{
    start();
    const std::string status = server_.next_telemetry();
    const auto split = acs::split_signed_prefix(status);
    EXPECT_TRUE(split.headers.has("Authorization"));
    EXPECT_TRUE(split.headers.has("X-Amz-Date"));
    EXPECT_THAT(std::string(split.json), HasSubstr("PublishInstanceStatusRequest"));
    const std::string metrics = server_.next_telemetry();
    EXPECT_THAT(metrics, HasSubstr(R"("fin":true,"idle":true)"));
}

TEST_F(SessionTest, sends_the_lines_of_a_containers_output)
{
    start();
    server_.next_connection();
    server_.say("PayloadMessage", payload("m1", task_json(task_id, {container_json("web")})));
    server_.next_call("SubmitTaskStateChange");
    server_.next_control();       // timings
    const std::string logs = directory_ + "/logs/" + container_id(task_id, 0);
    ASSERT_TRUE(env::make_directories(logs).ok());
    ASSERT_TRUE(env::write_file(logs + "/00000001.log", "2026-11-20T13:35:04.123456789Z stdout P hello \n"
                                                        "2026-11-20T13:35:04.123456789Z stdout F world\n"
                                                        "2026-11-20T13:35:05.000000000Z stderr F oh\n").ok());
    const std::string arn = board_.find(task_id)->record.spec->arn;
    server_.say_control(Json::object({{"id", 1}, {"kind", "logs"}, {"taskArn", arn}}));
    const Json frame = server_.next_control();
    EXPECT_EQ(frame.get_int64("id"), 1);
    ASSERT_EQ(frame["lines"].as_array().size(), 2u);
    EXPECT_EQ(frame["lines"].as_array()[0].get_string("text"), "hello world");
    EXPECT_EQ(frame["lines"].as_array()[1].get_string("stream"), "stderr");
    EXPECT_TRUE(server_.next_control().get_bool("end"));

    server_.say_control(Json::object({{"id", 2}, {"kind", "logs"}, {"taskArn", arn}, {"tail", 0}, {"follow", true}}));
    server_.say_control(Json::object({{"id", 3}, {"kind", "logs"}, {"taskArn", arn}, {"container", "nobody"}}));
    EXPECT_THAT(server_.next_control().get_string("error"), HasSubstr("no container nobody"));    // and the second follows since
    {
        std::ofstream out(logs + "/00000001.log", std::ios::app);
        out << "2026-11-20T13:35:06.000000000Z stdout F later\n";
    }
    EXPECT_EQ(server_.next_control()["lines"].as_array().at(0).get_string("text"), "later");
    executor_->post([this] { host_.end("web", Exit{.code = 0}); });
    EXPECT_TRUE(server_.next_control().get_bool("end"));
}

TEST_F(SessionTest, unknown_requests_are_answered)
{
    start();
    server_.say_control(Json::object({{"id", 5}, {"kind", "dance"}}));
    EXPECT_THAT(server_.next_control().get_string("error"), HasSubstr("dance"));
}

TEST(HostCredentials, must_not_be_readable_by_others)
{
    std::string path = (std::filesystem::temp_directory_path() / "key-XXXXXX").string();
    const int fd = ::mkstemp(path.data());
    ASSERT_GE(fd, 0);
    ::close(fd);
    ASSERT_TRUE(env::write_file(path, R"({"accessKeyId":"a","secretAccessKey":"b"})").ok());
    HostCredentials keys(path);
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    EXPECT_FALSE(keys.current().ok());
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    EXPECT_EQ(keys.current()->access_key_id, "a");
    ASSERT_TRUE(env::write_file_durably(path, R"({"accessKeyId":"c","secretAccessKey":"d"})", 0600).ok());
    EXPECT_EQ(keys.current()->access_key_id, "c");     // rotated
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace boxship::agent
