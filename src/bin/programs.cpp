#include "bin/programs.h"

#include <unistd.h>

#include "base/log.h"
#include "env/real/files.h"

namespace boxship::bin {

std::string own_program()
{
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    return std::string(path, length > 0 ? static_cast<std::size_t>(length) : 0);
}

std::string monitor_program()
{
    const std::string own = own_program();
    return own.substr(0, own.rfind('/')) + "/boxship-monitor";
}

runtime::HostProfile probe_this_host()
{
    const std::string scratch = "/run/boxship-probe-" + std::to_string(::getpid());
    auto profile = runtime::probe_host({.monitor_program = monitor_program(), .scratch_directory = scratch});
    if (const auto removed = env::remove_tree(scratch); !removed.ok()) log_warning("{}", removed.error().message);
    return profile;
}

}  // namespace boxship::bin
