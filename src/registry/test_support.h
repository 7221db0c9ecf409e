// For this folder's tests: a registry behind a real HTTP server on loopback, with a state in memory.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "base/bytes.h"
#include "ecr/repositories.h"
#include "env/real/files.h"
#include "env/real/real_env.h"
#include "registry/registry.h"
#include "state/doctor.h"
#include "wire/http/client.h"
#include "wire/http/server.h"

namespace boxship::registry {

class MovableClock : public env::Clock {
public:
    Time now() override { return real_.now() + Milliseconds(ahead_.load()); }
    Milliseconds uptime() override { return real_.uptime() + Milliseconds(ahead_.load()); }
    void advance(Milliseconds by) { ahead_ += by.count(); }

private:
    env::RealClock real_;
    std::atomic<std::int64_t> ahead_{0};
};

inline std::string sha256_of(std::string_view bytes) { return to_text(blobs::digest_of(blobs::Algorithm::sha256, bytes)); }
inline std::string sha512_of(std::string_view bytes) { return to_text(blobs::digest_of(blobs::Algorithm::sha512, bytes)); }

inline std::string descriptor(std::string_view type, std::string_view content)
{
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}}})", type, sha256_of(content), content.size());
}
inline std::string image_manifest(const std::vector<std::string>& contents, const std::string& more = "")
{
    std::string layers;
    for (std::size_t i = 1; i < contents.size(); ++i)
        layers += (i > 1 ? "," : "") + descriptor("application/vnd.oci.image.layer.v1.tar+gzip", contents[i]);
    return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]{}}})", ecr::media::oci_manifest,
                       descriptor("application/vnd.oci.image.config.v1+json", contents[0]), layers, more);
}

class RegistryTest : public ::testing::Test {
protected:
    template <class Work>
    auto in_state(Work work)
    {
        std::promise<void> done;
        std::optional<std::invoke_result_t<Work, state::Txn&>> value;
        store_->update([&](state::Txn& txn) { value.emplace(work(txn)); }, [&](HostResult<>) { done.set_value(); });
        done.get_future().wait();
        return std::move(*value);
    }

    void SetUp() override
    {
        char pattern[] = "/tmp/boxship-registry-XXXXXX";
        directory_ = ::mkdtemp(pattern);
        start();
        create("team/web");
        create("team/api");
        password_ = registry_->issue_password({ecr::Caller::Kind::root, "arn:aws:iam::000000000000:root", ""}, clock_.now());
    }
    void TearDown() override
    {
        EXPECT_EQ(in_state([](state::Txn& txn) { return state::examine(txn); }), std::vector<std::string>());
        stop();
        EXPECT_TRUE(env::remove_tree(directory_).ok());
    }

    // The parts in the order in which bin/ builds them, and down again in reverse.
    void start()
    {
        executor_ = std::make_unique<env::ThreadExecutor>("state");
        threads_ = std::make_unique<http::IoThreads>(2);
        env::Env env{clock_, random_, *executor_, faults_};
        store_ = std::make_unique<state::Store>(env, state::make_memory_journal(journal_, *executor_));
        const Generation generation(*store_);
        ASSERT_TRUE(store_->load().ok());
        blobs_ = std::make_unique<blobs::Blobs>(directory_ + "/blobs");
        ASSERT_TRUE(blobs_->prepare().ok());
        workers_ = std::make_unique<blobs::Workers>(3);
        Options options;
        options.scope = scope_;
        options.sync_step = 3 << 20;
        options.images_max = images_max_;
        registry_ = std::make_unique<Registry>(*store_, generation, *blobs_, *workers_, Tokens(crypto::Key{}, random_), clock_, random_,
                                               threads_->executor(), options);
        const auto handler = [this](http::Request& request, http::BodyReader& body) { return registry_->handle(request, body); };
        server_ = std::make_unique<http::Server>(*threads_, handler);
        port_ = *server_->listen("127.0.0.1", 0);
    }
    void stop()
    {
        if (!server_) return;
        server_->drain(Milliseconds(2000));
        server_.reset();
        registry_.reset();
        workers_.reset();
        executor_.reset();  // runs what was posted, which still uses the store
        store_.reset();
        threads_.reset();
    }

    void create(const std::string& name, model::TagMutability mutability = model::TagMutability::mutable_)
    {
        model::Repository repository;
        repository.name = name;
        repository.mutability = mutability;
        ASSERT_TRUE(in_state([&](state::Txn& txn) { return ecr::create_repository(txn, scope_, repository, clock_.now(), random_).ok(); }));
    }
    void run(http::Async<> (Registry::*work)())
    {
        const std::function<http::Async<>()> task = [&] { return (registry_.get()->*work)(); };
        http::run_blocking<void>(threads_->executor(), task);
    }

    std::string authorization() const { return "Basic " + to_base64("AWS:" + password_); }
    http::ClientResponse ask(const std::string& method, const std::string& target, std::string body = {}, http::Headers headers = {})
    {
        http::ClientRequest request;
        request.method = method;
        request.url = "http://127.0.0.1:" + std::to_string(port_) + target;
        request.body = std::move(body);
        request.headers = std::move(headers);
        if (!request.headers.has("Authorization")) request.headers.set("Authorization", authorization());
        auto response = client_.send_blocking(std::move(request));
        EXPECT_TRUE(response.ok()) << method << " " << target << ": " << (response.ok() ? "" : response.error().message);
        return response.ok() ? std::move(response).value() : http::ClientResponse{};
    }
    std::string start_upload(const std::string& repository, const std::string& query = {})
    {
        const auto started = ask("POST", "/v2/" + repository + "/blobs/uploads/" + query);
        EXPECT_EQ(started.status, 202) << started.body;
        return std::string(started.headers.get("Location"));
    }
    http::ClientResponse push_blob(const std::string& repository, const std::string& content)
    {
        return ask("PUT", start_upload(repository) + "?digest=" + sha256_of(content), content);
    }
    http::ClientResponse push_manifest(const std::string& repository, const std::string& reference, const std::string& manifest,
                                       const std::string& type = std::string(ecr::media::oci_manifest))
    {
        return ask("PUT", "/v2/" + repository + "/manifests/" + reference, manifest, {{"Content-Type", type}});
    }
    std::string push_image(const std::string& repository, const std::string& tag, const std::vector<std::string>& contents,
                           const std::string& more = "")
    {
        for (const auto& content : contents) EXPECT_EQ(push_blob(repository, content).status, 201);
        const std::string manifest = image_manifest(contents, more);
        const auto pushed = push_manifest(repository, tag, manifest);
        EXPECT_EQ(pushed.status, 201) << pushed.body;
        return sha256_of(manifest);
    }
    std::string file_of(const std::string& digest) { return blobs_->path_of(*blobs::Digest::parse(digest)); }
    static std::string code_of(const http::ClientResponse& response)
    {
        const auto json = shape::Json::parse(response.body);
        return json.ok() && !(*json)["errors"].as_array().empty() ? (*json)["errors"].as_array()[0].get_string("code") : "";
    }

    model::Scope scope_{"000000000000", "us-east-1"};
    std::shared_ptr<state::MemoryJournalData> journal_ = std::make_shared<state::MemoryJournalData>();
    std::string directory_;
    MovableClock clock_;
    env::RealRandom random_;
    env::NoFaults faults_;
    http::Client client_;
    std::unique_ptr<env::ThreadExecutor> executor_;
    std::unique_ptr<http::IoThreads> threads_;
    std::unique_ptr<state::Store> store_;
    std::unique_ptr<blobs::Blobs> blobs_;
    std::unique_ptr<blobs::Workers> workers_;
    std::unique_ptr<Registry> registry_;
    std::unique_ptr<http::Server> server_;
    std::uint16_t port_ = 0;
    std::size_t images_max_ = 0;      // of the next start; 0: any number
    std::string password_;
};

}  // namespace boxship::registry
