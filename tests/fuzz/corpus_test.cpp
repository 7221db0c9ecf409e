// Runs every kept input through its target once, in any build.
#include <filesystem>

#include <gtest/gtest.h>

#include "env/real/files.h"
#include "fuzz/targets.h"

namespace boxship::fuzz {
namespace {

class Corpus : public ::testing::TestWithParam<Target> {};

TEST_P(Corpus, holds)
{
    const std::string directory = std::string(CORPUS_DIRECTORY) + "/" + std::string(GetParam().name);
    int inputs = 0;
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
        SCOPED_TRACE(file.path().string());
        const auto input = env::read_file(file.path().string());
        ASSERT_TRUE(input.ok()) << input.error().message;
        GetParam().run(*input);
        // Whatever is cut off must do no harm either.
        for (std::size_t size = 0; size < input->size(); size += 1 + size / 8) GetParam().run(std::string_view(*input).substr(0, size));
        ++inputs;
    }
    EXPECT_GT(inputs, 0) << directory;
}

INSTANTIATE_TEST_SUITE_P(Targets, Corpus, ::testing::ValuesIn(targets),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace boxship::fuzz
