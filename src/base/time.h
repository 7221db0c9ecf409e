// Points in time: milliseconds since 1970, UTC. Durations are std::chrono's. Nobody here reads a clock: see env/clock.h.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace boxship {

using Milliseconds = std::chrono::milliseconds;

struct Time {
    std::int64_t ms = 0;  // 0: "not yet"

    auto operator<=>(const Time&) const = default;
    explicit operator bool() const { return ms != 0; }
    Time operator+(Milliseconds d) const { return {ms + d.count()}; }
    Time operator-(Milliseconds d) const { return {ms - d.count()}; }
    Milliseconds operator-(Time other) const { return Milliseconds(ms - other.ms); }
};

std::string to_iso8601(Time time);                          // 2026-11-20T13:35:04.123Z
std::string to_basic_iso8601(Time time);                    // 20261120T133504Z, SigV4's form
std::optional<Time> parse_basic_iso8601(std::string_view);  // the same back; nothing else accepted
std::string to_http_date(Time time);                        // Fri, 20 Nov 2026 13:35:04 GMT

}  // namespace boxship
