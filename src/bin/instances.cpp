// boxship instances: the hosts of the platform, and more or fewer simulated ones while it runs.
#include <sys/file.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/show.h"
#include "bin/simulated_hosts.h"
#include "env/real/files.h"

namespace boxship::bin {
namespace {

using shape::Json;

constexpr auto changed_within = std::chrono::seconds(60);

// What a change of the hosts needs: one at a time, and a supervisor that carries it out.
struct Platform {
    DataDirectory data;
    ProcessId supervisor;
    env::UniqueFd lock;
    Json up;

    static HostResult<Platform> open(const Options& options)
    {
        if (::geteuid() != 0) return HostError{"hosts are made of namespaces and cgroups, which needs root; run this with sudo"};
        Platform platform{.data = DataDirectory(options.data_directory())};
        RETURN_IF_ERROR(platform.data.identity());
        const auto supervisor = Supervisor::running(platform.data.file("run"));
        if (!supervisor) return HostError{"the platform does not run; start it with: boxship up --detach"};
        platform.supervisor = *supervisor;
        ASSIGN_OR_RETURN(platform.lock, env::open_file(platform.data.file("run/instances.lock"), O_RDWR | O_CREAT, 0600));
        while (::flock(platform.lock.get(), LOCK_EX) != 0)
            if (errno != EINTR) return host_error("lock " + platform.data.file("run/instances.lock"), errno);
        platform.up = platform.data.last_up();
        return platform;
    }
    HostResult<> change(const std::vector<SimulatedHost>& hosts)
    {
        up.set("hosts", hosts_json(hosts));
        RETURN_IF_ERROR(data.remember_up(up));
        if (::kill(supervisor.pid, SIGHUP) != 0) return host_error("tell the supervisor", errno);
        return {};
    }
};

Json host_named(const Json& status, const std::string& name)
{
    for (const Json& host : status["hosts"].as_array())
        if (host.get_string("name") == name || host.get_string("id") == name) return host;
    return Json();
}

int add(const Options& options)
{
    const auto& words = options.words();
    if (words.size() > 2) return fail("one type at a time: boxship instances add t3.medium -n 2");
    const auto count = options.number("-n", 1, 1, simulated_hosts_max);
    if (!count.ok()) return fail(count.error());
    auto platform = Platform::open(options);
    if (!platform.ok()) return fail(platform.error());
    const auto connection = platform->data.connection();
    if (!connection.ok()) return fail(connection.error());
    auto hosts = hosts_from(platform->up);
    const auto more = more_hosts(platform->data, hosts, words.size() == 2 ? words[1] : "t3.medium", static_cast<int>(*count));
    if (!more.ok()) return fail(more.error());
    hosts.insert(hosts.end(), more->begin(), more->end());
    if (const auto changed = platform->change(hosts); !changed.ok()) return fail(changed.error());

    ApiClient api(*connection);
    const auto deadline = std::chrono::steady_clock::now() + changed_within;
    for (const auto& host : *more) {
        for (;;) {
            const auto status = api.own("Status", Json::object());
            if (status.ok() && host_named(*status, host.name).get_bool("connected")) break;
            if (std::chrono::steady_clock::now() > deadline)
                return fail(fmt::format("{} did not join within a minute; {} says why", host.name, platform->data.file("log/agent-" + host.name + ".log")));
            std::this_thread::sleep_for(Milliseconds(20));
        }
        if (!options.json()) fmt::print("{}  {}  {}\n", host.name, host.type, host.zone);
    }
    if (options.json()) fmt::print("{}\n", hosts_json(*more).dump_pretty());
    return 0;
}

int remove(const Options& options)
{
    if (options.words().size() != 2) return fail("name one host: boxship instances remove instance-2 ('boxship instances' lists them)");
    auto platform = Platform::open(options);
    if (!platform.ok()) return fail(platform.error());
    const auto connection = platform->data.connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    const auto status = api.own("Status", Json::object());
    if (!status.ok()) return fail(status.error());

    auto hosts = hosts_from(platform->up);
    std::string name = options.words()[1];
    if (const Json host = host_named(*status, name); host.is_object()) name = host.get_string("name");
    const auto ours = std::ranges::find(hosts, name, &SimulatedHost::name);
    if (ours == hosts.end() && host_named(*status, name).get_bool("connected"))
        return fail(name + " is no simulated host of this machine, and its agent is connected; end the agent there first");
    if (ours != hosts.end()) {
        hosts.erase(ours);
        if (const auto changed = platform->change(hosts); !changed.ok()) return fail(changed.error());
        const auto deadline = std::chrono::steady_clock::now() + changed_within;
        while (read_pid_file(platform->data.file("run/agent-" + name + ".pid"))) {
            if (std::chrono::steady_clock::now() > deadline) return fail("the agent of " + name + " did not end within a minute");
            std::this_thread::sleep_for(Milliseconds(20));
        }
    }
    if (const auto given_up = give_up_host(name, platform->data, api); !given_up.ok()) return fail(given_up.error());
    if (options.json()) fmt::print("{}\n", Json::object({{"removed", name}}).dump_pretty());
    else fmt::print("{} is gone; its tasks are lost\n", name);
    return 0;
}

int list(const Options& options)
{
    const DataDirectory data(options.data_directory());
    const auto connection = data.connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    const auto status = api.own("Status", Json::object());
    if (!status.ok()) return fail(status.error());
    if (options.json()) {
        fmt::print("{}\n", (*status)["hosts"].dump_pretty());
        return 0;
    }
    const auto simulated = hosts_from(data.last_up());
    Table table({"HOST", "TYPE", "STATUS", "ZONE", "TASKS", "CLUSTER", "ID"});
    for (const Json& host : (*status)["hosts"].as_array()) {
        const auto ours = std::ranges::find(simulated, host.get_string("name"), &SimulatedHost::name);
        table.add({host.get_string("name"), ours == simulated.end() ? "-" : ours->type,
                   host.get_bool("connected") ? host.get_string("status") : "NOT CONNECTED", host.get_string("zone"),
                   std::to_string(host.get_int64("running") + host.get_int64("pending")),
                   host.get_bool("fargate") ? "(Fargate)" : host.get_string("cluster"), host.get_string("id").substr(0, 12)});
    }
    if (table.empty()) fmt::print("No host has joined. Add one: boxship instances add t3.medium\n");
    else table.print();
    return 0;
}

int run_instances(const Options& options)
{
    const std::string verb = options.words().empty() ? "" : options.words().front();
    if (verb.empty()) return list(options);
    if (verb == "add") return add(options);
    if (verb == "remove") return remove(options);
    fmt::print(stderr, "boxship instances: there is no '{}'; it is 'add' or 'remove', or nothing to list the hosts\n", verb);
    return 2;
}

}  // namespace

Command instances_command()
{
    return {"instances",
            {"boxship instances [add [TYPE] [-n N] | remove HOST]",
             "List hosts; add and remove simulated EC2 ones while it runs",
             {{"-n", "N", "how many to add (default 1)"}},
             {"sudo boxship instances add c5.xlarge -n 2", "sudo boxship instances remove instance-2"}},
            run_instances};
}

}  // namespace boxship::bin
