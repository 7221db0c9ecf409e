// Logging: one line on stderr per event, "time level message". No secrets: callers mask before they log.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace boxship {

enum class LogLevel { debug, info, warning, error };

void set_log_level(LogLevel least);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view message);  // whole lines, safe from any thread

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args)
{
    if (log_enabled(LogLevel::debug)) log_line(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args)
{
    if (log_enabled(LogLevel::info)) log_line(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args)
{
    if (log_enabled(LogLevel::warning)) log_line(LogLevel::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args)
{
    if (log_enabled(LogLevel::error)) log_line(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace boxship
