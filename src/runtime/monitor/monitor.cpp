#include "runtime/monitor/monitor.h"

#include <cstdio>
#include <string_view>

#include "runtime/monitor/enter.h"
#include "runtime/monitor/init.h"
#include "runtime/monitor/session.h"

namespace boxship::runtime {
namespace {

int usage()
{
    std::fputs("usage: boxship-monitor run --id … | enter [--join FILE]… [--deadline MS] -- program … | init -- program …\n", stderr);
    return enter_failed;
}

}  // namespace

int monitor_main(std::span<char* const> args)
{
    if (args.empty()) return usage();
    const std::string_view verb = args[0];
    const auto rest = args.subspan(1);
    if (verb == "run") {
        MonitorOptions options;
        if (!parse_options(rest, options)) return usage();
        return Session(std::move(options)).run();
    }
    if (verb == "enter") return enter(rest);
    if (verb == "init" && rest.size() >= 2 && std::string_view(rest[0]) == "--") return run_as_init(rest.data() + 1);
    return usage();
}

}  // namespace boxship::runtime
