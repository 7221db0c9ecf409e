// Clients match the sentences of messages.h; none may change, or appear, without a scenario that has it.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace boxship::tests {
namespace {

std::string contents(const std::filesystem::path& path)
{
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// A sentence with its places for values is looked for by its longest piece between them, of that the first words.
std::string telling_piece(const std::string& sentence)
{
    static const std::regex place(R"(\{\d*\})");
    std::string longest;
    for (std::sregex_token_iterator at(sentence.begin(), sentence.end(), place, -1), end; at != end; ++at)
        if (at->length() > static_cast<std::ptrdiff_t>(longest.size())) longest = *at;
    constexpr std::size_t words = 20;
    const auto start = longest.find_first_not_of(" '.,");
    return longest.substr(start == std::string::npos ? 0 : start, words);
}

TEST(Messages, have_a_scenario_each)
{
    const std::string header = contents(std::filesystem::path(SCENARIO_DIRECTORY) / "../../src/services/ecs/messages.h");
    std::string scenarios;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(SCENARIO_DIRECTORY))
        if (entry.path().extension() == ".scn") scenarios += contents(entry.path());
    static const std::regex constant(R"rx(constexpr const char\* (\w+) =\s*((?:"(?:[^"\\]|\\.)*"\s*)+);)rx");
    int sentences = 0;
    for (std::sregex_iterator at(header.begin(), header.end(), constant), end; at != end; ++at, ++sentences) {
        const std::string sentence = std::regex_replace(std::string((*at)[2]), std::regex(R"("\s*"|^"|"\s*$)"), "");
        EXPECT_NE(scenarios.find(telling_piece(sentence)), std::string::npos) << (*at)[1] << ": " << sentence;
    }
    EXPECT_GT(sentences, 100);
}

}  // namespace
}  // namespace boxship::tests
