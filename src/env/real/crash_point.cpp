#include "env/real/crash_point.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace boxship::env {
namespace {

const char* find_directory()
{
    const char* const text = std::getenv("BOXSHIP_TEST_FAULTS");
    return text && text[0] == '/' ? text : nullptr;
}

}  // namespace

const char* const crash_points_directory = find_directory();

void crash_if_told(const char* name)
{
    // Removing the file decides which of several processes and threads it is that dies.
    if (::unlink((std::string(crash_points_directory) + "/" + name).c_str()) != 0) return;
    ::kill(::getpid(), SIGKILL);
    for (;;) ::pause();     // until the signal has reached this thread too
}

}  // namespace boxship::env
