#include "agent/ledger.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "env/real/sqlite.h"

namespace boxship::agent {
namespace {

class SqliteLedgerTest : public testing::Test {
protected:
    void SetUp() override
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "ledger-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        path_ = directory_ + "/agent.db";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string directory_, path_;
};

TEST_F(SqliteLedgerTest, keeps_what_was_committed)
{
    {
        auto ledger = open_sqlite_ledger(path_);
        ASSERT_TRUE(ledger.ok()) << ledger.error().message;
        ASSERT_TRUE((*ledger)->commit({{{"arn:1", "payload", "new"}, {"arn:2", "other", "new"}}, {}, {{"instance", "arn:i"}}}, true).ok());
        ASSERT_TRUE((*ledger)->commit({{{"arn:1", std::nullopt, "running"}}, {"arn:2"}, {{"instance", "arn:j"}}}, false).ok());
    }
    auto ledger = open_sqlite_ledger(path_);
    ASSERT_TRUE(ledger.ok());
    const auto contents = (*ledger)->load();
    ASSERT_TRUE(contents.ok());
    ASSERT_EQ(contents->tasks.size(), 1u);
    EXPECT_EQ(contents->tasks[0].payload, "payload");
    EXPECT_EQ(contents->tasks[0].state, "running");
    EXPECT_EQ(contents->fact("instance"), "arn:j");
    EXPECT_EQ(contents->fact("absent"), "");
}

TEST_F(SqliteLedgerTest, refuses_a_newer_agents_file)
{
    ASSERT_TRUE(open_sqlite_ledger(path_).ok());
    {
        auto database = env::Database::open(path_);
        ASSERT_TRUE(database.ok());
        ASSERT_TRUE(database->run("PRAGMA user_version = 99").ok());
    }
    const auto ledger = open_sqlite_ledger(path_);
    ASSERT_FALSE(ledger.ok());
    EXPECT_NE(ledger.error().message.find("newer"), std::string::npos);
}

}  // namespace
}  // namespace boxship::agent
