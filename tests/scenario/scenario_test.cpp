#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "scenario/script.h"

namespace boxship::tests {
namespace {

std::vector<std::string> scenario_files()
{
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SCENARIO_DIRECTORY))
        if (entry.path().extension() == ".scn") files.push_back(entry.path().string());
    std::ranges::sort(files);
    return files;
}

class Scenario : public ::testing::TestWithParam<std::string> {};

TEST_P(Scenario, holds)
{
    std::ifstream in(GetParam());
    std::stringstream text;
    text << in.rdbuf();
    ASSERT_FALSE(text.str().empty());
    const std::string complaint = Script().run(text.str());
    EXPECT_TRUE(complaint.empty()) << GetParam() << ", " << complaint;
}

INSTANTIATE_TEST_SUITE_P(Files, Scenario, ::testing::ValuesIn(scenario_files()), [](const auto& file) {
    std::string name = std::filesystem::path(file.param).stem().string();
    std::ranges::replace_if(name, [](unsigned char c) { return !std::isalnum(c); }, '_');
    return name;
});

}  // namespace
}  // namespace boxship::tests
