#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <future>

#include "blobs/blobs.h"
#include "blobs/workers.h"
#include "env/real/files.h"

namespace boxship::blobs {
namespace {

class BlobsTest : public ::testing::Test {
protected:
    void SetUp() override
    {
        char pattern[] = "/tmp/boxship-blobs-XXXXXX";
        directory_ = ::mkdtemp(pattern);
        blobs_ = std::make_unique<Blobs>(directory_ + "/blobs");
        ASSERT_TRUE(blobs_->prepare().ok());
    }
    void TearDown() override { EXPECT_TRUE(env::remove_tree(directory_).ok()); }

    Digest sha256(std::string_view bytes) { return digest_of(Algorithm::sha256, bytes); }
    std::string incoming(const std::string& id) { return blobs_->root() + "/incoming/" + id; }
    std::string stored(const Digest& digest) { return *env::read_file(blobs_->path_of(digest)); }

    std::string directory_;
    std::unique_ptr<Blobs> blobs_;
};

TEST(Digest, accepts_exact_forms_only)
{
    const std::string hex(64, 'a');
    EXPECT_TRUE(Digest::parse("sha256:" + hex));
    EXPECT_TRUE(Digest::parse("sha512:" + hex + hex));
    for (const std::string& bad : {std::string(), hex, "sha256:" + hex + "a", "sha256:" + std::string(64, 'A'), "sha512:" + hex,
                                  "md5:" + std::string(32, 'a'), "sha256:" + std::string(64, 'g'), std::string("sha256:")})
        EXPECT_FALSE(Digest::parse(bad)) << bad;
    EXPECT_EQ(to_text(digest_of(Algorithm::sha256, "")), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(to_text(digest_of(Algorithm::sha512, "abc")).substr(0, 23), "sha512:ddaf35a193617aba");
}

TEST_F(BlobsTest, an_upload_becomes_a_protected_file_under_its_digest)
{
    auto upload = *blobs_->create("u1", Algorithm::sha256);
    ASSERT_TRUE(upload->append("hello ").ok());
    ASSERT_TRUE(upload->append("world").ok());
    EXPECT_EQ(upload->offset(), 11u);
    const Digest digest = sha256("hello world");
    ASSERT_TRUE(blobs_->commit(*upload, digest).ok());
    EXPECT_EQ(stored(digest), "hello world");
    struct stat info;
    ASSERT_EQ(::stat(blobs_->path_of(digest).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0444u);
    EXPECT_TRUE(blobs_->list_incoming()->empty());
    EXPECT_EQ(blobs_->open(digest)->size, 11u);
    EXPECT_TRUE(*blobs_->verify(digest));
    EXPECT_EQ(blobs_->open(sha256("other")).error().code, ENOENT);
}

TEST_F(BlobsTest, another_digest_is_refused_and_changes_nothing)
{
    auto upload = *blobs_->create("u1", Algorithm::sha256);
    ASSERT_TRUE(upload->append("hello").ok());
    EXPECT_EQ(blobs_->commit(*upload, sha256("other")).error().code, EBADMSG);
    EXPECT_TRUE(blobs_->list(Algorithm::sha256)->empty());
    EXPECT_EQ(*env::read_file(incoming("u1")), "hello");
}

TEST_F(BlobsTest, the_other_algorithm_reads_the_file_once_more)
{
    auto upload = *blobs_->create("u1", Algorithm::sha256);
    ASSERT_TRUE(upload->append("hello").ok());
    const Digest digest = digest_of(Algorithm::sha512, "hello");
    ASSERT_TRUE(blobs_->commit(*upload, digest).ok());
    EXPECT_EQ(stored(digest), "hello");
    EXPECT_TRUE(blobs_->list(Algorithm::sha256)->empty());
}

TEST_F(BlobsTest, an_empty_blob_is_a_blob)
{
    auto upload = *blobs_->create("u1", Algorithm::sha256);
    ASSERT_TRUE(blobs_->commit(*upload, sha256("")).ok());
    EXPECT_EQ(blobs_->open(sha256(""))->size, 0u);
}

// Killed while bytes arrive: what lies above the noted offset does not exist.
TEST_F(BlobsTest, after_a_restart_an_upload_goes_on_from_the_noted_offset)
{
    ASSERT_TRUE(env::write_file(incoming("u1"), "hello GARBAGE", 0600).ok());
    auto upload = *blobs_->resume("u1", Algorithm::sha256, 6);
    EXPECT_EQ(upload->offset(), 6u);
    ASSERT_TRUE(upload->append("world").ok());
    ASSERT_TRUE(blobs_->commit(*upload, sha256("hello world")).ok());
    EXPECT_EQ(stored(sha256("hello world")), "hello world");
}

TEST_F(BlobsTest, an_upload_whose_file_lost_noted_bytes_cannot_go_on)
{
    ASSERT_TRUE(env::write_file(incoming("short"), "hel", 0600).ok());
    EXPECT_EQ(blobs_->resume("short", Algorithm::sha256, 6).error().code, ENODATA);
    EXPECT_EQ(blobs_->resume("gone", Algorithm::sha256, 6).error().code, ENOENT);
    EXPECT_TRUE(blobs_->resume("never-written", Algorithm::sha256, 0).ok());
}

// Killed after the rename and before the record: the next upload of the same bytes takes the file's place.
TEST_F(BlobsTest, a_commit_repairs_whatever_stands_in_its_place)
{
    const Digest digest = sha256("content");
    ASSERT_TRUE(env::write_file(blobs_->path_of(digest), "con", 0444).ok());
    EXPECT_FALSE(*blobs_->verify(digest));
    EXPECT_EQ(blobs_->read(digest, 100).error().code, EBADMSG);
    const OpenFile old = *blobs_->open(digest);
    ASSERT_TRUE(blobs_->put(digest, "content").ok());
    EXPECT_EQ(*blobs_->read(digest, 100), "content");
    char bytes[8] = {};
    EXPECT_EQ(::pread(old.fd->get(), bytes, sizeof bytes, 0), 3);  // whoever had it open reads what he opened
}

TEST_F(BlobsTest, put_refuses_bytes_of_another_name_and_leaves_nothing)
{
    EXPECT_EQ(blobs_->put(sha256("a"), "b").error().code, EBADMSG);
    EXPECT_TRUE(blobs_->list_incoming()->empty());
    EXPECT_EQ(blobs_->open(sha256("a")).error().code, ENOENT);
}

TEST_F(BlobsTest, cutting_forgets_the_bytes_and_their_hash)
{
    auto upload = *blobs_->create("u1", Algorithm::sha256);
    ASSERT_TRUE(upload->append("hello world").ok());
    ASSERT_TRUE(upload->cut(5).ok());
    ASSERT_TRUE(blobs_->commit(*upload, sha256("hello")).ok());
}

TEST_F(BlobsTest, a_damaged_file_goes_to_quarantine_and_removal_may_be_repeated)
{
    const Digest digest = sha256("x");
    ASSERT_TRUE(blobs_->put(digest, "x").ok());
    ASSERT_TRUE(blobs_->quarantine(digest).ok());
    EXPECT_EQ(blobs_->open(digest).error().code, ENOENT);
    EXPECT_TRUE(env::file_exists(blobs_->root() + "/quarantine/sha256-" + digest.hex));
    EXPECT_TRUE(blobs_->quarantine(digest).ok());
    EXPECT_TRUE(blobs_->remove(digest).ok());
}

TEST_F(BlobsTest, a_full_disk_leaves_the_upload_as_it_was)
{
    // RLIMIT_FSIZE would signal the whole process; a descriptor on /dev/full says ENOSPC just as well.
    Incoming upload("/dev/full", *env::open_file("/dev/full", O_RDWR), Hasher(Algorithm::sha256), 0);
    const auto appended = upload.append("bytes");
    ASSERT_FALSE(appended.ok());
    EXPECT_EQ(upload.offset(), 0u);
    EXPECT_EQ(*upload.digest(Algorithm::sha256), sha256(""));
}

TEST_F(BlobsTest, prepare_may_be_repeated)
{
    ASSERT_TRUE(blobs_->put(sha256("x"), "x").ok());
    ASSERT_TRUE(blobs_->prepare().ok());
    EXPECT_EQ(stored(sha256("x")), "x");
    EXPECT_EQ(*env::read_file(blobs_->root() + "/oci-layout"), R"({"imageLayoutVersion":"1.0.0"})");
}

TEST(JobQueue, keeps_the_order_of_its_jobs_on_several_threads)
{
    Workers workers(3);
    const auto queue = std::make_shared<JobQueue>(workers);
    std::vector<int> seen;
    std::promise<void> done;
    for (int i = 0; i < 1000; ++i) queue->post([&seen, i] { seen.push_back(i); });
    queue->post([&] { done.set_value(); });
    done.get_future().wait();
    ASSERT_EQ(seen.size(), 1000u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

}  // namespace
}  // namespace boxship::blobs
