// The simulated EC2 hosts of this machine: which there are, in up.json, so that the next `up` starts the same ones.
#pragma once

#include <string>
#include <vector>

#include "bin/api_client.h"
#include "bin/data_directory.h"
#include "bin/supervisor.h"

namespace boxship::bin {

struct SimulatedHost {
    std::string name;  // "instance-1": its agent, its key, its directory
    std::string type;  // "t3.medium"
    std::string zone;  // "us-east-1a"
    bool operator==(const SimulatedHost&) const = default;
};

constexpr int simulated_hosts_max = 64;

// "2:t3.medium" as hosts; an error names the flag.
HostResult<std::vector<SimulatedHost>> parse_instances(const std::string& text, const std::string& region);
// `count` more of a type, with the lowest numbers that no host has or had traces under, in zones by turns.
HostResult<std::vector<SimulatedHost>> more_hosts(const DataDirectory& data, const std::vector<SimulatedHost>& hosts, const std::string& type, int count);

shape::Json hosts_json(const std::vector<SimulatedHost>& hosts);
std::vector<SimulatedHost> hosts_from(const shape::Json& up);  // of up.json

// The agent's process. Makes the host's key when there is none.
HostResult<Child> agent_of(const SimulatedHost& host, DataDirectory& data, const std::string& server, const std::string& registry_host);
Child agent_child(const std::string& name, const DataDirectory& data, const std::string& server, const std::string& registry_host);

// A host that will not come back: its instance is deregistered and its tasks are lost, its containers and networks are taken
// off this machine, its record and its key are deleted. Its agent must have ended. Goes on where an earlier try was cut off.
HostResult<> give_up_host(const std::string& name, const DataDirectory& data, ApiClient& api);

}  // namespace boxship::bin
