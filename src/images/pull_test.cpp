#include "images/pull.h"

#include <sched.h>
#include <sys/mount.h>

#include <fstream>
#include <thread>

#include "env/real/real_env.h"
#include "images/challenge.h"
#include "images/test_registry.h"

namespace boxship::images {
namespace {

std::string noise(std::size_t bytes)
{
    std::string text(bytes, '\0');
    env::RealRandom random;
    random.fill({reinterpret_cast<std::byte*>(text.data()), text.size()});
    return text;
}

class Pull : public InDirectory {
protected:
    void SetUp() override
    {
        InDirectory::SetUp();
        if (IsSkipped()) return;
        open_store();
    }
    void TearDown() override
    {
        puller_.reset();
        store_.reset();
        InDirectory::TearDown();
    }
    void open_store()
    {
        store_ = std::move(LayerStore::open(directory_ + "/images", clock_)).value();
        puller_ = std::make_unique<Puller>(*store_, client_, options());
    }
    PullerOptions options() const
    {
        PullerOptions options;
        options.own = own_;
        options.retries = {3, Milliseconds(1)};
        return options;
    }
    PullRequest request(const std::string& by = ":v1")
    {
        PullRequest request;
        request.reference = *parse_reference(registry_.host + "/team/app" + by);
        request.holder = "task-1";
        request.policy = PullPolicy::fresh;
        return request;
    }
    PullResult<PulledImage> pull(const std::string& by = ":v1") { return puller_->pull(request(by)); }
    PullFailure failure(const std::string& by = ":v1")
    {
        const auto pulled = pull(by);
        EXPECT_FALSE(pulled.ok());
        return pulled.ok() ? PullFailure{-1} : pulled.error().kind;
    }
    std::size_t directories() const { return env::list_directory(directory_ + "/images/l")->size(); }

    env::RealClock clock_;
    FakeRegistry registry_;
    http::Client client_;
    OwnRegistry own_;
    std::unique_ptr<LayerStore> store_;
    std::unique_ptr<Puller> puller_;
    const std::string base_ = TarWriter().directory("bin/").file("bin/app", noise(300'000), 0755).finish();
    const std::string more_ = TarWriter().file("etc/conf", "x=1").finish();
    const std::string last_ = TarWriter().file("etc/.wh.conf", "").file("srv/data", noise(200'000)).finish();
};

TEST_F(Pull, brings_an_image_and_asks_only_for_its_digest_again)
{
    const std::string digest = registry_.add_image({FakeRegistry::gzipped(base_), FakeRegistry::plain(more_), FakeRegistry::zstandard(last_)}, "v1");
    PullRequest first = request();
    PullProgress last_progress;
    first.progress = [&](const PullProgress& progress) { last_progress = progress; };
    const auto pulled = puller_->pull(first);
    ASSERT_TRUE(pulled.ok()) << pulled.error().reason();
    EXPECT_EQ(pulled->digest, digest);
    EXPECT_FALSE(pulled->from_cache);
    EXPECT_EQ(pulled->image.config.command, std::vector<std::string>{"v1"});
    ASSERT_EQ(pulled->image.layers.size(), 3u);
    EXPECT_TRUE(hidden(pulled->image.layers[0] + "/etc/conf"));
    EXPECT_EQ(*env::read_file(pulled->image.layers[1] + "/etc/conf"), "x=1");
    EXPECT_EQ(look(pulled->image.layers[2] + "/bin/app").st_mode & 07777, 0755u);
    EXPECT_EQ(last_progress.layers, 3);
    EXPECT_EQ(last_progress.layers_done, 3);
    EXPECT_EQ(last_progress.bytes_done, last_progress.bytes);
    EXPECT_GT(last_progress.bytes, 500'000u);
    EXPECT_EQ(registry_.count("GET blob"), 4);
    EXPECT_EQ(registry_.count("GET manifest"), 1);
    EXPECT_EQ(store_->usage()->front().pinned, true);

    registry_.forget();
    ASSERT_TRUE(pull().ok());
    EXPECT_EQ(registry_.count("HEAD manifest"), 1);
    EXPECT_EQ(registry_.count("GET manifest") + registry_.count("GET blob"), 0);
    open_store();
    ASSERT_TRUE(pull("@" + digest).ok()) << "also after a restart, and by digest";
    EXPECT_EQ(registry_.count("GET manifest") + registry_.count("GET blob"), 0);
}

TEST_F(Pull, follows_an_index_to_this_platform)
{
    const std::string image = registry_.add_image({FakeRegistry::gzipped(more_)}, "one");
    const std::string index = registry_.add_manifest(
        fmt::format(R"({{"schemaVersion":2,"manifests":[{},{}]}})",
                    FakeRegistry::descriptor("", "sha256:" + std::string(64, 'f'), R"(,"platform":{"os":"linux","architecture":"s390x"})"),
                    FakeRegistry::descriptor(registry_.manifests[image], image,
                                             fmt::format(R"(,"platform":{{"os":"linux","architecture":"{}"}})", host_platform().architecture))),
        "v1");
    const auto pulled = pull();
    ASSERT_TRUE(pulled.ok()) << pulled.error().reason();
    EXPECT_EQ(pulled->digest, index);
    EXPECT_EQ(pulled->image.digest, image);
    registry_.add_manifest(fmt::format(R"({{"manifests":[{}]}})", FakeRegistry::descriptor("", image, R"(,"platform":{"os":"plan9","architecture":"z80"})")), "alien");
    const auto alien = pull(":alien");
    ASSERT_FALSE(alien.ok());
    EXPECT_EQ(alien.error().kind, PullFailure::unsupported);
    EXPECT_NE(alien.error().message.find("there is plan9/z80"), std::string::npos);
    EXPECT_EQ(alien.error().reason().substr(0, 26), "CannotPullContainerError: ");
}

TEST_F(Pull, registry_that_does_not_tell_digests)
{
    const std::string digest = registry_.add_image({FakeRegistry::gzipped(more_)}, "v1");
    registry_.tells_digest = false;
    const auto pulled = pull();
    ASSERT_TRUE(pulled.ok()) << pulled.error().reason();
    EXPECT_EQ(pulled->digest, digest);
}

TEST_F(Pull, answers_challenges)
{
    registry_.add_image({FakeRegistry::gzipped(base_), FakeRegistry::gzipped(more_)}, "v1");
    registry_.bearer = true;
    ASSERT_TRUE(pull().ok()) << "anonymous token";
    EXPECT_EQ(registry_.count("GET token"), 1) << "one for all of them";

    registry_.user = "me";
    registry_.password = "secret";
    const auto anonymous = pull();
    ASSERT_FALSE(anonymous.ok());
    EXPECT_EQ(anonymous.error().kind, PullFailure::auth);
    EXPECT_NE(anonymous.error().message.find("UNAUTHORIZED: who?"), std::string::npos) << anonymous.error().message;
    PullRequest known = request();
    known.credentials = [&](const std::string& host) -> HostResult<std::optional<Credentials>> {
        EXPECT_EQ(host, registry_.host);
        return std::optional<Credentials>(Credentials{"me", "secret"});
    };
    EXPECT_TRUE(puller_->pull(known).ok());

    registry_.bearer = false;
    registry_.forget();
    EXPECT_EQ(failure(), PullFailure::auth);
    EXPECT_TRUE(puller_->pull(known).ok());
    PullRequest wrong = known;
    wrong.credentials = [](const std::string&) { return HostResult<std::optional<Credentials>>(Credentials{"me", "guess"}); };
    EXPECT_EQ(puller_->pull(wrong).error().kind, PullFailure::auth);
    PullRequest broken = known;
    broken.credentials = [](const std::string&) { return HostResult<std::optional<Credentials>>(HostError{"the secret is gone", 0}); };
    EXPECT_NE(puller_->pull(broken).error().message.find("the secret is gone"), std::string::npos);
}

TEST_F(Pull, the_own_registry_gets_credentials_at_once_under_its_own_name)
{
    registry_.add_image({FakeRegistry::gzipped(more_)}, "v1");
    registry_.user = "AWS";
    registry_.password = "token";
    own_ = {"http://" + registry_.host, {"localhost:4566"}, "000000000000", {"us-east-1"}, {}};
    open_store();
    PullRequest own = request();
    own.reference = *parse_reference("000000000000.dkr.ecr.us-east-1.amazonaws.com/team/app:v1");
    own.credentials = [](const std::string&) { return HostResult<std::optional<Credentials>>(Credentials{"AWS", "token"}); };
    const auto pulled = puller_->pull(own);
    ASSERT_TRUE(pulled.ok()) << pulled.error().reason();
    EXPECT_EQ(registry_.count("HEAD manifest"), 1);
    EXPECT_EQ(registry_.seen_host, "000000000000.dkr.ecr.us-east-1.amazonaws.com");
}

TEST_F(Pull, credentials_do_not_follow_a_redirect)
{
    FakeRegistry elsewhere;
    registry_.add_image({FakeRegistry::gzipped(base_)}, "v1");
    elsewhere.blobs = registry_.blobs;
    registry_.redirect_blobs_to = "http://" + elsewhere.host;
    registry_.bearer = true;
    ASSERT_TRUE(pull().ok());
    EXPECT_EQ(elsewhere.count("GET blob"), 2);
    EXPECT_EQ(elsewhere.count("authorised"), 0);
    registry_.redirect_blobs_to = "http://" + registry_.host;
    registry_.add_image({FakeRegistry::gzipped(last_)}, "circle");
    EXPECT_EQ(failure(":circle"), PullFailure::unsupported);
}

TEST_F(Pull, says_what_is_missing)
{
    const auto pulled = pull(":v9");
    ASSERT_FALSE(pulled.ok());
    EXPECT_EQ(pulled.error().kind, PullFailure::not_found);
    EXPECT_EQ(pulled.error().reason(), fmt::format("CannotPullImageManifestError: {0}/team/app:v9 from registry {0}: manifest not found (MANIFEST_UNKNOWN: "
                                                    "no such manifest). Check the image's name and tag.", registry_.host));
    registry_.add_image({FakeRegistry::gzipped(more_)}, "v1");
    registry_.blobs.erase(digest_of(gzip(more_)));
    const auto incomplete = pull();
    ASSERT_FALSE(incomplete.ok());
    EXPECT_EQ(incomplete.error().kind, PullFailure::not_found);
    EXPECT_EQ(incomplete.error().reason().substr(0, 26), "CannotPullContainerError: ");
    EXPECT_EQ(directories(), 0u);
    EXPECT_FALSE(store_->usage()->front().pinned);
    registry_.add_manifest(R"({"schemaVersion":1})", "old");
    EXPECT_EQ(failure(":old"), PullFailure::unsupported);
}

TEST_F(Pull, goes_on_where_a_connection_broke)
{
    for (const bool ranges : {true, false}) {
        registry_.serves_ranges = ranges;
        const std::string tar = TarWriter().file("big", noise(400'000)).finish();
        registry_.add_image({FakeRegistry::gzipped(tar)}, "v1");
        registry_.cuts = ranges ? 5 : 2;  // more than the attempts allow, but each gets further
        const auto pulled = pull();
        ASSERT_TRUE(pulled.ok()) << pulled.error().reason();
        EXPECT_EQ(look(pulled->image.layers[0] + "/big").st_size, 400'000);
    }
    registry_.failures = 2;
    EXPECT_TRUE(pull().ok());
    registry_.failures = 100;
    const auto failed = pull();
    registry_.failures = 0;
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().kind, PullFailure::network);
    EXPECT_EQ(failed.error().reason().substr(0, 30), "CannotPullImageManifestError: ");
}

TEST_F(Pull, wrong_content_never_becomes_visible)
{
    const auto layer = FakeRegistry::gzipped(base_);
    registry_.add_image({layer}, "v1");
    std::string& stored = registry_.blobs[digest_of(layer.blob)];
    stored[stored.size() / 2] ^= 1;
    EXPECT_EQ(failure(), PullFailure::digest_mismatch) << "damaged within the compressed data";
    stored = gzip(more_);
    EXPECT_EQ(failure(), PullFailure::digest_mismatch) << "shorter, and another layer";
    stored = layer.blob + "x";
    EXPECT_EQ(failure(), PullFailure::digest_mismatch) << "longer";
    stored = layer.blob;
    EXPECT_TRUE(pull().ok());

    FakeRegistry::Layer lie{base_, gzip(more_)};
    registry_.add_image({lie, FakeRegistry::gzipped(last_)}, "lie");
    EXPECT_TRUE(pull(":lie").ok()) << "the diff id is known already, so the blob is not looked at";
    registry_.add_image({{TarWriter().file("never", "made").finish(), gzip(more_)}}, "lie2");
    EXPECT_EQ(failure(":lie2"), PullFailure::digest_mismatch);
    registry_.add_image({{"", gzip("this is not a tar archive" + std::string(1000, '.'))}}, "rubbish");
    EXPECT_EQ(failure(":rubbish"), PullFailure::unpack);
    registry_.add_image({FakeRegistry::gzipped(TarWriter().file("../../evil", "x").finish())}, "evil");
    EXPECT_EQ(failure(":evil"), PullFailure::unpack);
    EXPECT_EQ(directories(), 2u) << "base_ and last_";

    const std::string right = registry_.add_image({FakeRegistry::gzipped(more_)}, "m");
    registry_.manifests[right] += " ";
    registry_.tells_digest = false;
    EXPECT_EQ(failure("@" + right), PullFailure::digest_mismatch);
}

TEST_F(Pull, one_download_for_all_who_want_it)
{
    const std::string other_store = directory_ + "/images";
    const auto shared = FakeRegistry::gzipped(base_);
    registry_.add_image({shared, FakeRegistry::gzipped(more_), FakeRegistry::gzipped(more_)}, "v1");
    registry_.add_image({shared, FakeRegistry::gzipped(last_)}, "v2");
    // A second store object on the same directory stands for another process.
    const auto second_store = std::move(LayerStore::open(directory_ + "/images", clock_)).value();
    Puller second(*second_store, client_, options());
    std::atomic<int> good = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 12; ++i) {
            threads.emplace_back([&, i] {
                PullRequest wanted = request(i % 2 == 0 ? ":v1" : ":v2");
                wanted.holder = fmt::format("task-{}", i);
                Puller& puller = i % 3 == 0 ? second : *puller_;
                const auto pulled = puller.pull(wanted);
                EXPECT_TRUE(pulled.ok()) << pulled.error().reason();
                if (pulled.ok()) good += env::file_exists(pulled->image.layers.back() + "/bin/app");
            });
        }
    }
    EXPECT_EQ(good, 12);
    for (const auto& layer : {shared, FakeRegistry::gzipped(more_), FakeRegistry::gzipped(last_)}) EXPECT_EQ(registry_.count("GET " + digest_of(layer.blob)), 1);
    EXPECT_EQ(directories(), 3u);
    second_store->wait_until_settled();
}

TEST_F(Pull, layers_on_this_host_are_read_where_they_are)
{
    const auto layer = FakeRegistry::gzipped(base_);
    registry_.add_image({layer, FakeRegistry::plain(more_)}, "v1");
    own_ = {"http://" + registry_.host, {registry_.host}, "000000000000", {}, make("blobs")};
    make("blobs/sha256");
    for (const auto& [digest, bytes] : registry_.blobs) ASSERT_TRUE(env::write_file(directory_ + "/blobs/sha256/" + digest.substr(7), bytes).ok());
    open_store();
    const std::string path = directory_ + "/blobs/sha256/" + digest_of(layer.blob).substr(7);
    std::string damaged = layer.blob;
    damaged[1000] ^= 1;
    ASSERT_TRUE(env::write_file(path, damaged).ok());
    EXPECT_EQ(failure(), PullFailure::digest_mismatch);
    ASSERT_TRUE(env::write_file(path, layer.blob).ok());
    const auto pulled = pull();
    ASSERT_TRUE(pulled.ok()) << pulled.error().reason();
    EXPECT_EQ(registry_.count("GET " + digest_of(layer.blob)), 0);
    EXPECT_EQ(registry_.count("HEAD manifest"), 2) << "rights are asked each time";
}

TEST_F(Pull, policies)
{
    const std::string digest = registry_.add_image({FakeRegistry::gzipped(more_)}, "v1");
    PullRequest wanted = request();
    wanted.policy = PullPolicy::cached_first;
    ASSERT_TRUE(puller_->pull(wanted).ok());
    registry_.forget();
    const auto cached = puller_->pull(wanted);
    ASSERT_TRUE(cached.ok());
    EXPECT_TRUE(cached->from_cache);
    EXPECT_EQ(registry_.count("HEAD manifest"), 0);
    registry_.tags.clear();
    wanted.policy = PullPolicy::cached_on_failure;
    const auto fallback = puller_->pull(wanted);
    ASSERT_TRUE(fallback.ok());
    EXPECT_TRUE(fallback->from_cache);
    EXPECT_EQ(fallback->digest, digest);
    EXPECT_EQ(failure(), PullFailure::not_found) << "fresh";
    wanted.policy = PullPolicy::cached_when_unreachable;
    const auto gone = puller_->pull(wanted);
    ASSERT_FALSE(gone.ok());
    EXPECT_EQ(gone.error().kind, PullFailure::not_found);
    wanted.policy = PullPolicy::cached_on_failure;
    wanted.reference = *parse_reference(registry_.host + "/team/app@" + digest);
    wanted.policy = PullPolicy::cached_first;
    EXPECT_TRUE(puller_->pull(wanted)->from_cache);
}

TEST_F(Pull, an_unreachable_registry)
{
    PullRequest wanted = request();
    wanted.reference = *parse_reference("127.0.0.1:1/team/app:v1");
    const auto pulled = puller_->pull(wanted);
    ASSERT_FALSE(pulled.ok());
    EXPECT_EQ(pulled.error().kind, PullFailure::network);
    EXPECT_NE(pulled.error().message.find("Connection refused"), std::string::npos) << pulled.error().message;
}

TEST_F(Pull, can_be_cancelled)
{
    const auto layer = FakeRegistry::gzipped(base_);
    registry_.add_image({layer}, "v1");
    registry_.slow = true;
    std::stop_source stop;
    PullRequest wanted = request();
    wanted.stop = stop.get_token();
    std::optional<PullResult<PulledImage>> first, waiting;
    std::jthread leader([&] { first = puller_->pull(wanted); });
    while (registry_.count("GET " + digest_of(layer.blob)) == 0) std::this_thread::yield();
    std::jthread follower([&] { waiting = puller_->pull(wanted); });
    while (registry_.count("HEAD manifest") < 2) std::this_thread::yield();
    stop.request_stop();
    follower.join();
    registry_.slow = false;
    leader.join();
    EXPECT_EQ(waiting->error().kind, PullFailure::cancelled);
    EXPECT_EQ(first->error().kind, PullFailure::cancelled);
    EXPECT_EQ(directories(), 0u);
    EXPECT_TRUE(pull().ok());
}

TEST_F(Pull, a_full_disk_is_named)
{
    registry_.add_image({FakeRegistry::gzipped(base_)}, "v1");
    bool mounted = false;
    std::optional<PullResult<PulledImage>> pulled;
    std::size_t left = 1;
    std::thread([&] {  // its mount namespace, and the file system in it, go with the thread
        const std::string path = make("small");
        mounted = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                  ::mount("small", path.c_str(), "tmpfs", 0, "size=200k") == 0;
        if (!mounted) return;
        const auto store = std::move(LayerStore::open(path, clock_)).value();
        Puller puller(*store, client_, options());
        pulled = puller.pull(request());
        left = env::list_directory(path + "/l")->size();
    }).join();
    if (!mounted) GTEST_SKIP() << "tmpfs cannot be mounted here";
    ASSERT_FALSE(pulled->ok());
    EXPECT_EQ(pulled->error().kind, PullFailure::no_space);
    EXPECT_NE(pulled->error().message.find("No space left on device"), std::string::npos);
    EXPECT_EQ(left, 0u);
}

TEST(Challenge, parses_what_registries_send)
{
    const auto one = parse_challenges(R"(Bearer realm="https://auth.x/token",service="s, \"q\"",scope=repository:a:pull)");
    ASSERT_EQ(one.size(), 1u);
    EXPECT_EQ(one[0].scheme, "bearer");
    EXPECT_EQ(one[0].get("realm"), "https://auth.x/token");
    EXPECT_EQ(one[0].get("service"), "s, \"q\"");
    EXPECT_EQ(one[0].get("scope"), "repository");  // a colon wants quotes
    const auto two = parse_challenges(R"(Basic realm="x", Bearer realm="y" , Negotiate)");
    ASSERT_EQ(two.size(), 3u);
    EXPECT_EQ(two[1].get("realm"), "y");
    EXPECT_TRUE(parse_challenges("").empty());
    EXPECT_TRUE(parse_challenges("realm=x").empty());
    EXPECT_EQ(parse_challenges(R"(Basic realm="unfinished)").size(), 1u);
}

}  // namespace
}  // namespace boxship::images
