// Journals of earlier releases: they load, the doctor has no complaint, every question is answered as it was then, and
// work goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "env/real/files.h"
#include "journals/fixture.h"
#include "scenario/world.h"

namespace boxship::tests {
namespace {

using shape::Json;

std::vector<std::string> versions()
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(JOURNALS_DIRECTORY))
        if (entry.is_directory()) names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

// Where `now` does not say what `then` said; "" when it does. A newer release may say more.
std::string difference(const Json& then, const Json& now, const std::string& path)
{
    if (then.is_object() && now.is_object()) {
        for (const auto& [key, value] : then.as_object())
            if (std::string found = difference(value, now[key], path + "." + key); !found.empty()) return found;
        return "";
    }
    if (then.is_array() && now.is_array() && then.as_array().size() == now.as_array().size()) {
        for (std::size_t i = 0; i < then.as_array().size(); ++i)
            if (std::string found = difference(then.as_array()[i], now.as_array()[i], fmt::format("{}[{}]", path, i)); !found.empty()) return found;
        return "";
    }
    return then == now ? "" : fmt::format("{} was {} and is {}", path, then.dump(), now.dump());
}

class OldJournal : public ::testing::TestWithParam<std::string> {
protected:
    void SetUp() override
    {
        directory_ = std::string(JOURNALS_DIRECTORY) + "/" + GetParam();
        auto data = read_journal(directory_ + "/journal.db");
        ASSERT_TRUE(data.ok()) << data.error().message;
        world_ = std::make_unique<World>(*data, fixture_time);
    }
    void expect_sound()
    {
        for (const std::string& complaint : world_->complaints()) ADD_FAILURE() << complaint;
    }
    void expect_the_same_answers()
    {
        const auto text = env::read_file(directory_ + "/described.json");
        ASSERT_TRUE(text.ok()) << text.error().message;
        const auto asked = Json::parse(*text);
        ASSERT_TRUE(asked.ok()) << asked.error();
        ASSERT_GT(asked->as_array().size(), 0u);
        for (const Json& question : asked->as_array()) {
            SCOPED_TRACE(question.get_string("operation") + " " + question["request"].dump());
            const auto answer = world_->call(question.get_string("service"), question.get_string("operation"), question["request"].dump());
            ASSERT_TRUE(answer.ok()) << answer.error().code << ": " << answer.error().message;
            EXPECT_EQ(difference(question["answer"], *Json::parse(*answer), "answer"), "");
        }
    }

    std::string directory_;
    std::unique_ptr<World> world_;
};

TEST_P(OldJournal, says_what_it_said)
{
    expect_sound();
    expect_the_same_answers();
    world_->restart();
    expect_sound();
    expect_the_same_answers();
}

TEST_P(OldJournal, work_goes_on)
{
    const auto again = world_->call("ecs", "RunTask", R"({"taskDefinition":"web:1","clientToken":"token-1","startedBy":"me","referenceId":"r","propagateTags":"TASK_DEFINITION",
        "enableECSManagedTags":true,"tags":[{"key":"tier","value":"2"}],"overrides":{"containerOverrides":[{"name":"web","command":["sleep","1"],"memory":256}]}})");
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ((*Json::parse(*again))["tasks"].as_array().at(0).get_string("lastStatus"), "RUNNING") << "a known token starts nothing";
    const auto fresh = world_->call("ecs", "RunTask", R"({"taskDefinition":"web"})");
    ASSERT_TRUE(fresh.ok()) << fresh.error().message;
    EXPECT_EQ((*Json::parse(*fresh))["tasks"].as_array().size(), 1u) << *fresh;
    const auto registered = world_->call("ecs", "RegisterTaskDefinition", R"({"family":"web","containerDefinitions":[{"name":"web","image":"i","memory":16}]})");
    ASSERT_TRUE(registered.ok()) << registered.error().message;
    EXPECT_EQ((*Json::parse(*registered))["taskDefinition"].get_int64("revision"), 4);
    expect_sound();
    world_->restart();
    expect_sound();
}

INSTANTIATE_TEST_SUITE_P(Versions, OldJournal, ::testing::ValuesIn(versions()), [](const auto& version) {
    std::string name = version.param;
    std::ranges::replace_if(name, [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name;
});

}  // namespace
}  // namespace boxship::tests
