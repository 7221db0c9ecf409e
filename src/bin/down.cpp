// boxship down: stop the tasks, then the platform.
#include <signal.h>
#include <unistd.h>

#include <thread>

#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "bin/programs.h"
#include "bin/shutdown.h"
#include "bin/supervisor.h"
#include "env/real/files.h"
#include "runtime/net/sweep.h"
#include "runtime/runtime.h"

namespace boxship::bin {
namespace {

HostResult<> stop_platform(const DataDirectory& data, Balancer balancer)
{
    if (const auto up = Supervisor::running(data.file("run"))) {
        ::kill(up->pid, SIGTERM);
        for (int i = 0; i < 600 && Supervisor::running(data.file("run")); ++i) std::this_thread::sleep_for(Milliseconds(50));
        if (Supervisor::running(data.file("run")))
            return HostError{fmt::format("the supervisor (process {}) did not end within 30 s", up->pid)};
    }
    stop_orphans(data, Milliseconds(10000), balancer);
    return {};
}

// Everything that carries the platform's name on this host.
HostResult<> purge(const DataDirectory& data, const PlatformIdentity& identity)
{
    ASSIGN_OR_RETURN(const auto agents, env::list_directory(data.file("agents")));
    const auto host = probe_this_host();
    for (const auto& agent : agents) {
        if (!env::file_exists(data.file("agents/" + agent + "/runtime"))) continue;
        runtime::RuntimeOptions options{.platform_id = identity.short_id + "-" + agent,
                                        .state_dir = data.file("agents/" + agent + "/runtime"),
                                        .run_dir = identity.run_directory() + "/rt/" + agent,
                                        .monitor_program = monitor_program(),
                                        .host = host};
        ASSIGN_OR_RETURN(const auto opened, runtime::Runtime::open(std::move(options), [](const runtime::ContainerEvent&) {}));
        RETURN_IF_ERROR(opened->purge());
    }
    RETURN_IF_ERROR(runtime::net::purge({.id = identity.short_id, .run_dir = identity.run_directory(), .agent = "down"}));
    RETURN_IF_ERROR(env::remove_tree(identity.run_directory()));
    return env::remove_tree(data.path());
}

int run_down(const Options& options)
{
    if (::geteuid() != 0) return fail("stopping the platform needs root; run this with sudo");
    const DataDirectory data(options.data_directory());
    const auto identity = data.identity();
    if (!identity.ok()) return fail(identity.error());
    const auto connection = data.connection();
    if (!connection.ok()) return fail(connection.error());
    if (options.has("--keep-tasks") && options.has("--purge"))
        return fail("--keep-tasks and --purge exclude each other: tasks cannot outlive their data");

    const bool runs = Supervisor::running(data.file("run")) || read_pid_file(data.file("run/server.pid"));
    if (runs && !options.has("--keep-tasks")) {
        ApiClient api(*connection);
        if (const auto stopped = stop_tasks(api, Milliseconds(90000)); !stopped.ok()) {
            if (!options.has("--purge")) return fail(stopped.error());
            fmt::print(stderr, "boxship: {}; going on, since everything is removed\n", stopped.error().message);
        }
    }
    const Balancer balancer = options.has("--keep-tasks") ? Balancer::goes_on : Balancer::stops;
    if (const auto stopped = stop_platform(data, balancer); !stopped.ok()) return fail(stopped.error());
    if (options.has("--purge")) {
        if (const auto purged = purge(data, *identity); !purged.ok()) return fail(purged.error());
    }
    fmt::print("{}\n", !runs ? "boxship was not running" : options.has("--keep-tasks") ? "boxship is down; its tasks go on" : "boxship is down");
    return 0;
}

}  // namespace

Command down_command()
{
    return {"down",
            {"boxship down [--keep-tasks] [--purge]",
             "Stop the tasks, then the platform",
             {{"--keep-tasks", "", "leave containers and load balancers running; the next 'up' takes them back"},
              {"--purge", "", "also remove all data and every trace on this host"}},
             {"sudo boxship down", "sudo boxship down --purge"}},
            run_down};
}

}  // namespace boxship::bin
