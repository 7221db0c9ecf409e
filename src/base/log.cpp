#include "base/log.h"

#include <atomic>
#include <chrono>
#include <string>

#include <unistd.h>

#include "base/time.h"

namespace boxship {
namespace {

std::atomic<LogLevel> least_level{LogLevel::info};

const char* name(LogLevel level)
{
    switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info ";
    case LogLevel::warning: return "warn ";
    case LogLevel::error: return "error";
    }
    return "?";
}

}  // namespace

void set_log_level(LogLevel least) { least_level = least; }
bool log_enabled(LogLevel level) { return level >= least_level; }

void log_line(LogLevel level, std::string_view message)
{
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const Time time{std::chrono::duration_cast<Milliseconds>(now).count()};
    const std::string line = fmt::format("{} {} {}\n", to_iso8601(time), name(level), message);
    // One write per line: lines of several threads and processes do not mix. A full or closed stderr stops nobody.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace boxship
