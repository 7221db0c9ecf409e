// boxship agent: one host's half.
#include <fmt/format.h>

#include "agent/agent.h"
#include "bin/commands.h"
#include "bin/data_directory.h"
#include "bin/programs.h"
#include "bin/instance_types.h"
#include "env/real/process.h"
#include "bin/supervisor.h"

namespace boxship::bin {
namespace {

HostResult<agent::AgentOptions> read_options(const Options& options)
{
    const DataDirectory data(options.data_directory());
    ASSIGN_OR_RETURN(const PlatformIdentity identity, data.identity());
    agent::AgentOptions agent;
    agent.data = data.path();
    agent.fargate = options.has("--fargate");
    agent.name = options.get("--name", agent.fargate ? "fargate" : "instance-1");
    agent.server = options.get("--server", "http://127.0.0.1:4566");
    agent.cluster = options.get("--cluster", "default");
    agent.region = identity.region;
    agent.account = identity.account;
    agent.platform_id = identity.short_id;
    agent.run_directory = identity.run_directory();
    agent.monitor_program = monitor_program();
    agent.registry_host = options.get("--registry-host", "localhost:4566");
    agent.blobs_directory = data.file("blobs");
    agent.vpc_cidr = identity.vpc_cidr;
    agent.zone = options.get("--zone", identity.region + "a");
    agent.instance_type = options.get("--instance-type");
    if (!agent.instance_type.empty()) {
        const auto type = find_instance_type(agent.instance_type);
        if (!type) return HostError{"unknown instance type " + agent.instance_type + "; known are " + instance_type_names()};
        agent.cpu_units = type->cpu;
        agent.memory_mib = type->memory;
    }
    return agent;
}

int run_agent(const Options& options)
{
    env::raise_open_files_limit();
    auto agent = read_options(options);
    if (!agent.ok()) return fail(agent.error());
    const auto name = claim_name(agent->data + "/run", "agent-" + agent->name);
    if (!name.ok()) return fail(name.error());
    return agent::run(std::move(*agent));
}

}  // namespace

Command agent_command()
{
    return {"agent",
            {"boxship agent --server URL [--name NAME] [--cluster NAME | --fargate] [--instance-type TYPE]",
             "Run one host's agent alone ('up' runs them all)",
             {{"--server", "URL", "the control plane (default http://127.0.0.1:4566)"},
              {"--name", "NAME", "this host among those of the machine; its key is DATA/hosts/NAME.json"},
              {"--cluster", "NAME", "the cluster to join (default default)"},
              {"--fargate", "", "take Fargate tasks instead"},
              {"--zone", "ZONE", "availability zone (default the region's a)"},
              {"--instance-type", "TYPE", "register the size of a common EC2 type, such as t3.medium"},
              {"--registry-host", "HOST", "the registry's name in image references"}},
             {"boxship agent --fargate", "boxship agent --name instance-1 --cluster default --instance-type t3.medium"}},
            run_agent};
}

}  // namespace boxship::bin
