// The registry in a process of its own, killed again and again in the middle of its work: what it answered 201 to is there
// and whole afterwards, an upload goes on where it was noted, and the rest is not visible.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "registry/test_support.h"

namespace boxship::registry {
namespace {

// Serves until it is killed; the port goes down the pipe.
[[noreturn]] void serve(const std::string& directory, int port_pipe)
{
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nothing stays when the test itself is killed
    static env::RealClock clock;
    static env::RealRandom random;
    static env::NoFaults faults;
    auto* executor = new env::ThreadExecutor("state");
    auto* threads = new http::IoThreads(1);
    auto* store = new state::Store({clock, random, *executor, faults}, state::make_sqlite_journal(directory + "/journal.db", *executor));
    auto* blobs = new blobs::Blobs(directory + "/blobs");
    const Generation generation(*store);
    if (!store->load().ok() || !blobs->prepare().ok()) ::_exit(1);
    Options options;
    options.scope = {"000000000000", "us-east-1"};
    options.sync_step = 1 << 20;
    auto* workers = new blobs::Workers(2);
    auto* registry = new Registry(*store, generation, *blobs, *workers, Tokens(crypto::Key{}, random), clock, random, threads->executor(), options);
    store->update([&](state::Txn& txn) {
        model::Repository repository;
        repository.name = "team/web";
        if (!ecr::find_repository(txn, options.scope, repository.name).ok())
            (void)ecr::create_repository(txn, options.scope, repository, clock.now(), random);
    }, [](HostResult<>) {});
    auto* server = new http::Server(*threads, [registry](http::Request& request, http::BodyReader& body) { return registry->handle(request, body); });
    const auto port = server->listen("127.0.0.1", 0);
    if (!port.ok() || ::write(port_pipe, &*port, sizeof *port) != sizeof *port) ::_exit(1);
    for (;;) ::pause();
}

class KillTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        char pattern[] = "/tmp/boxship-registry-XXXXXX";
        directory_ = ::mkdtemp(pattern);
        env::RealClock clock;
        password_ = Tokens(crypto::Key{}, random_).issue({ecr::Caller::Kind::root, "root", ""}, clock.now());
    }
    void TearDown() override
    {
        kill_server();
        EXPECT_TRUE(env::remove_tree(directory_).ok());
    }
    void start_server()
    {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        server_ = ::fork();
        ASSERT_GE(server_, 0);
        if (server_ == 0) serve(directory_, ends[1]);
        ::close(ends[1]);
        ASSERT_EQ(::read(ends[0], &port_, sizeof port_), static_cast<ssize_t>(sizeof port_));
        ::close(ends[0]);
    }
    void kill_server()
    {
        if (server_ <= 0) return;
        ::kill(server_, SIGKILL);
        ::waitpid(server_, nullptr, 0);
        server_ = -1;
    }
    // Nothing when the server went meanwhile.
    std::optional<http::ClientResponse> ask(const std::string& method, const std::string& target, std::string body = {})
    {
        http::ClientRequest request;
        request.method = method;
        request.url = "http://127.0.0.1:" + std::to_string(port_) + target;
        request.body = std::move(body);
        request.headers = {{"Authorization", "Basic " + to_base64("AWS:" + password_)}, {"Content-Type", std::string(ecr::media::oci_manifest)}};
        auto response = client_.send_blocking(std::move(request));
        if (!response.ok()) return std::nullopt;
        return std::move(response).value();
    }

    // While it lives.
    http::ClientResponse must(const std::string& method, const std::string& target, std::string body = {})
    {
        auto response = ask(method, target, std::move(body));
        EXPECT_TRUE(response) << method << " " << target;
        return response.value_or(http::ClientResponse{});
    }
    static std::size_t offset_of(const http::ClientResponse& status)
    {
        const std::string range(status.headers.get("Range"));
        return range.empty() || range == "0-0" ? 0 : std::stoul(range.substr(2)) + 1;
    }

    env::RealRandom random_;
    std::string directory_;
    std::string password_;
    http::Client client_;
    pid_t server_ = -1;
    std::uint16_t port_ = 0;
};

TEST_F(KillTest, what_was_answered_survives_and_uploads_go_on)
{
    std::mt19937 dice(4711);
    std::map<std::string, std::string> answered;  // digest → content
    std::map<std::string, std::string> manifests;
    std::string slow(4 << 20, '\0'), session;     // an upload that takes several lives
    for (char& byte : slow) byte = static_cast<char>(dice());
    std::size_t resumed = 0;
    int serial = 0;
    for (int life = 0; life < 8; ++life) {
        start_server();
        for (const auto& [digest, content] : answered) ASSERT_EQ(must("GET", "/v2/team/web/blobs/" + digest).body, content) << "life " << life;
        for (const auto& [digest, content] : manifests) ASSERT_EQ(must("GET", "/v2/team/web/manifests/" + digest).body, content) << "life " << life;
        if (session.empty()) session = std::string(must("POST", "/v2/team/web/blobs/uploads/").headers.get("Location"));
        const auto status = must("GET", session);
        ASSERT_EQ(status.status, 204);
        const std::size_t offset = offset_of(status);
        resumed += offset > 0;
        const pid_t victim = server_;
        const int patience = 10 + static_cast<int>(dice() % 90);
        std::thread killer([victim, patience] {
            std::this_thread::sleep_for(std::chrono::milliseconds(patience));
            ::kill(victim, SIGKILL);
        });
        if (offset < slow.size()) (void)ask("PATCH", session, slow.substr(offset, 700'000));
        for (bool alive = true; alive;) {
            const std::string content = fmt::format("content {} {}", serial++, std::string(dice() % 5000, 'x'));
            const auto blob = ask("POST", "/v2/team/web/blobs/uploads/?digest=" + sha256_of(content), content);
            alive = blob.has_value();
            if (alive && blob->status == 201) answered[sha256_of(content)] = content;
            if (!alive || serial % 3) continue;
            const std::string manifest = image_manifest({content});
            const auto pushed = ask("PUT", "/v2/team/web/manifests/v" + std::to_string(serial), manifest);
            alive = pushed.has_value();
            if (alive && pushed->status == 201) manifests[sha256_of(manifest)] = manifest;
        }
        killer.join();
        kill_server();
    }
    start_server();
    const std::size_t offset = offset_of(must("GET", session));
    EXPECT_EQ(must("PUT", session + "?digest=" + sha256_of(slow), slow.substr(offset)).status, 201);
    EXPECT_TRUE(must("GET", "/v2/team/web/blobs/" + sha256_of(slow)).body == slow);
    EXPECT_GT(answered.size() + resumed, 0u);
    // Every file in its place is whole: nothing half-written ever got a name.
    blobs::Blobs blobs(directory_ + "/blobs");
    const auto files = *blobs.list(blobs::Algorithm::sha256);
    for (const auto& file : files)
        EXPECT_TRUE(*blobs.verify({blobs::Algorithm::sha256, file.name}));
}

}  // namespace
}  // namespace boxship::registry
