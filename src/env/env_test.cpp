#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <future>
#include <set>
#include <vector>

#include "env/real/files.h"
#include "env/real/process.h"
#include "env/real/real_env.h"

namespace boxship::env {
namespace {

class Files : public ::testing::Test {
protected:
    void SetUp() override
    {
        char pattern[] = "/tmp/boxship-env-XXXXXX";
        directory_ = ::mkdtemp(pattern);
    }
    void TearDown() override { EXPECT_TRUE(remove_tree(directory_).ok()); }
    std::string directory_;
};

TEST_F(Files, durable_write_replaces_whole_files)
{
    const std::string path = directory_ + "/a";
    ASSERT_TRUE(write_file_durably(path, "one", 0600).ok());
    ASSERT_TRUE(write_file_durably(path, "two", 0600).ok());
    EXPECT_EQ(*read_file(path), "two");
    struct stat info;
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
    EXPECT_EQ(list_directory(directory_)->size(), 1u);
}

TEST_F(Files, errors_say_what_was_done)
{
    const auto missing = read_file(directory_ + "/none");
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, ENOENT);
    EXPECT_EQ(missing.error().message, "open " + directory_ + "/none: No such file or directory");
    ASSERT_TRUE(write_file(directory_ + "/big", "12345").ok());
    EXPECT_EQ(read_file(directory_ + "/big", 4).error().code, EFBIG);
}

TEST_F(Files, directories_are_made_and_removed_whole)
{
    ASSERT_TRUE(make_directories(directory_ + "/x/y/z").ok());
    ASSERT_TRUE(make_directories(directory_ + "/x/y/z").ok());
    ASSERT_TRUE(write_file(directory_ + "/x/y/f", "").ok());
    ASSERT_TRUE(remove_tree(directory_ + "/x").ok());
    ASSERT_TRUE(remove_tree(directory_ + "/x").ok());
    EXPECT_FALSE(file_exists(directory_ + "/x"));
}

TEST(Process, returns_output_code_and_survives_a_deadline)
{
    const auto cat = run_process({"cat"}, Milliseconds(5000), "hello");
    ASSERT_TRUE(cat.ok());
    EXPECT_EQ(cat->out, "hello");
    EXPECT_EQ(run_process({"sh", "-c", "echo bad >&2; exit 3"})->exit_code, 3);
    EXPECT_EQ(run_process({"sleep", "60"}, Milliseconds(50)).error().code, ETIMEDOUT);
    EXPECT_EQ(run_process({"/nonexistent/program"}).error().code, ENOENT);
}

TEST(Process, raises_its_limit_of_open_files)
{
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = std::min<rlim_t>(before.rlim_max, 256);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    raise_open_files_limit();
    rlimit after{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
    EXPECT_EQ(after.rlim_cur, before.rlim_max);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(ThreadExecutor, keeps_order_and_rings_timers)
{
    std::promise<std::string> done;
    std::string seen;
    ThreadExecutor executor("test");
    executor.post_after(Milliseconds(20), [&] { done.set_value(seen + "t"); });
    executor.post([&] { seen += "a"; });
    executor.post([&] { seen += "b"; });
    EXPECT_EQ(done.get_future().get(), "abt");
}

TEST(Random, gives_no_byte_twice)
{
    RealRandom random;
    std::set<std::array<std::byte, 16>> seen;
    std::array<std::byte, 16> bytes;
    for (int i = 0; i < 1000; ++i) {
        random.fill(bytes);
        EXPECT_TRUE(seen.insert(bytes).second);
    }
    std::vector<std::byte> many(5000);
    random.fill(many);
    EXPECT_LT(std::ranges::count(many, std::byte{}), 200);
}

TEST(Random, is_another_in_a_forked_process)
{
    RealRandom random;
    std::array<std::byte, 16> bytes;
    random.fill(bytes);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    random.fill(bytes);
    if (child == 0) ::_exit(::write(ends[1], bytes.data(), bytes.size()) == 16 ? 0 : 1);
    std::array<std::byte, 16> childs;
    EXPECT_EQ(::read(ends[0], childs.data(), childs.size()), 16);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_NE(bytes, childs);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(Random, numbers_stay_below)
{
    RealRandom random;
    for (int i = 0; i < 100; ++i) EXPECT_LT(random.number(3), 3u);
}

}  // namespace
}  // namespace boxship::env
