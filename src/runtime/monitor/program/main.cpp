#include <span>

#include "runtime/monitor/monitor.h"

int main(int argc, char** argv)
{
    return boxship::runtime::monitor_main(std::span<char* const>(argv + 1, static_cast<std::size_t>(argc - 1)));
}
