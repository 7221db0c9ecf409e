#include "runtime/monitor/log_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "env/real/files.h"

namespace boxship::runtime {
namespace {

constexpr std::size_t out_max = 64 << 10;  // what is gathered before a write

}  // namespace

HostResult<> LogWriter::open()
{
    if (files_max_ == 0) return {};
    RETURN_IF_ERROR(env::make_directories(directory_, 0750));
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_));
    for (const auto& name : names) number_ = std::max(number_, log_file_number(name));
    if (number_ == 0) return next_file();
    ASSIGN_OR_RETURN(file_, env::open_file(directory_ + "/" + log_file_name(number_), O_WRONLY | O_APPEND, 0640));
    struct stat info;
    if (::fstat(file_.get(), &info) != 0) return host_error("look at " + directory_, errno);
    size_ = written_ = static_cast<std::uint64_t>(info.st_size);
    return {};
}

void LogWriter::append(Stream stream, std::string_view bytes, const timespec& now)
{
    if (files_max_ == 0) return;
    stamp(now);
    std::string& tail = tails_[static_cast<std::size_t>(stream)];
    while (!bytes.empty()) {
        const std::size_t room = log_piece_max - tail.size();
        const std::size_t newline = bytes.substr(0, room + 1).find('\n');
        if (newline != std::string_view::npos) {
            line(stream, true, tail, bytes.substr(0, newline));
            tail.clear();
            bytes.remove_prefix(newline + 1);
        } else if (bytes.size() <= room) {
            tail.append(bytes);
            break;
        } else {
            line(stream, false, tail, bytes.substr(0, room));
            tail.clear();
            bytes.remove_prefix(room);
        }
    }
    write_out();
}

void LogWriter::flush(const timespec& now)
{
    stamp(now);
    for (const Stream stream : {Stream::out, Stream::err}) {
        std::string& tail = tails_[static_cast<std::size_t>(stream)];
        if (tail.empty()) continue;
        line(stream, false, tail, {});
        tail.clear();
    }
    write_out();
}

void LogWriter::line(Stream stream, bool whole, std::string_view first, std::string_view second)
{
    const std::size_t size = log_prefix_size + first.size() + second.size() + 1;
    if (size_ > 0 && size_ + size > bytes_max_) {
        write_out();
        // Where no next file can be had (no space, no inode), the current one goes on growing: better than a loss.
        (void)next_file();
    }
    out_.append(time_, log_time_size).append(stream == Stream::out ? " stdout " : " stderr ").append(whole ? "F " : "P ");
    out_.append(first).append(second).push_back('\n');
    size_ += size;
    if (out_.size() >= out_max) write_out();
}

// A disk that takes nothing more must not stop the container, which would block on its full pipe: what is refused is
// counted, and said in the log as soon as there is room again.
void LogWriter::write_out()
{
    if (out_.empty()) return;
    if (lost_ > 0) {
        char notice[160];
        const int size = std::snprintf(notice, sizeof notice, "%s stderr F [boxship: %llu bytes of output could not be written here]\n",
                                       time_, static_cast<unsigned long long>(lost_));
        if (::write(file_.get(), notice, static_cast<std::size_t>(size)) == size) {
            lost_ = 0;
            size_ += static_cast<std::uint64_t>(size);
            written_ += static_cast<std::uint64_t>(size);
        }
    }
    if (env::write_all(file_.get(), out_, directory_)) {
        written_ += out_.size();
    } else {
        lost_ += out_.size();
        (void)::ftruncate(file_.get(), static_cast<off_t>(written_));  // no torn line; if that fails too, one torn line
    }
    out_.clear();
    if (out_.capacity() > 2 * out_max) out_.shrink_to_fit();
}

HostResult<> LogWriter::next_file()
{
    const std::string path = directory_ + "/" + log_file_name(number_ + 1);
    ASSIGN_OR_RETURN(file_, env::open_file(path, O_WRONLY | O_APPEND | O_CREAT, 0640));
    ++number_;
    size_ = written_ = 0;
    if (number_ > files_max_) return env::remove_file(directory_ + "/" + log_file_name(number_ - files_max_));
    return {};
}

void LogWriter::stamp(const timespec& now)
{
    tm parts;
    ::gmtime_r(&now.tv_sec, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                  parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec);
    std::copy_n(text, log_time_size, time_);
}

}  // namespace boxship::runtime
