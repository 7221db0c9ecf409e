#include "registry/range.h"
#include "registry/test_support.h"

namespace boxship::registry {
namespace {

using namespace std::chrono_literals;

TEST(Ranges, of_downloads_and_chunks)
{
    EXPECT_EQ(wanted_range("bytes=0-3", 10), WantedRange(ByteRange{0, 3}));
    EXPECT_EQ(wanted_range("bytes=4-", 10), WantedRange(ByteRange{4, 9}));
    EXPECT_EQ(wanted_range("bytes=-3", 10), WantedRange(ByteRange{7, 9}));
    EXPECT_EQ(wanted_range("bytes=-30", 10), WantedRange(ByteRange{0, 9}));
    EXPECT_EQ(wanted_range("bytes=8-100", 10), WantedRange(ByteRange{8, 9}));
    EXPECT_EQ(wanted_range("bytes=5-2", 10), WantedRange(NotSatisfiable{}));
    EXPECT_EQ(wanted_range("bytes=10-", 10), WantedRange(NotSatisfiable{}));
    EXPECT_EQ(wanted_range("bytes=-0", 10), WantedRange(NotSatisfiable{}));
    for (const char* whole : {"", "bytes=0-1,3-4", "items=0-1", "bytes=a-b", "bytes=", "bytes=5-x"})
        EXPECT_EQ(wanted_range(whole, 10), WantedRange(WholeFile{})) << whole;
    EXPECT_EQ(chunk_range("0-9"), (ByteRange{0, 9}));
    EXPECT_EQ(chunk_range("bytes 10-19/*"), (ByteRange{10, 19}));
    for (const char* bad : {"", "x", "9-0", "0-", "-1", "0-9x"}) EXPECT_FALSE(chunk_range(bad)) << bad;
}

TEST(Passwords, end_and_cannot_be_made_up)
{
    env::RealRandom random;
    const Tokens tokens(crypto::Key{}, random);
    const ecr::Caller host{ecr::Caller::Kind::host, "arn:aws:iam::000000000000:role/host", "host-1"};
    const Time now{1'800'000'000'000};
    const std::string password = tokens.issue(host, now);
    EXPECT_EQ(tokens.verify(password, now + 11h), host);
    EXPECT_FALSE(tokens.verify(password, now + 12h));
    std::string forged = password;
    forged[20] = forged[20] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(tokens.verify(forged, now));
    EXPECT_FALSE(tokens.verify("", now));
    crypto::Key other{};
    other[0] = std::byte{1};
    EXPECT_FALSE(Tokens(other, random).verify(password, now));

    const std::string link = tokens.sign_link("/v2/a/b", now);
    const auto mark = link.find('?');
    EXPECT_TRUE(tokens.verify_link("/v2/a/b", link.substr(mark + 1), now + 59min));
    EXPECT_FALSE(tokens.verify_link("/v2/a/b", link.substr(mark + 1), now + 61min));
    EXPECT_FALSE(tokens.verify_link("/v2/a/c", link.substr(mark + 1), now));
    EXPECT_FALSE(tokens.verify_link("/v2/a/b", "", now));
}

TEST(UploadIds, tell_what_has_begun_for_a_day_and_cannot_be_made_up)
{
    env::RealRandom random;
    const Tokens tokens(crypto::Key{}, random);
    const auto repository = random.next<RepositoryId>(), another = random.next<RepositoryId>();
    const Time now{1'800'000'000'000};
    for (const auto algorithm : {blobs::Algorithm::sha256, blobs::Algorithm::sha512}) {
        const UploadId id = tokens.begin_upload(repository, algorithm, now);
        const ecr::UploadRow begun = tokens.read_upload(id, repository, now + 23h);
        ASSERT_TRUE(begun);
        EXPECT_EQ(begun->id, id);
        EXPECT_EQ(begun->repository, repository);
        EXPECT_EQ(begun->algorithm, to_text(algorithm));
        EXPECT_EQ(begun->last_activity, now);
        EXPECT_EQ(begun->offset, 0);
        EXPECT_FALSE(tokens.read_upload(id, repository, now + 24h));
        EXPECT_FALSE(tokens.read_upload(id, another, now));
        EXPECT_NE(id, tokens.begin_upload(repository, algorithm, now));
        for (std::size_t at = 0; at < id.raw().size(); ++at) {
            UploadId::Raw raw = id.raw();
            raw[at] ^= std::byte{1};
            EXPECT_FALSE(tokens.read_upload(UploadId(raw), repository, now));
        }
    }
    EXPECT_FALSE(tokens.read_upload(random.next<UploadId>(), repository, now));
}

TEST_F(RegistryTest, asks_who_is_there)
{
    auto response = ask("GET", "/v2/", {}, {{"Authorization", ""}});
    EXPECT_EQ(response.status, 401);
    EXPECT_EQ(code_of(response), "UNAUTHORIZED");
    EXPECT_EQ(response.headers.get("WWW-Authenticate"),
              "Basic realm=\"http://127.0.0.1:" + std::to_string(port_) + "/\",service=\"ecr.amazonaws.com\"");
    EXPECT_EQ(response.headers.get("Docker-Distribution-API-Version"), "registry/2.0");
    EXPECT_EQ(ask("GET", "/v2/", {}, {{"Authorization", "Basic " + to_base64("AWS:wrong")}}).status, 401);
    EXPECT_EQ(ask("GET", "/v2/", {}, {{"Authorization", "Basic " + to_base64("me:" + password_)}}).status, 401);
    EXPECT_EQ(ask("GET", "/v2/").status, 200);
    clock_.advance(13h);
    EXPECT_EQ(ask("GET", "/v2/").status, 401);
}

TEST_F(RegistryTest, a_host_pulls_and_does_not_push)
{
    push_image("team/web", "v1", {"config", "layer"});
    password_ = registry_->issue_password({ecr::Caller::Kind::host, "arn:aws:iam::000000000000:role/host", "h"}, clock_.now());
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/v1").status, 200);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("layer")).body, "layer");
    const auto refused = ask("POST", "/v2/team/web/blobs/uploads/");
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(code_of(refused), "DENIED");
    EXPECT_NE(refused.body.find("ecr:InitiateLayerUpload"), std::string::npos);
    EXPECT_EQ(ask("DELETE", "/v2/team/web/manifests/v1").status, 403);
}

TEST_F(RegistryTest, names_are_checked_before_anything_else)
{
    EXPECT_EQ(code_of(ask("GET", "/v2/UPPER/tags/list")), "NAME_INVALID");
    EXPECT_EQ(code_of(ask("GET", "/v2/a//b/manifests/v1")), "NAME_INVALID");
    EXPECT_EQ(ask("GET", "/v2/nobody/knows/tags/list").status, 404);
    EXPECT_EQ(code_of(ask("GET", "/v2/nobody/knows/manifests/v1")), "NAME_UNKNOWN");
    EXPECT_EQ(code_of(ask("POST", "/v2/nobody/knows/blobs/uploads/")), "NAME_UNKNOWN");
    EXPECT_EQ(ask("GET", "/v2/_catalog").status, 404);
    EXPECT_EQ(ask("POST", "/v2/team/web/tags/list").status, 405);
    for (const char* bad : {"sha256:abc", "sha256:" "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789", "md5:d41d8cd98f00b204e9800998ecf8427e"}) {
        EXPECT_EQ(code_of(ask("GET", std::string("/v2/team/web/blobs/") + bad)), "DIGEST_INVALID") << bad;
        EXPECT_EQ(code_of(ask("GET", std::string("/v2/team/web/manifests/") + bad)), "DIGEST_INVALID") << bad;
        EXPECT_EQ(ask("GET", std::string("/v2/team/web/referrers/") + bad).status, 400) << bad;
    }
}

TEST_F(RegistryTest, a_repository_may_be_named_like_our_own_words)
{
    create("blobs/uploads");
    create("manifests/tags/list");
    EXPECT_EQ(push_blob("blobs/uploads", "x").status, 201);
    EXPECT_EQ(ask("GET", "/v2/blobs/uploads/blobs/" + sha256_of("x")).body, "x");
    push_image("manifests/tags/list", "v1", {"c"});
    EXPECT_EQ(ask("GET", "/v2/manifests/tags/list/tags/list").status, 200);
}

TEST_F(RegistryTest, manifests_come_back_as_they_were_pushed)
{
    const std::string digest = push_image("team/web", "v1", {"config", "layer"});
    const std::string manifest = image_manifest({"config", "layer"});
    for (const std::string& reference : {std::string("v1"), digest}) {
        const auto got = ask("GET", "/v2/team/web/manifests/" + reference, {}, {{"Accept", "application/vnd.docker.distribution.manifest.v1+json"}});
        EXPECT_EQ(got.status, 200);
        EXPECT_EQ(got.body, manifest);
        EXPECT_EQ(got.headers.get("Content-Type"), ecr::media::oci_manifest);
        EXPECT_EQ(got.headers.get("Docker-Content-Digest"), digest);
        const auto head = ask("HEAD", "/v2/team/web/manifests/" + reference);
        EXPECT_EQ(head.status, 200);
        EXPECT_EQ(head.headers.get("Content-Length"), std::to_string(manifest.size()));
        EXPECT_TRUE(head.body.empty());
    }
    const auto again = push_manifest("team/web", "v2", manifest, std::string(ecr::media::oci_manifest) + "; charset=utf-8");
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.headers.get("Location"), "/v2/team/web/manifests/" + digest);
    EXPECT_EQ(again.headers.get("Docker-Content-Digest"), digest);
    EXPECT_EQ(code_of(ask("GET", "/v2/team/web/manifests/v9")), "MANIFEST_UNKNOWN");
    EXPECT_EQ(code_of(ask("GET", "/v2/team/api/manifests/" + digest)), "MANIFEST_UNKNOWN");
}

TEST_F(RegistryTest, refuses_manifests_that_are_wrong)
{
    ASSERT_EQ(push_blob("team/web", "config").status, 201);
    const std::string manifest = image_manifest({"config", "one", "two"});
    const auto missing = push_manifest("team/web", "v1", manifest);
    EXPECT_EQ(missing.status, 400);
    const auto errors = (*shape::Json::parse(missing.body))["errors"].as_array();
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[1].get_string("code"), "MANIFEST_BLOB_UNKNOWN");
    EXPECT_EQ(errors[1]["detail"].get_string("digest"), sha256_of("two"));
    EXPECT_FALSE(env::file_exists(file_of(sha256_of(manifest))));  // nothing is left of it
    EXPECT_EQ(code_of(push_manifest("team/web", "v1", "{")), "MANIFEST_INVALID");
    EXPECT_EQ(code_of(push_manifest("team/web", "v1", image_manifest({"config"}), std::string(ecr::media::docker_manifest))), "MANIFEST_INVALID");
    EXPECT_EQ(code_of(push_manifest("team/web", "v1", R"({"schemaVersion":1,"fsLayers":[]})",
                                    "application/vnd.docker.distribution.manifest.v1+prettyjws")), "MANIFEST_INVALID");
    EXPECT_EQ(code_of(push_manifest("team/web", sha256_of("else"), image_manifest({"config"}))), "DIGEST_INVALID");
    EXPECT_EQ(code_of(push_manifest("team/web", ".bad", image_manifest({"config"}))), "TAG_INVALID");
    const auto large = push_manifest("team/web", "v1", std::string(9 << 20, ' '));
    EXPECT_EQ(large.status, 413);
    const std::string annotated = image_manifest({"config"}, R"(,"annotations":{"a":")" + std::string(3'900'000, 'x') + "\"}");
    EXPECT_EQ(push_manifest("team/web", "v1", annotated).status, 201);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/v1").body.size(), annotated.size());
}

TEST_F(RegistryTest, stores_foreign_layers_other_json_empty_and_nested_indexes)
{
    ASSERT_EQ(push_blob("team/web", "config").status, 201);
    const std::string foreign = R"({"schemaVersion":2,"config":)" + descriptor("x", "config") + R"(,"layers":[{"mediaType":)"
        R"("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","size":5,"digest":")" + sha256_of("far") +
        R"(","urls":["http://far.example/"]}]})";
    EXPECT_EQ(push_manifest("team/web", "win", foreign, std::string(ecr::media::docker_manifest)).status, 201);
    EXPECT_EQ(push_manifest("team/web", "other", R"({"any":"thing"})", "application/vnd.example.thing+json").status, 201);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/other").headers.get("Content-Type"), "application/vnd.example.thing+json");
    const std::string empty = R"({"schemaVersion":2,"manifests":[]})";
    EXPECT_EQ(push_manifest("team/web", "empty", empty, std::string(ecr::media::oci_index)).status, 201);
    const std::string nested = R"({"schemaVersion":2,"manifests":[)" + descriptor(ecr::media::oci_index, empty) + "]}";
    EXPECT_EQ(push_manifest("team/web", "nested", nested, std::string(ecr::media::oci_index)).status, 201);
    const std::string orphan = R"({"schemaVersion":2,"manifests":[)" + descriptor(ecr::media::oci_manifest, "nowhere") + "]}";
    EXPECT_EQ(code_of(push_manifest("team/web", "orphan", orphan, std::string(ecr::media::oci_index))), "MANIFEST_BLOB_UNKNOWN");
}

TEST_F(RegistryTest, a_sha512_manifest_has_its_own_name_and_takes_tags)
{
    ASSERT_EQ(push_blob("team/web", "config").status, 201);
    const std::string manifest = image_manifest({"config"});
    const std::string digest = sha512_of(manifest);
    const auto pushed = ask("PUT", "/v2/team/web/manifests/" + digest + "?tag=a&tag=b", manifest, {{"Content-Type", std::string(ecr::media::oci_manifest)}});
    ASSERT_EQ(pushed.status, 201) << pushed.body;
    EXPECT_EQ(pushed.headers.get("OCI-Tag"), "a, b");
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/b").headers.get("Docker-Content-Digest"), digest);
    EXPECT_TRUE(env::file_exists(file_of(digest)));
    EXPECT_FALSE(env::file_exists(file_of(sha256_of(manifest))));
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/" + sha256_of(manifest)).status, 404);
    EXPECT_EQ(ask("PUT", "/v2/team/web/manifests/v1?tag=a", manifest).status, 400);
}

TEST_F(RegistryTest, lists_tags_in_pages)
{
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list").body, R"({"name":"team/web","tags":[]})");
    push_image("team/web", "b", {"config"});
    for (const char* tag : {"B", "a", "c"}) push_manifest("team/web", tag, image_manifest({"config"}));
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list").body, R"({"name":"team/web","tags":["B","a","b","c"]})");
    const auto first = ask("GET", "/v2/team/web/tags/list?n=2");
    EXPECT_EQ(first.body, R"({"name":"team/web","tags":["B","a"]})");
    EXPECT_EQ(first.headers.get("Link"), "</v2/team/web/tags/list?n=2&last=a>; rel=\"next\"");
    const auto second = ask("GET", "/v2/team/web/tags/list?n=2&last=a");
    EXPECT_EQ(second.body, R"({"name":"team/web","tags":["b","c"]})");
    EXPECT_FALSE(second.headers.has("Link"));
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list?last=aa").body, R"({"name":"team/web","tags":["b","c"]})");
    const auto none = ask("GET", "/v2/team/web/tags/list?n=0");
    EXPECT_EQ(none.body, R"({"name":"team/web","tags":[]})");
    EXPECT_FALSE(none.headers.has("Link"));
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list?n=x").status, 400);
}

TEST_F(RegistryTest, lists_referrers_with_type_and_annotations)
{
    const std::string subject = push_image("team/web", "v1", {"config"});
    const auto empty = ask("GET", "/v2/team/web/referrers/" + subject);
    EXPECT_EQ(empty.status, 200);
    EXPECT_EQ(empty.headers.get("Content-Type"), ecr::media::oci_index);
    EXPECT_EQ(empty.body, R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]})");

    const std::string tail = R"(,"subject":)" + descriptor(ecr::media::oci_manifest, image_manifest({"config"}));
    const std::string signature = image_manifest({"config"}, R"(,"artifactType":"application/signature")" + tail + R"(,"annotations":{"by":"me"})");
    const auto pushed = push_manifest("team/web", sha256_of(signature), signature);
    EXPECT_EQ(pushed.status, 201);
    EXPECT_EQ(pushed.headers.get("OCI-Subject"), subject);
    const std::string plain = image_manifest({"config"}, tail);
    push_manifest("team/web", sha256_of(plain), plain);
    const std::string index = R"({"schemaVersion":2,"manifests":[])" + tail + "}";
    push_manifest("team/web", sha256_of(index), index, std::string(ecr::media::oci_index));

    const auto all = *shape::Json::parse(ask("GET", "/v2/team/web/referrers/" + subject).body);
    ASSERT_EQ(all["manifests"].as_array().size(), 3u);
    std::map<std::string, shape::Json> by_digest;
    for (const auto& entry : all["manifests"].as_array()) by_digest[entry.get_string("digest")] = entry;
    EXPECT_EQ(by_digest[sha256_of(signature)].get_string("artifactType"), "application/signature");
    EXPECT_EQ(by_digest[sha256_of(signature)]["annotations"].get_string("by"), "me");
    EXPECT_EQ(by_digest[sha256_of(signature)].get_int64("size"), static_cast<std::int64_t>(signature.size()));
    EXPECT_EQ(by_digest[sha256_of(plain)].get_string("artifactType"), "application/vnd.oci.image.config.v1+json");
    EXPECT_FALSE(by_digest[sha256_of(index)].has("artifactType"));
    const auto filtered = ask("GET", "/v2/team/web/referrers/" + subject + "?artifactType=application%2Fsignature");
    EXPECT_EQ(filtered.headers.get("OCI-Filters-Applied"), "artifactType");
    EXPECT_EQ((*shape::Json::parse(filtered.body))["manifests"].as_array().size(), 1u);
    EXPECT_EQ(ask("GET", "/v2/team/web/referrers/" + sha256_of("never seen")).status, 200);
    EXPECT_EQ(ask("GET", "/v2/nobody/here/referrers/" + subject).status, 404);
}

TEST_F(RegistryTest, deletes_tags_manifests_and_blobs)
{
    const std::string digest = push_image("team/web", "v1", {"config", "layer"});
    push_manifest("team/web", "v2", image_manifest({"config", "layer"}));
    EXPECT_EQ(ask("DELETE", "/v2/team/web/blobs/" + sha256_of("layer")).status, 405);
    EXPECT_EQ(ask("DELETE", "/v2/team/web/manifests/v1").status, 202);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/v1").status, 404);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/" + digest).status, 200);
    EXPECT_EQ(ask("DELETE", "/v2/team/web/manifests/" + digest).status, 202);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/v2").status, 404);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/" + digest).status, 404);
    EXPECT_EQ(ask("DELETE", "/v2/team/web/manifests/" + digest).status, 404);
    EXPECT_EQ(ask("DELETE", "/v2/team/web/blobs/" + sha256_of("layer")).status, 202);
    EXPECT_EQ(ask("HEAD", "/v2/team/web/blobs/" + sha256_of("layer")).status, 404);
    EXPECT_EQ(ask("DELETE", "/v2/team/web/blobs/" + sha256_of("layer")).status, 404);

    const std::string child = push_image("team/web", "child", {"config"});
    const std::string index = R"({"schemaVersion":2,"manifests":[)" + descriptor(ecr::media::oci_manifest, image_manifest({"config"})) + "]}";
    push_manifest("team/web", "index", index, std::string(ecr::media::oci_index));
    const auto refused = ask("DELETE", "/v2/team/web/manifests/" + child);
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(code_of(refused), "UNSUPPORTED");
}

TEST_F(RegistryTest, an_immutable_tag_has_one_winner)
{
    create("team/fixed", model::TagMutability::immutable);
    ASSERT_EQ(push_blob("team/fixed", "config").status, 201);
    std::vector<std::future<int>> pushes;
    for (int i = 0; i < 8; ++i)
        pushes.push_back(std::async(std::launch::async, [this, i] {
            return push_manifest("team/fixed", "v1", image_manifest({"config"}, fmt::format(R"(,"annotations":{{"n":"{}"}})", i))).status;
        }));
    int won = 0;
    for (auto& push : pushes) {
        const int status = push.get();
        won += status == 201;
        EXPECT_TRUE(status == 201 || status == 400);
    }
    EXPECT_EQ(won, 1);
    const std::string standing = ask("GET", "/v2/team/fixed/manifests/v1").body;
    EXPECT_EQ(push_manifest("team/fixed", "v1", standing).status, 201);  // the same again
    EXPECT_EQ(code_of(push_manifest("team/fixed", "v1", image_manifest({"config"}))), "TAG_INVALID");
}

TEST_F(RegistryTest, a_repository_has_no_more_images_than_its_quota)
{
    stop();
    images_max_ = 2;
    start();
    password_ = registry_->issue_password({ecr::Caller::Kind::root, "arn:aws:iam::000000000000:root", ""}, clock_.now());
    push_image("team/web", "v1", {"config one"});
    push_image("team/web", "v2", {"config two"});
    ASSERT_EQ(push_blob("team/web", "config three").status, 201);
    const auto refused = push_manifest("team/web", "v3", image_manifest({"config three"}));
    EXPECT_EQ(refused.status, 400);
    EXPECT_NE(refused.body.find("The maximum number of images per repository (2) has been reached"), std::string::npos) << refused.body;
    push_image("team/web", "again", {"config one"});            // another tag of what is there is no other image
    push_image("team/api", "v1", {"config three"});             // nor do repositories count together
    EXPECT_EQ(ask("DELETE", "/v2/team/web/manifests/" + sha256_of(image_manifest({"config two"}))).status, 202);
    push_image("team/web", "v3", {"config three"});
}

TEST_F(RegistryTest, a_damaged_manifest_is_gone_until_it_is_pushed_again)
{
    const std::string digest = push_image("team/web", "v1", {"config"});
    const std::string manifest = image_manifest({"config"});
    stop();
    start();  // without what was cached
    ASSERT_EQ(::unlink(file_of(digest).c_str()), 0);
    ASSERT_TRUE(env::write_file(file_of(digest), std::string(manifest.size(), ' '), 0444).ok());
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/v1").status, 404);
    EXPECT_EQ(ask("HEAD", "/v2/team/web/manifests/v1").status, 404);
    EXPECT_EQ(push_manifest("team/web", "v1", manifest).status, 201);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/v1").body, manifest);
}

TEST_F(RegistryTest, notes_the_time_of_a_pull)
{
    const std::string digest = push_image("team/web", "v1", {"config"});
    const auto pulled_at = [&] {
        return in_state([&](state::Txn& txn) {
            const auto repository = *ecr::find_repository(txn, scope_, "team/web");
            return (*ecr::find_image(txn, *repository, {digest, ""}))->pulled_at;
        });
    };
    ask("HEAD", "/v2/team/web/manifests/v1");
    run(&Registry::flush_pulls);
    EXPECT_FALSE(pulled_at());
    ask("GET", "/v2/team/web/manifests/v1");
    run(&Registry::flush_pulls);
    EXPECT_TRUE(pulled_at());
}

TEST_F(RegistryTest, a_host_name_may_choose_the_region)
{
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list", {}, {{"Host", "000000000000.dkr.ecr.us-east-1.localhost:4566"}}).status, 200);
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list", {}, {{"Host", "000000000000.dkr.ecr.eu-west-1.localhost:4566"}}).status, 404);
}

// What a reference names is remembered; a change is seen by whoever asks after its answer.
TEST_F(RegistryTest, a_tag_that_moves_or_goes_is_seen_at_once)
{
    const auto named = [&](const std::string& repository) {
        const auto got = ask("GET", "/v2/" + repository + "/manifests/v1");
        return got.status == 200 ? std::string(got.headers.get("Docker-Content-Digest")) : code_of(got);
    };
    for (int round = 0; round < 20; ++round) {
        const std::string content = "content " + std::to_string(round);
        const std::string digest = push_image("team/web", "v1", {content});
        EXPECT_EQ(named("team/web"), digest);
        EXPECT_EQ(named("team/web"), digest);
        EXPECT_EQ(named("team/api"), "MANIFEST_UNKNOWN");
    }
    const std::string digest = push_image("team/api", "v1", {"other"});
    EXPECT_EQ(named("team/api"), digest);
    EXPECT_EQ(ask("DELETE", "/v2/team/api/manifests/v1").status, 202);
    EXPECT_EQ(named("team/api"), "MANIFEST_UNKNOWN");
    EXPECT_NE(named("team/web"), "MANIFEST_UNKNOWN");
    ASSERT_TRUE(in_state([&](state::Txn& txn) { return ecr::delete_repository(txn, scope_, "team/web", true, clock_.now()).ok(); }));
    EXPECT_EQ(named("team/web"), "NAME_UNKNOWN");
    create("team/web");
    EXPECT_EQ(named("team/web"), "MANIFEST_UNKNOWN");
}

}  // namespace
}  // namespace boxship::registry
