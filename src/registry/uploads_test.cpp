#include "registry/test_support.h"
#include "wire/http/test_support.h"

namespace boxship::registry {
namespace {

using namespace std::chrono_literals;

// What differs from byte to byte, so that a piece out of place shows.
std::string content_of(std::size_t size, unsigned seed = 1)
{
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
    return bytes;
}

TEST_F(RegistryTest, three_ways_to_push_a_blob)
{
    const std::string one = content_of(3'000'000, 1), two = content_of(100, 2), three = content_of(5, 3);
    auto pushed = ask("PUT", start_upload("team/web") + "?digest=" + sha256_of(one), one);
    EXPECT_EQ(pushed.status, 201);
    EXPECT_EQ(pushed.headers.get("Location"), "/v2/team/web/blobs/" + sha256_of(one));
    EXPECT_EQ(pushed.headers.get("Docker-Content-Digest"), sha256_of(one));

    const std::string session = start_upload("team/web");
    auto chunk = ask("PATCH", session, two.substr(0, 60), {{"Content-Range", "0-59"}});
    EXPECT_EQ(chunk.status, 202);
    EXPECT_EQ(chunk.headers.get("Range"), "0-59");
    chunk = ask("PATCH", std::string(chunk.headers.get("Location")), two.substr(60, 20));
    EXPECT_EQ(chunk.headers.get("Range"), "0-79");
    EXPECT_EQ(ask("GET", session).headers.get("Range"), "0-79");
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of(two), two.substr(80), {{"Content-Range", "80-99"}}).status, 201);
    EXPECT_EQ(ask("GET", session).status, 404);

    EXPECT_EQ(ask("POST", "/v2/team/web/blobs/uploads/?digest=" + sha256_of(three), three).status, 201);
    for (const auto& content : {one, two, three}) {
        const auto got = ask("GET", "/v2/team/web/blobs/" + sha256_of(content));
        EXPECT_EQ(got.status, 200);
        EXPECT_TRUE(got.body == content);
        EXPECT_EQ(got.headers.get("Docker-Content-Digest"), sha256_of(content));
        EXPECT_EQ(got.headers.get("ETag"), "\"" + sha256_of(content) + "\"");
        const auto head = ask("HEAD", "/v2/team/web/blobs/" + sha256_of(content));
        EXPECT_EQ(head.headers.get("Content-Length"), std::to_string(content.size()));
        EXPECT_EQ(head.headers.get("Content-Type"), "application/octet-stream");
    }
    EXPECT_EQ(ask("GET", "/v2/team/api/blobs/" + sha256_of(one)).status, 404);
}

TEST_F(RegistryTest, a_stream_without_a_length_is_taken_chunk_by_chunk)
{
    const std::string session = start_upload("team/web");
    const std::string content = content_of(9'000'000);
    http::RawClient client(port_);
    std::string request = "PATCH " + session + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + authorization() + "\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (std::size_t at = 0; at < content.size(); at += 70'000) {
        const std::string piece = content.substr(at, 70'000);
        request += fmt::format("{:x}\r\n", piece.size()) + piece + "\r\n";
    }
    ASSERT_TRUE(client.send(request + "0\r\n\r\n"));
    const std::string answer = client.read_until("\r\n\r\n");
    EXPECT_NE(answer.find("202"), std::string::npos);
    EXPECT_NE(answer.find("Range: 0-8999999"), std::string::npos) << answer;
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of(content)).status, 201);
    EXPECT_TRUE(ask("GET", "/v2/team/web/blobs/" + sha256_of(content)).body == content);
}

TEST_F(RegistryTest, chunks_out_of_order_are_416_and_the_session_stays)
{
    const std::string session = start_upload("team/web");
    EXPECT_EQ(ask("GET", session).headers.get("Range"), "0-0");
    ASSERT_EQ(ask("PATCH", session, "hello", {{"Content-Range", "0-4"}}).status, 202);
    for (const char* range : {"0-4", "6-10", "5-20", "x", "9-5", ""}) {
        const auto refused = ask("PATCH", session, "world", {{"Content-Range", range}});
        EXPECT_EQ(refused.status, 416) << range;
        EXPECT_EQ(refused.headers.get("Range"), "0-4");
        EXPECT_EQ(refused.headers.get("Location"), session);
    }
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of("helloworld"), "world", {{"Content-Range", "4-8"}}).status, 416);
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of("helloworld"), "world", {{"Content-Range", "5-9"}}).status, 201);
}

TEST_F(RegistryTest, a_wrong_digest_ends_the_session_and_shows_nothing)
{
    const std::string session = start_upload("team/web");
    EXPECT_EQ(code_of(ask("PUT", session, "bytes")), "DIGEST_INVALID");  // absent
    EXPECT_EQ(code_of(ask("PUT", session + "?digest=sha256:zz", "bytes")), "DIGEST_INVALID");
    const auto refused = ask("PUT", session + "?digest=" + sha256_of("other"), "bytes");
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(code_of(refused), "DIGEST_INVALID");
    EXPECT_EQ(ask("GET", session).status, 404);
    EXPECT_EQ(ask("HEAD", "/v2/team/web/blobs/" + sha256_of("other")).status, 404);
    EXPECT_EQ(ask("HEAD", "/v2/team/web/blobs/" + sha256_of("bytes")).status, 404);
    EXPECT_TRUE(env::list_directory(directory_ + "/blobs/incoming")->empty());
    EXPECT_EQ(ask("POST", "/v2/team/web/blobs/uploads/?digest=bad", "bytes").status, 400);
    EXPECT_EQ(ask("POST", "/v2/team/web/blobs/uploads/?digest-algorithm=md5").status, 400);
    EXPECT_EQ(code_of(ask("PATCH", "/v2/team/web/blobs/uploads/00000000-0000-0000-0000-000000000000", "x")), "BLOB_UPLOAD_UNKNOWN");
    EXPECT_EQ(ask("PATCH", "/v2/team/web/blobs/uploads/nonsense", "x").status, 404);
}

TEST_F(RegistryTest, empty_blobs_and_sha512)
{
    EXPECT_EQ(ask("PUT", start_upload("team/web") + "?digest=" + sha256_of("")).status, 201);
    EXPECT_EQ(ask("POST", "/v2/team/api/blobs/uploads/?digest=" + sha256_of("")).status, 201);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("")).body, "");
    const std::string later = start_upload("team/web");                                       // hashed twice
    EXPECT_EQ(ask("PUT", later + "?digest=" + sha512_of("bytes"), "bytes").status, 201);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha512_of("bytes")).body, "bytes");
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("bytes")).status, 404);
    const std::string known = start_upload("team/web", "?digest-algorithm=sha512");
    EXPECT_EQ(ask("PUT", known + "?digest=" + sha512_of("more"), "more").status, 201);
    EXPECT_EQ(ask("POST", "/v2/team/web/blobs/uploads/?digest=" + sha512_of("x")).status, 202);  // no body: go on with PUT
}

TEST_F(RegistryTest, ranges_of_a_blob)
{
    ASSERT_EQ(push_blob("team/web", "0123456789").status, 201);
    const std::string url = "/v2/team/web/blobs/" + sha256_of("0123456789");
    auto part = ask("GET", url, {}, {{"Range", "bytes=2-4"}});
    EXPECT_EQ(part.status, 206);
    EXPECT_EQ(part.body, "234");
    EXPECT_EQ(part.headers.get("Content-Range"), "bytes 2-4/10");
    EXPECT_EQ(ask("GET", url, {}, {{"Range", "bytes=7-"}}).body, "789");
    EXPECT_EQ(ask("GET", url, {}, {{"Range", "bytes=-2"}}).body, "89");
    EXPECT_EQ(ask("GET", url, {}, {{"Range", "bytes=0-1,4-5"}}).status, 200);
    for (const char* range : {"bytes=5-2", "bytes=10-11"}) {
        const auto refused = ask("GET", url, {}, {{"Range", range}});
        EXPECT_EQ(refused.status, 416);
        EXPECT_EQ(refused.headers.get("Content-Range"), "bytes */10");
    }
}

TEST_F(RegistryTest, mounts_or_starts_an_upload)
{
    ASSERT_EQ(push_blob("team/web", "layer").status, 201);
    const std::string digest = sha256_of("layer"), start = "/v2/team/api/blobs/uploads/?mount=";
    EXPECT_EQ(ask("POST", start + digest + "&from=nobody/knows").status, 202);
    EXPECT_EQ(ask("POST", start + sha256_of("never") + "&from=team/web").status, 202);
    EXPECT_EQ(ask("HEAD", "/v2/team/api/blobs/" + digest).status, 404);
    const auto mounted = ask("POST", start + digest + "&from=team/web");
    EXPECT_EQ(mounted.status, 201);
    EXPECT_EQ(mounted.headers.get("Location"), "/v2/team/api/blobs/" + digest);
    EXPECT_EQ(mounted.headers.get("Docker-Content-Digest"), digest);
    EXPECT_EQ(ask("GET", "/v2/team/api/blobs/" + digest).body, "layer");
    EXPECT_EQ(ask("POST", start + digest).status, 201);  // from wherever it is
    EXPECT_EQ(ask("POST", start + "nonsense&from=team/web").status, 400);
}

TEST_F(RegistryTest, cancels_an_upload)
{
    const std::string session = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", session, "bytes").status, 202);
    EXPECT_EQ(ask("DELETE", session).status, 204);
    EXPECT_EQ(ask("DELETE", session).status, 404);
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of("bytes")).status, 404);
    EXPECT_TRUE(env::list_directory(directory_ + "/blobs/incoming")->empty());
}

TEST_F(RegistryTest, a_dropped_connection_keeps_what_arrived)
{
    const std::string session = start_upload("team/web"), content = content_of(2'500'000);
    {
        http::RawClient client(port_);
        ASSERT_TRUE(client.send("PATCH " + session + " HTTP/1.1\r\nHost: x\r\nAuthorization: " + authorization() +
                                "\r\nContent-Length: 2500000\r\n\r\n" + content.substr(0, 1'700'000)));
    }
    // Once the server has begun with the broken request, answers wait until what it brought is on the disk; it may not even
    // have read its head yet.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (ask("GET", session).headers.get("Range") != "0-1699999" && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto refused = ask("PATCH", session, "x", {{"Content-Range", "9-9"}});
    ASSERT_EQ(refused.status, 416);
    const std::string range(refused.headers.get("Range"));
    const std::size_t kept = std::stoul(range.substr(2)) + 1;
    EXPECT_EQ(kept, 1'700'000u);
    EXPECT_EQ(ask("GET", session).headers.get("Range"), range);
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of(content), content.substr(kept)).status, 201);
}

TEST_F(RegistryTest, an_upload_goes_on_after_a_restart)
{
    const std::string session = start_upload("team/web"), fresh = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", session, "hello ").status, 202);
    stop();
    const std::string file = directory_ + "/blobs/incoming/" + env::list_directory(directory_ + "/blobs/incoming")->at(0);
    ASSERT_TRUE(env::write_file(file, "hello what was not noted", 0600).ok());
    start();
    EXPECT_EQ(ask("GET", session).headers.get("Range"), "0-5");
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of("hello world"), "world").status, 201);
    EXPECT_EQ(ask("PUT", fresh + "?digest=" + sha256_of("x"), "x").status, 201);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("hello world")).body, "hello world");
}

TEST_F(RegistryTest, nothing_is_kept_of_an_upload_before_its_bytes_and_its_end_until_its_id_is_old)
{
    const auto rows = [&] { return in_state([](state::Txn& txn) { return txn.rows<model::Upload>().size(); }); };
    const std::string long_hash = start_upload("team/web", "?digest-algorithm=sha512"), session = start_upload("team/web");
    EXPECT_EQ(rows(), 0u);
    stop();
    start();
    EXPECT_EQ(ask("GET", session).headers.get("Range"), "0-0");
    EXPECT_EQ(ask("PUT", long_hash + "?digest=" + to_text(blobs::digest_of(blobs::Algorithm::sha512, "x")), "x").status, 201);
    ASSERT_EQ(ask("PATCH", session, "hello").status, 202);
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of("hello")).status, 201);
    for (const std::string& ended : {long_hash, session}) {
        EXPECT_EQ(ask("GET", ended).status, 404);
        EXPECT_EQ(ask("PATCH", ended, "again").status, 404);
    }
    stop();
    start();
    EXPECT_EQ(ask("PATCH", session, "again").status, 404);
    EXPECT_EQ(rows(), 2u);
    clock_.advance(24h);
    password_ = registry_->issue_password({ecr::Caller::Kind::root, "root", ""}, clock_.now());
    run(&Registry::end_silent_uploads);
    EXPECT_EQ(rows(), 0u);
    EXPECT_EQ(ask("PATCH", session, "again").status, 404);
}

TEST_F(RegistryTest, an_upload_of_one_repository_is_unknown_in_another)
{
    const std::string here = start_upload("team/web");
    std::string there = here;
    there.replace(there.find("team/web"), 8, "team/api");
    EXPECT_EQ(ask("PATCH", there, "hello").status, 404);
    EXPECT_TRUE(env::list_directory(directory_ + "/blobs/incoming")->empty());
    ASSERT_EQ(ask("PATCH", here, "hello").status, 202);
    EXPECT_EQ(ask("PUT", there + "?digest=" + sha256_of("whole"), "whole").status, 404);
    EXPECT_FALSE(env::file_exists(file_of(sha256_of("whole"))));      // written before it was refused
    EXPECT_EQ(ask("PUT", here + "?digest=" + sha256_of("hello whole"), " whole").status, 201);
}

TEST_F(RegistryTest, a_small_blob_is_the_bytes_of_the_whole_upload)
{
    const std::string begun = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", begun, "hello ").status, 202);
    EXPECT_EQ(code_of(ask("PUT", begun + "?digest=" + sha256_of("world"), "world")), "DIGEST_INVALID");
    EXPECT_EQ(ask("GET", begun).status, 404);
    EXPECT_EQ(ask("HEAD", "/v2/team/web/blobs/" + sha256_of("world")).status, 404);

    const std::string empty = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", empty, "").status, 202);
    EXPECT_EQ(ask("PUT", empty + "?digest=" + sha256_of("world"), "world").status, 201);
    EXPECT_TRUE(env::list_directory(directory_ + "/blobs/incoming")->empty());
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("world")).body, "world");
    EXPECT_EQ(ask("PUT", empty + "?digest=" + sha256_of("world"), "world").status, 404);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("world")).body, "world");

    EXPECT_EQ(code_of(ask("PUT", start_upload("team/web") + "?digest=" + sha256_of("a"), "b")), "DIGEST_INVALID");
    const std::string at_once = "/v2/team/web/blobs/uploads/?digest=" + sha256_of("at once");
    EXPECT_EQ(ask("POST", at_once, "at once").status, 201);
    EXPECT_EQ(ask("POST", at_once, "another").status, 400);
    EXPECT_EQ(ask("POST", at_once).status, 202);
}

TEST_F(RegistryTest, an_upload_whose_bytes_were_lost_is_unknown)
{
    const std::string session = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", session, "hello").status, 202);
    stop();
    ASSERT_TRUE(env::remove_tree(directory_ + "/blobs/incoming").ok());
    start();
    EXPECT_EQ(ask("PATCH", session, "x").status, 404);
    EXPECT_EQ(ask("GET", session).status, 404);
}

TEST_F(RegistryTest, an_idle_session_is_closed_and_opened_again)
{
    const std::string session = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", session, "hello ").status, 202);
    clock_.advance(2min);
    registry_->close_silent_sessions();
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of("hello world"), "world").status, 201);
}

TEST_F(RegistryTest, silent_uploads_end_with_their_files)
{
    const std::string session = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", session, "hello ").status, 202);
    clock_.advance(25h);
    run(&Registry::end_silent_uploads);
    EXPECT_TRUE(env::list_directory(directory_ + "/blobs/incoming")->empty());
    EXPECT_TRUE(in_state([](state::Txn& txn) { return txn.rows<model::Upload>().empty(); }));
}

TEST_F(RegistryTest, a_cut_file_is_never_served_and_a_second_push_heals_it)
{
    ASSERT_EQ(push_blob("team/web", "0123456789").status, 201);
    const std::string url = "/v2/team/web/blobs/" + sha256_of("0123456789"), file = file_of(sha256_of("0123456789"));
    for (const bool gone : {false, true}) {
        ASSERT_EQ(::unlink(file.c_str()), 0);
        ASSERT_TRUE(gone || env::write_file(file, "01234", 0444).ok());
        EXPECT_EQ(ask("GET", url).status, 404);
        EXPECT_EQ(ask("HEAD", url).status, 404);
        EXPECT_EQ(code_of(push_manifest("team/web", "v1", image_manifest({"0123456789"}))), "MANIFEST_BLOB_UNKNOWN");
        EXPECT_EQ(push_blob("team/web", "0123456789").status, 201);
        EXPECT_EQ(ask("GET", url).body, "0123456789");
    }
}

TEST_F(RegistryTest, reading_again_finds_a_flipped_byte)
{
    ASSERT_EQ(push_blob("team/web", "0123456789").status, 201);
    ASSERT_EQ(push_blob("team/web", "whole").status, 201);
    const std::string digest = sha256_of("0123456789");
    ASSERT_EQ(::unlink(file_of(digest).c_str()), 0);
    ASSERT_TRUE(env::write_file(file_of(digest), "0123x56789", 0444).ok());
    clock_.advance(24h * 8);
    password_ = registry_->issue_password({ecr::Caller::Kind::root, "root", ""}, clock_.now());
    const std::function<http::Async<>()> scrub = [&] { return registry_->scrub(1 << 20); };
    http::run_blocking<void>(threads_->executor(), scrub);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + digest).status, 404);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("whole")).status, 200);
    EXPECT_TRUE(env::file_exists(directory_ + "/blobs/quarantine/sha256-" + digest.substr(7)));
    EXPECT_EQ(push_blob("team/web", "0123456789").status, 201);
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + digest).body, "0123456789");
}

// Killed between the steps of a commit: each state that can be left, and what the start makes of it.
TEST_F(RegistryTest, the_sweep_settles_what_a_crash_left)
{
    ASSERT_EQ(push_blob("team/web", "lost").status, 201);
    ASSERT_EQ(push_blob("team/web", "kept").status, 201);
    const std::string session = start_upload("team/web");
    ASSERT_EQ(ask("PATCH", session, "going on").status, 202);
    const std::string orphan = file_of(sha256_of("orphan"));
    stop();
    ASSERT_EQ(::unlink(file_of(sha256_of("lost")).c_str()), 0);
    ASSERT_TRUE(env::write_file(orphan, "orphan", 0444).ok());                                             // renamed, not recorded
    ASSERT_TRUE(env::write_file(directory_ + "/blobs/incoming/" + std::string(32, '7'), "x", 0600).ok());  // not owned
    start();
    run(&Registry::sweep);
    EXPECT_TRUE(env::file_exists(orphan));  // younger than a day
    EXPECT_EQ(env::list_directory(directory_ + "/blobs/incoming")->size(), 1u);
    clock_.advance(25h);
    password_ = registry_->issue_password({ecr::Caller::Kind::root, "root", ""}, clock_.now());
    run(&Registry::sweep);
    EXPECT_FALSE(env::file_exists(orphan));
    EXPECT_EQ(ask("HEAD", "/v2/team/web/blobs/" + sha256_of("lost")).status, 404);
    EXPECT_EQ(ask("HEAD", "/v2/team/web/blobs/" + sha256_of("kept")).status, 200);
    EXPECT_TRUE(in_state([](state::Txn& txn) {
        return txn.get<model::Blob>(sha256_of("lost"))->state == model::BlobState::damaged;
    }));
    EXPECT_EQ(ask("PUT", session + "?digest=" + sha256_of("going on!"), "!").status, 201);
}

TEST_F(RegistryTest, collection_removes_files_that_nobody_needs)
{
    const std::string digest = push_image("team/web", "v1", {"config", "layer"});
    ASSERT_EQ(push_blob("team/web", "never used").status, 201);
    clock_.advance(40h);
    password_ = registry_->issue_password({ecr::Caller::Kind::root, "root", ""}, clock_.now());
    run(&Registry::collect);
    EXPECT_EQ(ask("HEAD", "/v2/team/web/blobs/" + sha256_of("never used")).status, 404);
    EXPECT_TRUE(env::file_exists(file_of(sha256_of("never used"))));
    clock_.advance(11min);
    run(&Registry::collect);
    EXPECT_FALSE(env::file_exists(file_of(sha256_of("never used"))));
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("layer")).body, "layer");
    EXPECT_EQ(ask("DELETE", "/v2/team/web/manifests/" + digest).status, 202);
    run(&Registry::collect);
    clock_.advance(11min);
    run(&Registry::collect);
    EXPECT_TRUE(blobs_->list(blobs::Algorithm::sha256)->empty());
}

TEST_F(RegistryTest, a_lifecycle_policy_takes_indexes_children_and_referrers)
{
    const std::string old = push_image("team/web", "old", {"config"}), manifest = image_manifest({"config"});
    const std::string index = R"({"schemaVersion":2,"manifests":[)" + descriptor(ecr::media::oci_manifest, manifest) + "]}";
    ASSERT_EQ(push_manifest("team/web", "index", index, std::string(ecr::media::oci_index)).status, 201);
    const std::string signature = image_manifest({"config"}, R"(,"subject":)" + descriptor(ecr::media::oci_index, index));
    ASSERT_EQ(push_manifest("team/web", sha256_of(signature), signature).status, 201);
    in_state([&](state::Txn& txn) {
        model::Repository repository = **ecr::find_repository(txn, scope_, "team/web");
        repository.lifecycle_policy = R"({"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"sinceImagePushed",)"
                                      R"("countUnit":"days","countNumber":2},"action":{"type":"expire"}}]})";
        txn.put(std::move(repository));
        return true;
    });
    run(&Registry::expire_images);
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list").body, R"({"name":"team/web","tags":["index","old"]})");
    clock_.advance(50h);
    password_ = registry_->issue_password({ecr::Caller::Kind::root, "root", ""}, clock_.now());
    const std::string fresh = push_image("team/web", "new", {"config"}, R"(,"annotations":{"n":"1"})");
    run(&Registry::expire_images);
    EXPECT_EQ(ask("GET", "/v2/team/web/tags/list").body, R"({"name":"team/web","tags":["new"]})");
    for (const std::string& digest : {old, sha256_of(index), sha256_of(signature)})
        EXPECT_EQ(ask("GET", "/v2/team/web/manifests/" + digest).status, 404);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/" + fresh).status, 200);
}

TEST_F(RegistryTest, many_push_the_same_blob_at_once)
{
    const std::string content = content_of(700'000);
    std::vector<std::future<int>> pushes;
    for (int i = 0; i < 6; ++i)
        pushes.push_back(std::async(std::launch::async, [&, i] { return push_blob(i % 2 ? "team/web" : "team/api", content).status; }));
    for (auto& push : pushes) EXPECT_EQ(push.get(), 201);
    EXPECT_TRUE(ask("GET", "/v2/team/web/blobs/" + sha256_of(content)).body == content);
    EXPECT_TRUE(ask("GET", "/v2/team/api/blobs/" + sha256_of(content)).body == content);
    EXPECT_EQ(blobs_->list(blobs::Algorithm::sha256)->size(), 1u);
    EXPECT_TRUE(blobs_->list_incoming()->empty());
}

// Pushes, deletes and collections at once, with the promises long over: a manifest that was accepted stays whole.
TEST_F(RegistryTest, collection_and_pushes_at_once_leave_no_broken_image)
{
    std::atomic<bool> done = false;
    auto collector = std::async(std::launch::async, [&] {
        while (!done) {
            run(&Registry::collect);
            clock_.advance(20h);
        }
    });
    const ecr::Caller root{ecr::Caller::Kind::root, "root", ""};
    std::vector<std::future<int>> workers;
    for (int worker = 0; worker < 2; ++worker)
        workers.push_back(std::async(std::launch::async, [&, worker] {
            const std::string repository = worker == 0 ? "team/web" : "team/api";
            int broken = 0;
            http::Client client;
            const auto send = [&](const std::string& method, const std::string& target, std::string body = {}) {
                // The clock may run years while a request waits.
                const std::string password = registry_->issue_password(root, clock_.now() + 1'000'000h);
                http::ClientRequest request{.method = method, .url = "http://127.0.0.1:" + std::to_string(port_) + target};
                request.headers = {{"Authorization", "Basic " + to_base64("AWS:" + password)}, {"Content-Type", std::string(ecr::media::oci_manifest)}};
                request.body = std::move(body);
                return client.send_blocking(std::move(request));
            };
            for (int i = 0; i < 25; ++i) {
                const std::vector<std::string> contents{"config" + std::to_string(i % 3), "layer" + std::to_string(i % 4)};
                for (const auto& content : contents) {
                    if (send("HEAD", "/v2/" + repository + "/blobs/" + sha256_of(content))->status == 200) continue;
                    broken += send("POST", "/v2/" + repository + "/blobs/uploads/?digest=" + sha256_of(content), content)->status != 201;
                }
                const std::string manifest = image_manifest(contents), digest = sha256_of(manifest);
                if (send("PUT", "/v2/" + repository + "/manifests/v1", manifest)->status != 201) continue;
                for (int look = 0; look < 3; ++look) {
                    broken += send("GET", "/v2/" + repository + "/manifests/" + digest)->body != manifest;
                    for (const auto& content : contents)
                        broken += send("GET", "/v2/" + repository + "/blobs/" + sha256_of(content))->body != content;
                }
                if (i % 2) broken += send("DELETE", "/v2/" + repository + "/manifests/" + digest)->status != 202;
            }
            return broken;
        }));
    for (auto& worker : workers) EXPECT_EQ(worker.get(), 0);
    done = true;
    collector.get();
}

TEST_F(RegistryTest, a_signed_link_opens_one_blob)
{
    ASSERT_EQ(push_blob("team/web", "layer").status, 201);
    model::Repository repository;
    repository.name = "team/web";
    const std::string link = registry_->link_to_blob(repository, sha256_of("layer"), clock_.now());
    const http::Headers nobody{{"Authorization", ""}};
    EXPECT_EQ(ask("GET", link, {}, nobody).body, "layer");
    EXPECT_EQ(ask("DELETE", link, {}, nobody).status, 401);
    EXPECT_EQ(ask("GET", "/v2/team/web/manifests/v1" + link.substr(link.find('?')), {}, nobody).status, 401);
    clock_.advance(61min);
    EXPECT_EQ(ask("GET", link, {}, nobody).status, 401);
}

TEST_F(RegistryTest, the_control_api_uses_the_same_sessions)
{
    const auto part = [&](const UploadId& id, std::int64_t first, std::string bytes) {
        std::promise<ecr::Checked<std::int64_t>> answer;
        ecr::PartOrder order{scope_, "team/web", id, first, first + static_cast<std::int64_t>(bytes.size()) - 1, std::move(bytes), clock_.now()};
        registry_->upload_part(std::move(order), [&](ecr::Checked<std::int64_t> outcome) { answer.set_value(std::move(outcome)); });
        return answer.get_future().get();
    };
    const auto complete = [&](const UploadId& id, const std::string& digest) {
        std::promise<ecr::Checked<std::string>> answer;
        ecr::CompleteOrder order{scope_, "team/web", id, {digest}, clock_.now()};
        registry_->complete_upload(std::move(order), [&](ecr::Checked<std::string> outcome) { answer.set_value(std::move(outcome)); });
        return answer.get_future().get();
    };
    const auto begin = [&] {
        return in_state([&](state::Txn& txn) {
            return ecr::start_upload(txn, **ecr::find_repository(txn, scope_, "team/web"), "sha256", clock_.now(), random_)->id;
        });
    };
    const UploadId id = begin();
    EXPECT_EQ(complete(id, sha256_of("x")).error().reason, ecr::Reason::upload_empty);
    EXPECT_EQ(*part(id, 0, "hello "), 5);
    const auto gap = part(id, 7, "x");
    ASSERT_FALSE(gap.ok());
    EXPECT_EQ(gap.error().reason, ecr::Reason::layer_part_invalid);
    EXPECT_EQ(gap.error().items, std::vector<std::string>{"5"});
    EXPECT_EQ(*part(id, 6, "world"), 10);
    EXPECT_EQ(complete(id, sha256_of("hello world")).error().reason, ecr::Reason::layer_part_too_small);
    const UploadId whole = begin();
    EXPECT_EQ(*part(whole, 0, "hello world"), 10);
    EXPECT_EQ(*complete(whole, sha256_of("hello world")), sha256_of("hello world"));
    EXPECT_EQ(ask("GET", "/v2/team/web/blobs/" + sha256_of("hello world")).body, "hello world");
    const UploadId again = begin();
    EXPECT_EQ(*part(again, 0, "hello world"), 10);
    EXPECT_EQ(complete(again, sha256_of("hello world")).error().reason, ecr::Reason::layer_already_exists);

    const auto put = [&](const std::string& manifest, const std::string& digest) {
        std::promise<ecr::Checked<ecr::ImageRow>> answer;
        ecr::PutOrder order{scope_, "team/web", manifest, "", digest, "v1", clock_.now()};
        registry_->put_manifest(std::move(order), [&](ecr::Checked<ecr::ImageRow> outcome) { answer.set_value(std::move(outcome)); });
        return answer.get_future().get();
    };
    const std::string manifest = image_manifest({"hello world"});
    EXPECT_EQ(put(manifest, sha256_of("x")).error().reason, ecr::Reason::digest_does_not_match);
    const auto image = put(manifest, "");
    ASSERT_TRUE(image.ok());
    EXPECT_EQ(put(manifest, "").error().reason, ecr::Reason::image_already_exists);
    std::promise<ecr::Checked<std::vector<std::string>>> read;
    registry_->read_manifests({*image}, true, [&](ecr::Checked<std::vector<std::string>> outcome) { read.set_value(std::move(outcome)); });
    EXPECT_EQ(*read.get_future().get(), std::vector<std::string>{manifest});
}

}  // namespace
}  // namespace boxship::registry
