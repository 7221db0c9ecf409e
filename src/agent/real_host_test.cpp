// The engine on the real host: images, containers, networks. Runs in a child with a network and mounts of its own.
#include "agent/real_host.h"

#include <boost/asio/awaitable.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>

#include "agent/endpoints.h"
#include "agent/fakes_for_tests.h"
#include "agent/forward.h"
#include "agent/port_forwards.h"
#include "env/real/files.h"
#include "env/real/real_env.h"
#include "images/test_registry.h"
#include "runtime/log_reader.h"
#include "runtime/net/links.h"
#include "runtime/net/sweep.h"

namespace boxship::agent {
namespace {

using shape::Json;
using testing::HasSubstr;

const std::string sandbox = "/run/boxship-agent-test-" + std::to_string(::getpid());

class WaitingOutlet : public Outlet {
public:
    void submit(TaskReport report, std::function<void()> heard) override
    {
        {
            const std::lock_guard lock(mutex_);
            reports_.push_back(std::move(report));
            changed_.notify_all();
        }
        heard();
    }
    void launched(const std::string&, const std::vector<Phase>& phases) override
    {
        for (const Phase& phase : phases) fmt::print("    {:<8} {:.1f} ms\n", phase.name, phase.ms);
    }
    TaskReport next()
    {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::seconds(30), [this] { return !reports_.empty(); })) {
            ADD_FAILURE() << "no report came";
            return {};
        }
        TaskReport report = std::move(reports_.front());
        reports_.pop_front();
        return report;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<TaskReport> reports_;
};

// One life of an agent's process, without the session.
class Agent {
public:
    Agent(Ledger& ledger, const std::string& instance_address)
    {
        RealHostOptions options;
        options.agent_directory = sandbox + "/data/agents/one";
        options.images_directory = sandbox + "/data/images";
        options.run_directory = sandbox + "/run";
        options.platform_id = "t" + std::to_string(::getpid() % 10'000);
        options.agent_name = "one";
        options.monitor_program = BOXSHIP_MONITOR;
        options.vpc_cidr = "172.31.0.0/16";
        options.instance_address = instance_address;
        EXPECT_TRUE(env::make_directories(options.agent_directory).ok());
        auto opened = RealHost::open(options, api, clock, [this](env::UniqueFd metadata, env::UniqueFd way, std::string tag) {
            endpoints_early = std::move(metadata);
            forward.adopt(std::move(way), "http://127.0.0.1:9", tag);
        });
        EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
        if (!opened) ::_exit(5);
        host = std::move(*opened);
        telemetry = std::make_unique<Telemetry>(board, *host, 2);
        endpoints = std::make_unique<Endpoints>(io, EndpointParts{board, credentials, *telemetry, *host, host->workers(), api}, MetadataContext{"us-east-1a"}, 2);
        endpoints->adopt(std::move(endpoints_early), "default");
        EngineOptions engine_options;
        engine_options.resources = {.cpu_units = 4096, .memory_mib = 4096, .tcp = {}, .udp = {}};
        engine_options.plan.region = "us-east-1";
        engine_options.batch_wait = Milliseconds(10'000);   // the task's own steps are what is waited for
        engine = Engine::create(env::Env{clock, random, *executor, faults}, ledger, *host, outlet, board, engine_options);
        std::promise<void> ready;
        EXPECT_TRUE(engine->start(*ledger.load(), [&] { ready.set_value(); }).ok());
        ready.get_future().wait();
    }
    // The host's workers end while the executor that they report to still takes what they say.
    ~Agent()
    {
        engine.reset();
        std::promise<void> idle;
        executor->post([&] { idle.set_value(); });   // nothing that holds the engine runs after this
        idle.get_future().wait();
        endpoints.reset();
        telemetry.reset();
        host.reset();
        executor.reset();
    }

    // As the control plane tells of the default group.
    void open_to_machine()
    {
        using namespace runtime::net;
        const GroupRule in{.egress = false, .range = *Ipv4Net::parse("169.254.0.0/16"), .group = ""}, out{.egress = true, .range = {}, .group = ""};
        GroupNews news{.all = true, .groups = {}, .left = {}, .joined = {}, .gone = {}};
        news.groups.push_back({"default", "sg-default", {in, out}, std::set{*Ipv4::parse("172.31.255.4")}});
        host->take_groups(std::move(news));
    }
    void accept(Json task)
    {
        std::promise<void> stored;
        engine->accept({std::move(task)}, 0, clock.now(), [&] { stored.set_value(); });
        stored.get_future().wait();
    }
    // Until the container's output holds `text`.
    std::string output(const std::string& container, const std::string& text)
    {
        std::string all;
        for (int tries = 0; tries < 2'000 && all.find(text) == std::string::npos; ++tries) {
            all.clear();
            runtime::LogReader reader(host->log_directory(container));
            const auto lines = reader.read(1'000);
            if (lines) {
                for (const auto& line : *lines) all += line.text + "\n";
            }
            if (all.find(text) == std::string::npos) ::usleep(5'000);
        }
        return all;
    }

    env::RealClock clock;
    env::RealRandom random;
    NeverFaults faults;
    std::unique_ptr<env::ThreadExecutor> executor = std::make_unique<env::ThreadExecutor>("engine");
    http::IoThreads io{1};
    HostCredentials keys{sandbox + "/none.json"};
    ApiClient api{{"http://127.0.0.1:9", "us-east-1", ""}, keys, clock};
    Board board;
    TaskCredentials credentials;
    WaitingOutlet outlet;
    Forward forward{io.executor(0)};
    PortForwards ports{board, forward, "172.31.255.4"};
    env::UniqueFd endpoints_early;
    std::unique_ptr<RealHost> host;
    std::unique_ptr<Telemetry> telemetry;
    std::unique_ptr<Endpoints> endpoints;
    std::shared_ptr<Engine> engine;
};

// An exception must not carry the child back into the test program; and cgroups are the machine's, so they are removed
// whatever became of the test.
void run_and_clean(const std::function<void()>& body) noexcept
{
    body();
    MemoryLedger ledger;
    Agent agent(ledger, "");
    const auto purged = agent.host->purge();
    EXPECT_TRUE(purged.ok()) << (purged.ok() ? "" : purged.error().message);
}

// The body runs in a forked child: its network and its mounts end with it.
void in_sandbox(const std::function<void()>& body)
{
    if (::geteuid() != 0) GTEST_SKIP() << "containers need root";
    if (!env::file_exists("/bin/busybox")) GTEST_SKIP() << "needs busybox-static";
    ASSERT_TRUE(env::make_directories(sandbox, 0700).ok());
    std::fflush(nullptr);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("tmpfs", sandbox.c_str(), "tmpfs", 0, nullptr) != 0) {
            std::perror("make a sandbox");
            ::_exit(3);
        }
        const auto links = runtime::net::Netlink::open(NETLINK_ROUTE);
        EXPECT_TRUE(links.ok() && (*links)->request(runtime::net::set_link_up(1)).ok());
        run_and_clean(body);
        std::fflush(nullptr);
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    ::rmdir(sandbox.c_str());
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

const std::string task_id(32, 'a');
const std::string container = container_id(task_id, 0);

// An image in a registry on loopback: busybox as everything.
std::string busybox_image(images::FakeRegistry& registry)
{
    images::TarWriter tar;
    const auto program = env::read_file("/bin/busybox");
    tar.directory("bin").file("bin/busybox", *program, 0755).directory("etc").file("etc/passwd", "root:x:0:0::/:/bin/sh\n").directory("tmp", 01777);
    for (const char* name : {"sh", "wget", "sleep", "cat", "httpd", "hostname", "echo", "nc"}) tar.link(std::string("bin/") + name, "busybox");
    registry.add_image({images::FakeRegistry::plain(tar.finish())}, "v1");
    return registry.host + "/" + registry.repository + ":v1";
}

Json shell(const std::string& image, const std::string& script, std::initializer_list<shape::JsonMember> more = {})
{
    Json json = container_json("app", more);
    json.set("image", image);
    json.set("entryPoint", Json::array({"/bin/sh", "-c", script}));
    return json;
}

Json interface()
{
    return Json::array({Json::object({{"attachmentArn", "arn:aws:ecs:us-east-1:000000000000:attachment/a"}, {"ec2Id", "eni-0a"},
                                      {"macAddress", "02:42:ac:1f:05:09"}, {"privateDnsName", "ip-172-31-5-9.ec2.internal"},
                                      {"ipv4Addresses", Json::array({Json::object({{"primary", true}, {"privateAddress", "172.31.5.9"}})})},
                                      {"subnetGatewayIpv4Address", "172.31.0.1/20"}})});
}

TEST(RealHost, an_awsvpc_task_runs_sees_itself_and_leaves_nothing)
{
    in_sandbox([] {
        images::FakeRegistry registry;
        const std::string image = busybox_image(registry);
        MemoryLedger ledger;
        Agent agent(ledger, "");
        const std::string script = "trap 'echo bye; exit 7' TERM; hostname; wget -qO- $ECS_CONTAINER_METADATA_URI_V4/task; echo; "
                                   "wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI; echo; "
                                   "wget -qO- $ECS_CONTAINER_METADATA_URI_V4/stats; echo; cat /scratch/none 2>/dev/null; echo hi > /scratch/x; "
                                   "echo ready; while :; do sleep 1 & wait; done";
        const Json role = Json::object({{"credentialsId", "c1"}, {"roleArn", "arn:aws:iam::000000000000:role/app"}, {"accessKeyId", "ASIA"},
                                        {"secretAccessKey", "hush"}, {"sessionToken", "t"}, {"expiration", "2030-01-01T00:00:00Z"}});
        agent.credentials.put("arn:aws:ecs:us-east-1:000000000000:task/default/" + task_id, false, role);
        const Json mounts = Json::array({Json::object({{"sourceVolume", "scratch"}, {"containerPath", "/scratch"}})});
        agent.accept(task_json(task_id, {shell(image, script, {{"mountPoints", mounts}})},
                               {{"networkMode", "awsvpc"}, {"elasticNetworkInterfaces", interface()}, {"cpu", 0.25}, {"memory", 128}, {"roleCredentials", role},
                                {"volumes", Json::array({Json::object({{"name", "scratch"}, {"host", Json::object()}})})}}));
        const TaskReport running = agent.outlet.next();
        EXPECT_EQ(running.life, Life::running) << running.reason << (running.containers.empty() ? "" : running.containers[0].reason);
        EXPECT_FALSE(running.attachment.empty());
        const std::string output = agent.output(container, "ready");
        EXPECT_THAT(output, HasSubstr("ip-172-31-5-9.ec2.internal"));
        EXPECT_THAT(output, HasSubstr("\"TaskARN\":\"arn:aws:ecs:us-east-1:000000000000:task/default/" + task_id));
        EXPECT_THAT(output, HasSubstr("\"SecretAccessKey\":\"hush\""));
        EXPECT_THAT(output, HasSubstr("\"networks\":{\"eth0\""));
        EXPECT_TRUE(env::file_exists(sandbox + "/data/agents/one/volumes/" + task_id + "/scratch/x"));

        agent.accept(stop_json(task_id));
        const TaskReport stopped = agent.outlet.next();
        EXPECT_EQ(stopped.life, Life::stopped);
        ASSERT_EQ(stopped.containers.size(), 1u);
        EXPECT_EQ(stopped.containers[0].exit_code, 7);
        EXPECT_THAT(agent.output(container, "bye"), HasSubstr("bye"));
        EXPECT_FALSE(env::file_exists(sandbox + "/data/agents/one/volumes/" + task_id));
        EXPECT_FALSE(env::file_exists(sandbox + "/run/netns/one/" + task_id));
    });
}

TEST(RealHost, containers_outlive_the_agent_and_are_taken_back)
{
    in_sandbox([] {
        images::FakeRegistry registry;
        const std::string image = busybox_image(registry);
        MemoryLedger ledger;
        {
            Agent agent(ledger, "");
            agent.accept(task_json(task_id, {shell(image, "echo up; read line; exit 5", {{"stopTimeout", 1}, {"dockerConfig", Json::object({{"config", "{\"OpenStdin\":true}"}})}})},
                                   {{"networkMode", "none"}}));
            EXPECT_EQ(agent.outlet.next().life, Life::running);
        }
        {
            Agent agent(ledger, "");
            EXPECT_EQ(agent.board.find(task_id)->record.containers[0].life, Life::running);
            agent.accept(stop_json(task_id));
            TaskReport stopped = agent.outlet.next();
            if (stopped.life == Life::running) stopped = agent.outlet.next();   // said again if the first agent ended before it was noted
            EXPECT_EQ(stopped.life, Life::stopped);
            EXPECT_EQ(stopped.containers.at(0).exit_code, 137);      // a shell as process 1 ignores SIGTERM
        }
        {
            Agent agent(ledger, "");
        }
    });
}

TEST(RealHost, a_bridge_containers_port_answers_at_the_instance)
{
    in_sandbox([] {
        images::FakeRegistry registry;
        const std::string image = busybox_image(registry);
        MemoryLedger ledger;
        Agent agent(ledger, "172.31.255.4");
        agent.open_to_machine();
        const Json ports = Json::array({Json::object({{"containerPort", 80}, {"hostPort", 0}, {"protocol", "tcp"}})});
        agent.accept(task_json(task_id, {shell(image, "echo page > /index.html; wget -qO- $ECS_CONTAINER_METADATA_URI_V4; httpd -f -p 80 -h /", {{"portMappings", ports}, {"stopTimeout", 1}})}));
        const TaskReport running = agent.outlet.next();
        ASSERT_EQ(running.life, Life::running) << running.reason << (running.containers.empty() ? "" : running.containers[0].reason);
        const auto port = running.containers.at(0).ports.at(0).host_port;
        EXPECT_THAT(agent.output(container, "DockerId"), HasSubstr("\"NetworkMode\":\"bridge\""));
        http::Client client;
        std::string page;
        for (int tries = 0; tries < 400 && page.empty(); ++tries) {
            const auto answer = client.send_blocking({.url = fmt::format("http://172.31.255.4:{}/index.html", port)});
            if (answer) page = answer->body;
            else ::usleep(10'000);
        }
        EXPECT_EQ(page, "page\n");
        const auto by_loopback = client.send_blocking({.url = fmt::format("http://127.0.0.1:{}/index.html", port)});
        ASSERT_TRUE(by_loopback.ok()) << by_loopback.error().message;
        EXPECT_EQ(by_loopback->body, "page\n");
        agent.accept(stop_json(task_id));
        EXPECT_EQ(agent.outlet.next().life, Life::stopped);
    });
}

TEST(RealHost, failures_say_what_was_wrong)
{
    in_sandbox([] {
        images::FakeRegistry registry;
        const std::string image = busybox_image(registry);
        MemoryLedger ledger;
        Agent agent(ledger, "");
        Json missing = container_json("app");
        missing.set("image", registry.host + "/" + registry.repository + ":nope");
        agent.accept(task_json(task_id, {std::move(missing)}, {{"networkMode", "none"}}));
        const TaskReport no_image = agent.outlet.next();
        EXPECT_EQ(no_image.life, Life::stopped);
        EXPECT_THAT(no_image.containers.at(0).reason, testing::StartsWith("CannotPull"));

        Json absent = container_json("app");
        absent.set("image", image);
        absent.set("entryPoint", Json::array({"/bin/absent"}));
        agent.accept(task_json(std::string(32, 'b'), {std::move(absent)}, {{"networkMode", "none"}}));
        const TaskReport no_program = agent.outlet.next();
        EXPECT_EQ(no_program.life, Life::stopped);
        EXPECT_THAT(no_program.containers.at(0).reason, testing::StartsWith("Cannot"));
        EXPECT_THAT(no_program.containers.at(0).reason, HasSubstr("/bin/absent"));
    });
}

TEST(RealHost, knows_signals_by_name_and_number)
{
    EXPECT_EQ(signal_number("SIGTERM"), SIGTERM);
    EXPECT_EQ(signal_number("QUIT"), SIGQUIT);
    EXPECT_EQ(signal_number("9"), 9);
    EXPECT_EQ(signal_number("SIGRTMIN+3"), SIGRTMIN + 3);
    EXPECT_FALSE(signal_number("SIGNONSENSE"));
    EXPECT_FALSE(signal_number("0"));
}

}  // namespace
}  // namespace boxship::agent
