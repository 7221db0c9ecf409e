#include "bin/simulated_hosts.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "agent/agent.h"
#include "bin/instance_types.h"
#include "bin/programs.h"
#include "env/real/files.h"
#include "env/real/real_env.h"

namespace boxship::bin {
namespace {

using shape::Json;

constexpr auto ended_within = std::chrono::seconds(30);

std::string zone_of(const std::string& region, int number) { return region + static_cast<char>('a' + (number - 1) % 3); }

SimulatedHost host_number(int number, const std::string& type, const std::string& region)
{
    return {fmt::format("instance-{}", number), type, zone_of(region, number)};
}

}  // namespace

HostResult<std::vector<SimulatedHost>> parse_instances(const std::string& text, const std::string& region)
{
    const auto colon = text.find(':');
    const std::string count_text = text.substr(0, colon);
    const std::string type = colon == text.npos ? "t3.medium" : text.substr(colon + 1);
    const int count = std::atoi(count_text.c_str());
    if (count_text != std::to_string(count) || count < 0 || count > simulated_hosts_max)
        return HostError{fmt::format("--instances must be N or N:TYPE with N from 0 to {}, such as 2:t3.medium", simulated_hosts_max)};
    if (!find_instance_type(type)) return HostError{"--instances: unknown instance type " + type + "; known are " + instance_type_names()};
    std::vector<SimulatedHost> hosts;
    for (int number = 1; number <= count; ++number) hosts.push_back(host_number(number, type, region));
    return hosts;
}

HostResult<std::vector<SimulatedHost>> more_hosts(const DataDirectory& data, const std::vector<SimulatedHost>& hosts, const std::string& type, int count)
{
    if (!find_instance_type(type)) return HostError{"unknown instance type " + type + "; known are " + instance_type_names()};
    if (static_cast<int>(hosts.size()) + count > simulated_hosts_max)
        return HostError{fmt::format("there can be {} simulated hosts, and there are {}", simulated_hosts_max, hosts.size())};
    ASSIGN_OR_RETURN(const PlatformIdentity identity, data.identity());
    std::vector<SimulatedHost> more;
    for (int number = 1; static_cast<int>(more.size()) < count; ++number) {
        auto host = host_number(number, type, identity.region);
        if (std::ranges::find(hosts, host.name, &SimulatedHost::name) != hosts.end() || env::file_exists(data.file("agents/" + host.name))) continue;
        more.push_back(std::move(host));
    }
    return more;
}

Json hosts_json(const std::vector<SimulatedHost>& hosts)
{
    Json list = Json::array();
    for (const auto& host : hosts) list.push_back(Json::object({{"name", host.name}, {"type", host.type}, {"zone", host.zone}}));
    return list;
}

std::vector<SimulatedHost> hosts_from(const Json& up)
{
    std::vector<SimulatedHost> hosts;
    for (const Json& host : up["hosts"].as_array()) hosts.push_back({host.get_string("name"), host.get_string("type"), host.get_string("zone")});
    return hosts;
}

Child agent_child(const std::string& name, const DataDirectory& data, const std::string& server, const std::string& registry_host)
{
    return {"agent-" + name, {own_program(), "agent", "--data", data.path(), "--name", name, "--server", server, "--registry-host", registry_host}};
}

HostResult<Child> agent_of(const SimulatedHost& host, DataDirectory& data, const std::string& server, const std::string& registry_host)
{
    env::RealRandom random;
    RETURN_IF_ERROR(data.host_credentials(host.name, random));
    Child child = agent_child(host.name, data, server, registry_host);
    for (const auto& word : {std::string("--instance-type"), host.type, std::string("--zone"), host.zone}) child.argv.push_back(word);
    return child;
}

HostResult<> give_up_host(const std::string& name, const DataDirectory& data, ApiClient& api)
{
    // The server may need a moment to see that the agent's connection is gone; then it says "connected" no more.
    const auto deadline = std::chrono::steady_clock::now() + ended_within;
    for (;;) {
        const auto given_up = api.own("GiveUpHost", Json::object({{"host", name}}));
        if (!given_up.ok()) return given_up.error();
        if (!given_up->get_bool("connected")) break;
        if (std::chrono::steady_clock::now() > deadline)
            return HostError{"the agent of " + name + " is still connected; end it where it runs (boxship status shows its address), then try again"};
        std::this_thread::sleep_for(Milliseconds(50));
    }
    if (!env::file_exists(data.file("agents/" + name))) return env::remove_file(data.file("hosts/" + name + ".json"));  // it ran on another machine, or never
    ASSIGN_OR_RETURN(const PlatformIdentity identity, data.identity());
    agent::AgentOptions options;
    options.data = data.path();
    options.name = name;
    options.server = "http://127.0.0.1";  // nothing is asked of it
    options.platform_id = identity.short_id;
    options.run_directory = identity.run_directory();
    options.monitor_program = monitor_program();
    options.vpc_cidr = identity.vpc_cidr;
    options.fargate = !name.starts_with("instance-");
    RETURN_IF_ERROR(agent::leave(std::move(options)));
    return env::remove_file(data.file("hosts/" + name + ".json"));
}

}  // namespace boxship::bin
