#include "sim/stage.h"

#include <cstdio>

namespace boxship::sim {

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
