// How a container's output lies on disk, for the monitor that writes it and the reader of `boxship logs`.
//
// A directory per container holds files named by a growing number, "00000001.log", "00000002.log" …; the highest one
// is being written. Nothing is ever renamed or truncated: rotation starts the next number and removes the lowest.
//
// A line of a file:
//     2026-11-20T13:35:04.123456789Z stdout F the text\n
// Time of reading (UTC, nanoseconds), the stream (stdout or stderr; a terminal's output is stdout), F for a whole line
// or P for a piece whose rest follows in later lines of the same stream, one space, the bytes as they were written
// without their newline. A piece is at most log_piece_max bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace boxship::runtime {

enum class Stream : std::uint8_t { out, err };

constexpr std::size_t log_piece_max = 16384;
constexpr std::size_t log_time_size = 30;    // 2026-11-20T13:35:04.123456789Z
constexpr std::size_t log_prefix_size = 40;  // time, space, stream, space, F or P, space

std::string log_file_name(std::uint32_t number);         // 1 → "00000001.log"
std::uint32_t log_file_number(const std::string& name);  // 0: not a log file's name

}  // namespace boxship::runtime
