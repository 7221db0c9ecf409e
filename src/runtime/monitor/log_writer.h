// A container's output into files that rotate by size and lose nothing (log_format.h).
#pragma once

#include <time.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "env/real/unique_fd.h"
#include "runtime/log_format.h"

namespace boxship::runtime {

class LogWriter {
public:
    LogWriter(std::string directory, std::uint64_t bytes_max, std::uint32_t files_max)
        : directory_(std::move(directory)), bytes_max_(bytes_max), files_max_(files_max)
    {
    }

    HostResult<> open();  // goes on in the newest file there is

    // Writes all whole lines of `bytes` before it returns; the unfinished end waits for its newline.
    void append(Stream stream, std::string_view bytes, const timespec& now);

    // Writes the unfinished ends as pieces: at the end of a stream, and when it pauses in the middle of a line.
    void flush(const timespec& now);
    bool pending() const { return !tails_[0].empty() || !tails_[1].empty(); }

private:
    void line(Stream stream, bool whole, std::string_view first, std::string_view second);
    void write_out();
    HostResult<> next_file();
    void stamp(const timespec& now);

    std::string directory_;
    std::uint64_t bytes_max_;
    std::uint32_t files_max_;
    std::uint32_t number_ = 0;
    std::uint64_t size_ = 0;   // of the current file, out_ included
    std::uint64_t written_ = 0; // of the current file, whole lines that the disk took
    std::uint64_t lost_ = 0;   // bytes that the disk refused since the last line it took
    env::UniqueFd file_;
    std::string out_;
    std::array<std::string, 2> tails_;
    char time_[log_time_size + 1] = {};
};

}  // namespace boxship::runtime
