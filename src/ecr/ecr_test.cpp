#include <gtest/gtest.h>

#include <random>
#include <set>

#include "blobs/digest.h"
#include "ecr/collect.h"
#include "ecr/images.h"
#include "ecr/mutability.h"
#include "ecr/names.h"
#include "ecr/uploads.h"
#include "state/doctor.h"
#include "state/tables.h"

namespace boxship::ecr {
namespace {

using namespace std::chrono_literals;

class SeededIds : public Ids {
public:
    void fill(std::span<std::byte> bytes) override
    {
        for (auto& byte : bytes) byte = static_cast<std::byte>(engine_());
    }

private:
    std::mt19937 engine_{7};
};

std::string digest_of(std::string_view bytes) { return to_text(blobs::digest_of(blobs::Algorithm::sha256, bytes)); }

std::string descriptor(std::string_view type, std::string_view content)
{
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":{}}})", type, digest_of(content), content.size());
}

// An image manifest over contents: the first is the configuration.
std::string manifest_over(const std::vector<std::string>& contents, const std::string& more = "")
{
    std::string layers;
    for (std::size_t i = 1; i < contents.size(); ++i)
        layers += (i > 1 ? "," : "") + descriptor("application/vnd.oci.image.layer.v1.tar+gzip", contents[i]);
    return fmt::format(R"({{"schemaVersion":2,"mediaType":"{}","config":{},"layers":[{}]{}}})", media::oci_manifest,
                       descriptor("application/vnd.oci.image.config.v1+json", contents[0]), layers, more);
}

class EcrTest : public ::testing::Test {
protected:
    Txn txn() { return Txn(tables_, group_); }
    model::Repository repository(const std::string& name, model::Repository settings = {})
    {
        settings.name = name;
        Txn t = txn();
        return **create_repository(t, scope_, settings, now_, ids_);
    }
    void add(const model::Repository& repository, const std::string& content)
    {
        Txn t = txn();
        add_blob(t, repository, digest_of(content), static_cast<std::int64_t>(content.size()), now_);
    }
    Checked<ImageRow> push(const model::Repository& repository, const std::string& manifest, std::vector<std::string> tags = {},
                           bool refuse_repeat = false)
    {
        Txn t = txn();
        auto outcome = put_image(t, repository, {.digest = digest_of(manifest), .manifest_size = static_cast<std::int64_t>(manifest.size()),
                                                 .manifest = *parse_manifest(manifest, ""), .tags = std::move(tags),
                                                 .refuse_repeat = refuse_repeat}, now_);
        if (!outcome.ok()) t.roll_back();
        return outcome;
    }
    bool has_blob(const model::Repository& repository, const std::string& content)
    {
        return find_blob(txn(), repository, digest_of(content)).ok();
    }
    // A collection from one end to the other; returns the digests whose files would be unlinked.
    std::vector<std::string> collect()
    {
        Txn t = txn();
        while (release_links(t, now_, 2)) {}
        std::vector<std::string> gone;
        for (const Removal& removal : due_removals(t, now_, 1000))
            if (remove_blob(t, removal, now_)) gone.push_back(removal.digest);
        return gone;
    }

    model::Scope scope_{"000000000000", "us-east-1"};
    Time now_{1'800'000'000'000};
    SeededIds ids_;
    state::Tables tables_;
    state::Group group_;
};

TEST(Names, follow_ecr_and_the_distribution_api)
{
    for (const char* name : {"ab", "team/web", "a.b_c-d/e0", "00"}) EXPECT_TRUE(valid_repository_name(name)) << name;
    for (const char* name : {"", "a", "A/b", "a//b", "/ab", "ab/", "a__b", "a--b", "a-", "-a", "a b", "a/-b"})
        EXPECT_FALSE(valid_repository_name(name)) << name;
    EXPECT_TRUE(valid_repository_name(std::string(256, 'a')));
    EXPECT_FALSE(valid_repository_name(std::string(257, 'a')));
    EXPECT_TRUE(valid_tag("_v1.0-RC"));
    EXPECT_TRUE(valid_tag(std::string(128, 'a')));
    for (const std::string& tag : {std::string(), std::string(129, 'a'), std::string(".a"), std::string("-a"), std::string("a:b")})
        EXPECT_FALSE(valid_tag(tag)) << tag;
    SeededIds ids;
    const auto id = ids.next<UploadId>();
    EXPECT_EQ(parse_uuid(to_uuid(id)), id);
    EXPECT_FALSE(parse_uuid(to_text(id)));
}

TEST(Mutability, knows_four_modes_and_wildcards)
{
    EXPECT_TRUE(matches_wildcard("dev-*", "dev-1"));
    EXPECT_TRUE(matches_wildcard("*a*b", "xaxab"));
    EXPECT_FALSE(matches_wildcard("*a*b", "xaxba"));
    EXPECT_FALSE(matches_wildcard("dev", "dev1"));
    model::Repository repository;
    repository.exclusion_filters = {"latest", "dev-*"};
    const auto moves = [&](model::TagMutability mode, const char* tag) {
        repository.mutability = mode;
        return tag_may_move(repository, tag);
    };
    EXPECT_TRUE(moves(model::TagMutability::mutable_, "latest"));
    EXPECT_FALSE(moves(model::TagMutability::immutable, "latest"));
    EXPECT_TRUE(moves(model::TagMutability::immutable_with_exclusion, "dev-3"));
    EXPECT_FALSE(moves(model::TagMutability::immutable_with_exclusion, "v1"));
    EXPECT_FALSE(moves(model::TagMutability::mutable_with_exclusion, "latest"));
    EXPECT_TRUE(moves(model::TagMutability::mutable_with_exclusion, "v1"));
}

TEST(Manifest, is_read_by_its_kind)
{
    const auto image = *parse_manifest(manifest_over({"c", "l"}), "");
    EXPECT_EQ(image.media_type, media::oci_manifest);
    EXPECT_EQ(image.artifact_type, "application/vnd.oci.image.config.v1+json");
    EXPECT_EQ(image.layers.size(), 1u);
    EXPECT_EQ(parse_manifest(manifest_over({"c", "l"}), std::string(media::oci_manifest) + "; charset=utf-8")->media_type, media::oci_manifest);
    EXPECT_FALSE(parse_manifest(manifest_over({"c", "l"}), media::docker_manifest).ok());  // mediaType differs
    EXPECT_FALSE(parse_manifest("{", media::oci_manifest).ok());
    EXPECT_FALSE(parse_manifest(R"({"schemaVersion":1,"fsLayers":[]})", "").ok());
    EXPECT_FALSE(parse_manifest(R"({"schemaVersion":2,"config":{"digest":"sha256:x","size":1},"layers":[]})", media::oci_manifest).ok());
    EXPECT_TRUE(parse_manifest(R"({"anything":true})", "application/vnd.example+json").ok());
    const auto index = *parse_manifest(R"({"schemaVersion":2,"manifests":[]})", "");
    EXPECT_EQ(index.media_type, media::oci_index);
    EXPECT_EQ(index.artifact_type, "");
    const auto foreign = *parse_manifest(R"({"schemaVersion":2,"config":)" + descriptor("x", "c") + R"(,"layers":[)" +
        descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "f") + "]}", media::docker_manifest);
    EXPECT_TRUE(foreign.layers.at(0).elsewhere);
}

TEST_F(EcrTest, names_the_blobs_that_a_manifest_lacks)
{
    const auto web = repository("team/web");
    add(web, "config");
    const auto refused = push(web, manifest_over({"config", "one", "two"}));
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, Reason::layers_not_found);
    EXPECT_EQ(refused.error().items, (std::vector{digest_of("one"), digest_of("two")}));
    add(web, "one");
    add(web, "two");
    const auto image = push(web, manifest_over({"config", "one", "two"}), {"v1", "latest"});
    ASSERT_TRUE(image.ok());
    EXPECT_EQ((*image)->image_size, 12);
    EXPECT_EQ(tags_of(txn(), web, (*image)->id.name), (std::vector<std::string>{"latest", "v1"}));
}

TEST_F(EcrTest, an_index_needs_its_children_and_keeps_them)
{
    const auto web = repository("team/web");
    add(web, "c");
    const std::string child = manifest_over({"c"});
    const std::string index = R"({"schemaVersion":2,"manifests":[)" + descriptor(media::oci_manifest, child) + "]}";
    EXPECT_EQ(push(web, index).error().reason, Reason::referenced_images_not_found);
    ASSERT_TRUE(push(web, child).ok());
    ASSERT_TRUE(push(web, index).ok());
    Txn t = txn();
    EXPECT_EQ(delete_image(t, web, digest_of(child), now_).error().reason, Reason::image_referenced_by_index);
    EXPECT_TRUE(delete_image(t, web, digest_of(index), now_).ok());
    EXPECT_TRUE(delete_image(t, web, digest_of(child), now_).ok());
}

TEST_F(EcrTest, a_tag_moves_unless_it_is_immutable)
{
    const auto web = repository("team/web");
    const auto fixed = repository("team/fixed", {.mutability = model::TagMutability::immutable});
    const std::string one = manifest_over({"c"}), two = manifest_over({"c"}, R"(,"annotations":{"n":"2"})");
    for (const auto& r : {web, fixed}) {
        add(r, "c");
        ASSERT_TRUE(push(r, one, {"v1"}).ok());
    }
    ASSERT_TRUE(push(web, two, {"v1"}).ok());
    EXPECT_EQ((*find_reference(txn(), web, "v1"))->id.name, digest_of(two));
    EXPECT_TRUE(tags_of(txn(), web, digest_of(one)).empty());
    const auto refused = push(fixed, two, {"v2", "v1"});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().reason, Reason::tag_already_exists);
    EXPECT_FALSE(find_reference(txn(), fixed, "v2").ok());          // all of it or nothing
    EXPECT_FALSE(find_reference(txn(), fixed, digest_of(two)).ok());
    EXPECT_TRUE(push(fixed, one, {"v1"}).ok());                     // the same again
    EXPECT_EQ(push(fixed, one, {"v1"}, true).error().reason, Reason::image_already_exists);
    EXPECT_TRUE(push(fixed, one, {"v9"}, true).ok());
    Txn t = txn();
    EXPECT_TRUE(delete_tag(t, fixed, "v1").ok());                   // deleting an immutable tag is allowed
    EXPECT_EQ(delete_tag(t, fixed, "v1").error().reason, Reason::image_not_found);
    EXPECT_TRUE(find_reference(t, fixed, digest_of(one)).ok());
}

TEST_F(EcrTest, a_subject_need_not_exist_and_lists_its_referrers)
{
    const auto web = repository("team/web");
    add(web, "c");
    const std::string signature = manifest_over({"c"}, R"(,"subject":)" + descriptor(media::oci_manifest, "absent"));
    ASSERT_TRUE(push(web, signature).ok());
    ASSERT_EQ(list_referrers(txn(), web, digest_of("absent")).size(), 1u);
    EXPECT_TRUE(list_referrers(txn(), repository("team/other"), digest_of("absent")).empty());
}

TEST_F(EcrTest, a_mount_needs_a_source_that_holds_the_blob)
{
    const auto web = repository("team/web"), api = repository("team/api"), far = repository("team/far");
    add(web, "layer");
    Txn t = txn();
    EXPECT_FALSE(mount_blob(t, api, &far, digest_of("layer"), now_));
    EXPECT_TRUE(mount_blob(t, api, &web, digest_of("layer"), now_));
    EXPECT_TRUE(mount_blob(t, far, nullptr, digest_of("layer"), now_));
    EXPECT_TRUE(has_blob(api, "layer"));
    EXPECT_FALSE(mount_blob(t, far, nullptr, digest_of("never"), now_));
}

TEST_F(EcrTest, deleting_a_blob_is_refused_while_an_image_names_it)
{
    const auto web = repository("team/web"), api = repository("team/api");
    add(web, "c");
    add(api, "c");
    ASSERT_TRUE(push(web, manifest_over({"c"})).ok());
    Txn t = txn();
    EXPECT_EQ(delete_blob(t, web, digest_of("c"), now_).error().reason, Reason::blob_in_use);
    EXPECT_TRUE(delete_blob(t, api, digest_of("c"), now_).ok());
    EXPECT_FALSE(has_blob(api, "c"));
    EXPECT_TRUE(has_blob(web, "c"));
    EXPECT_EQ(delete_blob(t, api, digest_of("c"), now_).error().reason, Reason::blob_not_found);
}

TEST_F(EcrTest, an_answer_exists_binds_for_a_day_and_rarely_writes)
{
    const auto web = repository("team/web");
    add(web, "layer");
    now_ = now_ + 11h;
    {
        Txn t = txn();
        ASSERT_TRUE(promise_blob(t, web, digest_of("layer"), now_).ok());
        EXPECT_FALSE(t.wrote());
    }
    now_ = now_ + 2h;
    {
        Txn t = txn();
        ASSERT_TRUE(promise_blob(t, web, digest_of("layer"), now_).ok());
        EXPECT_TRUE(t.wrote());
    }
    now_ = now_ + 24h;
    collect();
    EXPECT_TRUE(has_blob(web, "layer"));
    now_ = now_ + 13h;
    EXPECT_TRUE(collect().empty());
    EXPECT_FALSE(has_blob(web, "layer"));  // condemned means absent
    now_ = now_ + 10min;
    EXPECT_EQ(collect(), std::vector{digest_of("layer")});
}

TEST_F(EcrTest, an_upload_takes_a_condemned_blob_back)
{
    const auto web = repository("team/web");
    add(web, "layer");
    now_ = now_ + 40h;
    collect();
    const Removal stale{digest_of("layer"), txn().get<model::Blob>(digest_of("layer"))->generation};
    add(web, "layer");
    now_ = now_ + 1h;
    Txn t = txn();
    EXPECT_FALSE(remove_blob(t, stale, now_));
    EXPECT_TRUE(has_blob(web, "layer"));
}

TEST_F(EcrTest, an_image_holds_its_blobs_for_ever_and_deleting_it_lets_them_go)
{
    const auto web = repository("team/web");
    add(web, "c");
    add(web, "l");
    const std::string manifest = manifest_over({"c", "l"});
    ASSERT_TRUE(push(web, manifest).ok());
    now_ = now_ + 1000h;
    collect();
    ASSERT_TRUE(has_blob(web, "l"));
    EXPECT_TRUE(txn().entries<state::LinksByPromise>().empty());  // the next pass looks at none of them
    {
        Txn t = txn();
        ASSERT_TRUE(delete_image(t, web, digest_of(manifest), now_).ok());
    }
    collect();
    EXPECT_FALSE(has_blob(web, "l"));
    now_ = now_ + 10min;
    EXPECT_EQ(collect().size(), 3u);
}

TEST_F(EcrTest, a_damaged_blob_is_absent_until_it_is_pushed_again)
{
    const auto web = repository("team/web");
    add(web, "c");
    ASSERT_TRUE(push(web, manifest_over({"c"}), {"v1"}).ok());
    {
        Txn t = txn();
        mark_damaged(t, digest_of("c"));
        mark_damaged(t, digest_of(manifest_over({"c"})));
    }
    EXPECT_FALSE(has_blob(web, "c"));
    EXPECT_FALSE(find_reference(txn(), web, "v1").ok());
    EXPECT_EQ(push(web, manifest_over({"c"})).error().reason, Reason::layers_not_found);
    add(web, "c");
    EXPECT_TRUE(push(web, manifest_over({"c"})).ok());
    EXPECT_TRUE(find_reference(txn(), web, "v1").ok());
}

TEST_F(EcrTest, a_repository_is_deleted_with_all_its_rows_when_forced)
{
    const auto web = repository("team/web");
    EXPECT_FALSE([&] { Txn t = txn(); return create_repository(t, scope_, web, now_, ids_).ok(); }());
    add(web, "c");
    ASSERT_TRUE(push(web, manifest_over({"c"}), {"v1"}).ok());
    Txn t = txn();
    start_upload(t, web, "sha256", now_, ids_);
    EXPECT_EQ(delete_repository(t, scope_, "team/web", false, now_).error().reason, Reason::repository_not_empty);
    ASSERT_TRUE(delete_repository(t, scope_, "team/web", true, now_).ok());
    EXPECT_TRUE(t.rows<model::Image>().empty() && t.rows<model::ImageTag>().empty() && t.rows<model::BlobLink>().empty() &&
                t.rows<model::Upload>().empty());
    EXPECT_EQ(delete_repository(t, scope_, "team/web", true, now_).error().reason, Reason::repository_not_found);
    now_ = now_ + 11min;
    EXPECT_EQ(collect().size(), 2u);
}

TEST_F(EcrTest, tags_are_listed_in_byte_order_and_pages)
{
    const auto web = repository("team/web");
    add(web, "c");
    ASSERT_TRUE(push(web, manifest_over({"c"}), {"b", "B", "a", "_", "c"}).ok());
    EXPECT_EQ(list_tags(txn(), web, "", 100).tags, (std::vector<std::string>{"B", "_", "a", "b", "c"}));
    const TagPage page = list_tags(txn(), web, "Zzz", 2);
    EXPECT_EQ(page.tags, (std::vector<std::string>{"_", "a"}));
    EXPECT_TRUE(page.more);
    EXPECT_FALSE(list_tags(txn(), web, "b", 1).more);
}

TEST_F(EcrTest, holds_a_thousand_layers_and_tags_and_pages_while_pushes_go_on)
{
    const auto web = repository("team/web");
    std::vector<std::string> contents{"config"};
    for (int i = 0; i < 1000; ++i) contents.push_back("layer" + std::to_string(i));
    for (const auto& content : contents) add(web, content);
    std::vector<std::string> tags;
    for (int i = 0; i < 1000; ++i) tags.push_back(fmt::format("t{:04}", i));
    ASSERT_TRUE(push(web, manifest_over(contents), tags).ok());
    std::vector<std::string> seen;
    for (std::string last; seen.size() < 1000;) {
        const TagPage page = list_tags(txn(), web, last, 70);
        ASSERT_FALSE(page.tags.empty());
        seen.insert(seen.end(), page.tags.begin(), page.tags.end());
        last = page.tags.back();
        ASSERT_TRUE(push(web, manifest_over(contents), {"a" + last}).ok());  // before the page's end: not seen any more
    }
    EXPECT_EQ(seen, tags);
    Txn t = txn();
    ASSERT_TRUE(delete_image(t, web, digest_of(manifest_over(contents)), now_).ok());
    EXPECT_TRUE(list_tags(t, web, "", 10).tags.empty());
}

TEST_F(EcrTest, silent_uploads_end_after_a_day)
{
    const auto web = repository("team/web");
    Txn t = txn();
    const auto upload = start_upload(t, web, "sha256", now_, ids_);
    EXPECT_TRUE(note_offset(t, upload->id, nullptr, 10, now_ + 2h));
    EXPECT_TRUE(silent_uploads(t, now_ + 25h, 10).empty());
    EXPECT_EQ(silent_uploads(t, now_ + 26h, 10).size(), 1u);
    end_upload(t, upload->id, nullptr, now_ + 26h);
    EXPECT_FALSE(note_offset(t, upload->id, nullptr, 11, now_));
}

// Push, delete, mount, HEAD and collection at random, on few digests and several repositories, on a virtual clock.
TEST_F(EcrTest, at_random_what_was_accepted_stays_whole_and_what_was_deleted_goes)
{
    std::mt19937 random(4711);
    const auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
    std::vector<model::Repository> repositories;
    for (const char* name : {"team/a", "team/b", "team/c"}) repositories.push_back(repository(name));
    const std::vector<std::string> contents{"c0", "c1", "l0", "l1", "l2"};
    std::set<std::string> files;                                            // what is on the disk
    std::map<std::pair<int, std::string>, Time> promised;                   // (repository, digest) → when we said "exists"
    std::map<std::pair<int, std::string>, std::vector<std::string>> images; // accepted, not deleted → what it needs
    const auto upload = [&](int r, const std::string& content) {
        files.insert(digest_of(content));
        add(repositories[r], content);
        promised[{r, digest_of(content)}] = now_;
    };
    for (int step = 0; step < 10'000; ++step) {
        now_ = now_ + Milliseconds(pick(20) * 60'000);
        const int r = pick(3);
        const std::string content = contents[pick(5)];
        switch (pick(7)) {
            case 0: upload(r, content); break;
            case 1: {
                Txn t = txn();
                if (promise_blob(t, repositories[r], digest_of(content), now_).ok()) promised[{r, digest_of(content)}] = now_;
                break;
            }
            case 2: {
                Txn t = txn();
                if (mount_blob(t, repositories[r], pick(2) ? &repositories[pick(3)] : nullptr, digest_of(content), now_))
                    promised[{r, digest_of(content)}] = now_;
                break;
            }
            case 3: {
                const std::vector<std::string> needs{contents[pick(2)], contents[2 + pick(3)], contents[2 + pick(3)]};
                const std::string manifest = manifest_over(needs);
                const bool fresh = !files.contains(digest_of(manifest));
                files.insert(digest_of(manifest));
                if (push(repositories[r], manifest).ok()) {
                    auto& held = images[{r, digest_of(manifest)}];
                    held = {digest_of(manifest), digest_of(needs[0]), digest_of(needs[1]), digest_of(needs[2])};
                    promised[{r, digest_of(manifest)}] = now_;
                } else if (fresh) {
                    files.erase(digest_of(manifest));
                }
                break;
            }
            case 4: {
                if (images.empty()) break;
                auto victim = std::next(images.begin(), pick(static_cast<int>(images.size())));
                Txn t = txn();
                ASSERT_TRUE(delete_image(t, repositories[victim->first.first], victim->first.second, now_).ok());
                images.erase(victim);
                break;
            }
            case 5: {
                Txn t = txn();
                if (delete_blob(t, repositories[r], digest_of(content), now_).ok()) promised.erase({r, digest_of(content)});
                break;
            }
            case 6:
                for (const std::string& digest : collect()) ASSERT_EQ(files.erase(digest), 1u);
                break;
        }
        if (step % 16 == 0) {
            ASSERT_EQ(state::examine(txn()), std::vector<std::string>()) << "step " << step;
        }
        for (const auto& [where, needs] : images)
            for (const auto& digest : needs) {
                ASSERT_TRUE(find_blob(txn(), repositories[where.first], digest).ok()) << "step " << step;
                ASSERT_TRUE(files.contains(digest)) << "step " << step;
            }
        for (const auto& [where, since] : promised) {
            if (since + 24h > now_) {
                ASSERT_TRUE(find_blob(txn(), repositories[where.first], where.second).ok()) << "step " << step;
            }
        }
    }
    // Everything deleted, the promises over: two passes, and the disk is empty.
    for (const auto& [where, needs] : images) {
        Txn t = txn();
        ASSERT_TRUE(delete_image(t, repositories[where.first], where.second, now_).ok());
    }
    for (int pass = 0; pass < 2; ++pass) {
        now_ = now_ + 37h;
        for (const std::string& digest : collect()) files.erase(digest);
    }
    EXPECT_TRUE(files.empty());
    EXPECT_TRUE(txn().rows<model::Blob>().empty());
    EXPECT_TRUE(txn().rows<model::BlobLink>().empty());
}

}  // namespace
}  // namespace boxship::ecr
