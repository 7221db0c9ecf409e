#include "disk.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace boxship::bench {

DiskOutcome append_and_sync(const char* path, double seconds, int bytes)
{
    using Clock = std::chrono::steady_clock;
    const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::string block(static_cast<std::size_t>(bytes), 'x');
    std::vector<double> ms;
    const auto begun = Clock::now();
    auto before = begun;
    while (std::chrono::duration<double>(before - begun).count() < seconds) {
        if (fd < 0 || ::write(fd, block.data(), block.size()) != bytes || ::fdatasync(fd) != 0) {
            std::perror(path);
            std::exit(1);
        }
        const auto after = Clock::now();
        ms.push_back(std::chrono::duration<double, std::milli>(after - before).count());
        before = after;
    }
    ::close(fd);
    ::unlink(path);
    const double all = std::chrono::duration<double>(before - begun).count();
    std::sort(ms.begin(), ms.end());
    return {static_cast<double>(ms.size()) / all, ms[ms.size() / 2], ms[ms.size() * 99 / 100]};
}

}  // namespace boxship::bench
