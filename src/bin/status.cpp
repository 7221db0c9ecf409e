// boxship status: hosts, services, tasks and load balancers with their addresses, in one screen.
#include <fmt/format.h>

#include "bin/api_client.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "bin/show.h"
#include "env/real/real_env.h"

namespace boxship::bin {
namespace {

using shape::Json;

std::string use(const Json& json, std::string (*show)(long))
{
    return fmt::format("{} of {}", show(json.get_int64("used")), show(json.get_int64("total")));
}

// Where a task answers: its own address, or its host's ports.
std::string addresses(const Json& task)
{
    if (task.has("address")) return task.get_string("address");
    std::string text;
    for (const Json& port : task["ports"].as_array())
        text += fmt::format("{}{}:{}", text.empty() ? "" : " ", task.get_string("hostAddress", "127.0.0.1"), port.get_int64("hostPort"));
    return text.empty() ? "-" : text;
}

void print_status(const Json& status, Time now)
{
    fmt::print("{}  region {}  VPC {}  registry {}{}\n\n", status.get_string("endpoint"), status.get_string("region"),
               status.get_string("vpcCidr"), status.get_string("registryHost"),
               status.get_bool("suspended") ? "  (shutting down)" : "");
    Table hosts({"HOST", "STATUS", "ZONE", "CPU USED", "MEMORY USED", "TASKS", "CLUSTER", "ADDRESS"});
    for (const Json& host : status["hosts"].as_array())
        hosts.add({host.get_string("name"), host.get_bool("connected") ? host.get_string("status") : "NOT CONNECTED", host.get_string("zone"),
                   use(host["cpu"], show_cpu), use(host["memoryMiB"], show_mib),
                   std::to_string(host.get_int64("running") + host.get_int64("pending")),
                   host.get_bool("fargate") ? "(Fargate)" : host.get_string("cluster"), host.get_string("address", "-")});
    if (hosts.empty()) fmt::print("No host has joined; the agents' logs say why.\n");
    else hosts.print();
    fmt::print("\n");
    Table services({"SERVICE", "STATUS", "RUNNING", "DEFINITION", "CLUSTER", "DEPLOYMENT", "SINCE"});
    for (const Json& service : status["services"].as_array())
        services.add({service.get_string("name"), service.get_string("status"),
                      fmt::format("{} of {}", service.get_int64("running"), service.get_int64("desired")), service.get_string("definition"),
                      service.get_string("cluster"), service.get_string("rollout"), show_age(now - Time{service.get_int64("createdAt")})});
    if (!services.empty()) {
        services.print();
        fmt::print("\n");
    }
    Table tasks({"TASK", "STATUS", "DEFINITION", "CLUSTER", "HOST", "ADDRESS", "SINCE"});
    for (const Json& task : status["tasks"].as_array()) {
        std::string state = task.get_string("lastStatus");
        if (task.get_string("desiredStatus") == "STOPPED") state += " (stopping)";
        const Time since{task.get_int64("startedAt", task.get_int64("createdAt"))};
        tasks.add({task.get_string("id").substr(0, 12), state, task.get_string("definition"), task.get_string("cluster"),
                   task.get_string("host"), addresses(task), show_age(now - since)});
    }
    if (tasks.empty()) fmt::print("No task is running. Run one: aws ecs run-task …\n");
    else tasks.print();
    Table balancers({"LOAD BALANCER", "STATE", "ANSWERS AT"});
    for (const Json& balancer : status["loadBalancers"].as_array()) {
        std::string urls;
        for (const Json& url : balancer["urls"].as_array()) urls += (urls.empty() ? "" : " ") + url.as_string();
        balancers.add({balancer.get_string("name"), balancer.get_string("state"), urls.empty() ? "(no listener)" : urls});
    }
    if (balancers.empty()) return;
    fmt::print("\n");
    balancers.print();
    for (const Json& balancer : status["loadBalancers"].as_array())
        if (balancer.has("reason")) fmt::print("{}: {}\n", balancer.get_string("name"), balancer.get_string("reason"));
}

int run_status(const Options& options)
{
    const auto connection = DataDirectory(options.data_directory()).connection();
    if (!connection.ok()) return fail(connection.error());
    ApiClient api(*connection);
    const auto status = api.own("Status", Json::object());
    if (!status.ok()) return fail(status.error());
    env::RealClock clock;
    if (options.json()) fmt::print("{}\n", status->dump_pretty());
    else print_status(*status, clock.now());
    return 0;
}

}  // namespace

Command status_command()
{
    return {"status", {"boxship status [--json]", "Show hosts, services, tasks and load balancers with their addresses", {}, {"boxship status --json | jq .tasks"}}, run_status};
}

}  // namespace boxship::bin
