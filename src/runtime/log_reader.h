// Reads a container's output back (log_format.h), also while it is being written and rotated.
//
//     LogReader reader(runtime.log_directory(id));
//     reader.seek_tail(100);
//     for (;;) {
//         auto lines = reader.read(1000);
//         if (!lines) return lines.error();
//         if (!lines->empty()) show(*lines);
//         else if (following) wait for reader.watch() to be readable, then reader.acknowledge();
//         else break;
//     }
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/log_format.h"

namespace boxship::runtime {

struct LogLine {
    std::int64_t ns = 0;  // since 1970, UTC
    Stream stream = Stream::out;
    bool whole = true;    // false: the rest of the line comes with the stream's next
    std::string text;
};

// Where a reader stands: to go on there later, with another reader.
struct LogPosition {
    std::uint32_t file = 0;  // 0: before everything
    std::uint64_t offset = 0;
};

class LogReader {
public:
    explicit LogReader(std::string directory) : directory_(std::move(directory)) {}

    void seek(LogPosition position);
    HostResult<> seek_tail(std::size_t lines);      // so that as many lines (pieces counted singly) are left to read
    void seek_since(std::int64_t ns);               // skips what is older; from where it stands
    LogPosition position() const { return position_; }

    // The next lines, at most so many; none: nothing more for now. Where rotation removed what was not read yet, it
    // goes on with the oldest line there is.
    HostResult<std::vector<LogLine>> read(std::size_t lines_max);

    // A descriptor (inotify) that becomes readable when there may be more. Made at the first call; ask for it before the
    // read that finds nothing. The directory must exist.
    HostResult<int> watch();
    void acknowledge();

private:
    HostResult<bool> advance();
    HostResult<std::vector<std::uint32_t>> files() const;
    HostResult<std::size_t> fill();

    std::string directory_;
    LogPosition position_;
    std::int64_t since_ = 0;
    env::UniqueFd file_;
    std::uint32_t open_ = 0;     // the number of file_
    std::string buffer_;         // from position_ on
    env::UniqueFd inotify_;
};

// False: not a line of a log.
bool parse_log_line(std::string_view line, LogLine& into);
std::string format_log_time(std::int64_t ns);

}  // namespace boxship::runtime
