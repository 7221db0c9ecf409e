#include "bin/programs.h"

#include <unistd.h>

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

}  // namespace boxship::bin
