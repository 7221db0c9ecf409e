#include "runtime/monitor/monitor.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/monitor/init.h"
#include "runtime/monitor/launch.h"
#include "runtime/monitor/session.h"

namespace boxship::runtime {
namespace {

// enter [--join FILE]… [--hide-unified] -- program arguments…; the arguments end with a null pointer, as main's do.
int enter(std::span<char* const> args)
{
    std::vector<std::string> join;
    bool hide = false;
    std::size_t i = 0;
    for (; i < args.size() && std::string_view(args[i]) != "--"; ++i) {
        const std::string_view word = args[i];
        if (word == "--hide-unified") hide = true;
        else if (word == "--join" && i + 1 < args.size()) join.emplace_back(args[++i]);
        else return 125;
    }
    if (i + 1 >= args.size()) return 125;
    HostResult<> done = join_cgroups(join);
    if (done && hide) done = hide_unified_cgroups();
    if (!done) {
        std::fprintf(stderr, "boxship-monitor: %s\n", done.error().message.c_str());
        return 125;
    }
    ::execvp(args[i + 1], args.data() + i + 1);
    std::fprintf(stderr, "boxship-monitor: execute %s: %s\n", args[i + 1], std::strerror(errno));
    return 125;
}

int usage()
{
    std::fputs("usage: boxship-monitor run --id … | enter [--join FILE]… -- program … | init -- program …\n", stderr);
    return 125;
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
