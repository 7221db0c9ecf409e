#include "runtime/monitor/oom.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstdlib>

#include "env/real/files.h"

namespace boxship::runtime {

OomWatch::OomWatch(std::string memory_cgroup) : directory_(std::move(memory_cgroup))
{
    start_ = seen_ = count();
}

int OomWatch::open()
{
    if (directory_.empty()) return -1;
    if (env::file_exists(directory_ + "/memory.events")) {
        event_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (event_ && ::inotify_add_watch(event_.get(), (directory_ + "/memory.events").c_str(), IN_MODIFY) < 0) event_.reset();
        return event_.get();
    }
    control_.reset(::open((directory_ + "/memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC));
    event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const std::string request = std::to_string(event_.get()) + " " + std::to_string(control_.get());
    const env::UniqueFd registry(::open((directory_ + "/cgroup.event_control").c_str(), O_WRONLY | O_CLOEXEC));
    if (!control_ || !event_ || !registry || !env::write_all(registry.get(), request, directory_)) event_.reset();
    return event_.get();
}

void OomWatch::drain()
{
    char buffer[4096];
    while (::read(event_.get(), buffer, sizeof buffer) > 0 && errno != EAGAIN) {}
}

bool OomWatch::grown()
{
    const std::uint64_t now = count();
    if (now <= seen_) return false;
    seen_ = now;
    return true;
}

std::uint64_t OomWatch::count() const
{
    if (directory_.empty()) return 0;
    auto text = env::read_file(directory_ + "/memory.events");
    if (!text) text = env::read_file(directory_ + "/memory.oom_control");
    if (!text) return 0;
    const auto at = text->find("oom_kill ");
    return at == std::string::npos ? 0 : std::strtoull(text->c_str() + at + 9, nullptr, 10);
}

}  // namespace boxship::runtime
