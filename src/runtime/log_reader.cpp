#include "runtime/log_reader.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "env/real/files.h"

namespace boxship::runtime {
namespace {

constexpr std::size_t chunk = 64 << 10;

HostResult<std::uint64_t> tail_offset(const std::string& path, std::size_t lines, std::size_t& found)
{
    ASSIGN_OR_RETURN(const env::UniqueFd fd, env::open_file(path, O_RDONLY));
    struct stat info;
    if (::fstat(fd.get(), &info) != 0) return host_error("look at " + path, errno);
    std::string buffer(chunk, '\0');
    std::uint64_t end = static_cast<std::uint64_t>(info.st_size);
    while (end > 0) {
        const std::uint64_t begin = end > chunk ? end - chunk : 0;
        const ssize_t got = ::pread(fd.get(), buffer.data(), end - begin, static_cast<off_t>(begin));
        if (got != static_cast<ssize_t>(end - begin)) return host_error("read " + path, got < 0 ? errno : EIO);
        for (std::uint64_t at = end; at > begin; --at) {
            if (buffer[at - begin - 1] != '\n') continue;
            // Every newline ends a line; the one that ends the line before the wanted ones is where they begin.
            if (found == lines) return at;
            ++found;
        }
        end = begin;
    }
    return std::uint64_t{0};
}

}  // namespace

bool parse_log_line(std::string_view line, LogLine& into)
{
    if (line.size() < log_prefix_size || line[log_time_size] != ' ' || line[log_prefix_size - 1] != ' ') return false;
    tm parts{};
    long nanoseconds = 0;
    const std::string time(line.substr(0, log_time_size));
    if (std::sscanf(time.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%9ldZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                    &parts.tm_min, &parts.tm_sec, &nanoseconds) != 7)
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    into.ns = static_cast<std::int64_t>(::timegm(&parts)) * 1000000000 + nanoseconds;
    const std::string_view stream = line.substr(log_time_size + 1, 6);
    if (stream != "stdout" && stream != "stderr") return false;
    into.stream = stream == "stdout" ? Stream::out : Stream::err;
    into.whole = line[log_prefix_size - 2] == 'F';
    into.text = line.substr(log_prefix_size);
    return true;
}

std::string format_log_time(std::int64_t ns)
{
    const time_t seconds = static_cast<time_t>(ns / 1000000000);
    tm parts;
    ::gmtime_r(&seconds, &parts);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                  parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<long>(ns % 1000000000));
    return text;
}

void LogReader::seek(LogPosition position)
{
    position_ = position;
    buffer_.clear();
    file_.reset();
    open_ = 0;
}

void LogReader::seek_since(std::int64_t ns)
{
    since_ = ns;
}

HostResult<> LogReader::seek_tail(std::size_t lines)
{
    ASSIGN_OR_RETURN(const auto numbers, files());
    std::size_t found = 0;
    LogPosition position;
    for (auto at = numbers.rbegin(); at != numbers.rend(); ++at) {
        auto offset = tail_offset(directory_ + "/" + log_file_name(*at), lines, found);
        if (!offset && offset.error().code == ENOENT) break;  // rotated away meanwhile
        if (!offset) return std::move(offset).error();
        position = {*at, *offset};
        if (*offset > 0) break;
    }
    seek(position);
    return {};
}

HostResult<std::vector<LogLine>> LogReader::read(std::size_t lines_max)
{
    std::vector<LogLine> lines;
    std::size_t used = 0;
    while (lines.size() < lines_max) {
        const auto newline = buffer_.find('\n', used);
        if (newline != std::string::npos) {
            LogLine line;
            if (parse_log_line(std::string_view(buffer_).substr(used, newline - used), line) && line.ns >= since_)
                lines.push_back(std::move(line));
            used = newline + 1;
            continue;
        }
        buffer_.erase(0, used);
        position_.offset += used;
        used = 0;
        ASSIGN_OR_RETURN(const std::size_t more, fill());
        if (more > 0) continue;
        ASSIGN_OR_RETURN(const bool next, advance());
        if (!next) break;
    }
    buffer_.erase(0, used);
    position_.offset += used;
    return lines;
}

HostResult<std::size_t> LogReader::fill()
{
    if (position_.file == 0) return std::size_t{0};
    if (open_ != position_.file) {
        auto file = env::open_file(directory_ + "/" + log_file_name(position_.file), O_RDONLY);
        if (!file && file.error().code == ENOENT) return std::size_t{0};
        if (!file) return std::move(file).error();
        file_ = *std::move(file);
        open_ = position_.file;
    }
    const std::size_t had = buffer_.size();
    buffer_.resize(had + chunk);
    const ssize_t got = ::pread(file_.get(), buffer_.data() + had, chunk, static_cast<off_t>(position_.offset + had));
    const int code = errno;
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return host_error("read a log in " + directory_, code);
    return static_cast<std::size_t>(got);
}

// To the next file, once nothing can be added to this one: the writer begins another only when it has finished with it.
HostResult<bool> LogReader::advance()
{
    ASSIGN_OR_RETURN(const auto numbers, files());
    const auto next = std::upper_bound(numbers.begin(), numbers.end(), position_.file);
    if (next == numbers.end()) return false;
    ASSIGN_OR_RETURN(const std::size_t late, fill());
    if (late > 0) return true;
    seek({*next, 0});
    return true;
}

HostResult<std::vector<std::uint32_t>> LogReader::files() const
{
    ASSIGN_OR_RETURN(const auto names, env::list_directory(directory_));
    std::vector<std::uint32_t> numbers;
    for (const auto& name : names)
        if (const std::uint32_t number = log_file_number(name); number > 0) numbers.push_back(number);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

HostResult<int> LogReader::watch()
{
    if (!inotify_) {
        env::UniqueFd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!fd || ::inotify_add_watch(fd.get(), directory_.c_str(), IN_MODIFY | IN_CREATE | IN_ONLYDIR) < 0)
            return host_error("watch " + directory_, errno);
        inotify_ = std::move(fd);
    }
    return inotify_.get();
}

void LogReader::acknowledge()
{
    char buffer[4096];
    while (::read(inotify_.get(), buffer, sizeof buffer) > 0) {}
}

}  // namespace boxship::runtime
