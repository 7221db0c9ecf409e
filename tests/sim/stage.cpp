#include "sim/stage.h"

#include <cstdio>

namespace boxship::sim {

bool Stage::hit(const char* name)
{
    // A checkpoint writes every row, which costs as much as many groups: a quarter of the runs have many.
    const bool checkpoint = std::string_view(name) == "store: an early checkpoint";
    return unlucky(name, checkpoint && !many_checkpoints_ ? 150 : 12);
}

void Stage::tell(std::string line)
{
    constexpr std::size_t story_lines_max = 60;
    line = fmt::format("{:11.3f} {}", static_cast<double>((timeline.now() - Time{1'800'000'000'000}).count()) / 1000, line);
    mix(line);
    if (aloud) std::printf("%s\n", line.c_str());
    story.push_back(std::move(line));
    if (story.size() > story_lines_max) story.pop_front();
}

}  // namespace boxship::sim
