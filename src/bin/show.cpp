#include "bin/show.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

namespace boxship::bin {
namespace {

std::size_t terminal_width()
{
    winsize size{};
    if (::isatty(STDOUT_FILENO) && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) return size.ws_col;
    return ::isatty(STDOUT_FILENO) ? 80 : 200;  // a pipe has no edge worth cutting ids for
}

}  // namespace

std::string show_age(Milliseconds age)
{
    const long s = std::max<long>(0, static_cast<long>(age.count() / 1000));
    if (s < 60) return fmt::format("{}s", s);
    if (s < 3600) return fmt::format("{}m {}s", s / 60, s % 60);
    if (s < 86400) return fmt::format("{}h {}m", s / 3600, s / 60 % 60);
    return fmt::format("{}d {}h", s / 86400, s / 3600 % 24);
}

std::string show_time(Time time, Time now)
{
    std::string text = to_iso8601(time);  // 2026-11-20T13:35:04.123Z
    return fmt::format("{} ago ({} {} UTC)", show_age(now - time), text.substr(0, 10), text.substr(11, 8));
}

std::string show_mib(long mib)
{
    if (mib < 1024) return fmt::format("{} MiB", mib);
    return mib % 1024 == 0 ? fmt::format("{} GiB", mib / 1024) : fmt::format("{:.1f} GiB", static_cast<double>(mib) / 1024);
}

std::string show_cpu(long units) { return fmt::format("{:g}", static_cast<double>(units) / 1024); }

void Table::print() const
{
    std::vector<std::size_t> widths(heads_.size());
    for (std::size_t i = 0; i < heads_.size(); ++i) {
        widths[i] = heads_[i].size();
        for (const auto& row : rows_) widths[i] = std::max(widths[i], row[i].size());
    }
    const auto print_row = [&](const std::vector<std::string>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
        line.resize(std::min(line.find_last_not_of(' ') + 1, terminal_width()));
        fmt::print("{}\n", line);
    };
    print_row(heads_);
    for (const auto& row : rows_) print_row(row);
}

}  // namespace boxship::bin
