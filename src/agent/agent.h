// The agent of one host: `boxship agent`. run() builds the object graph, serves until told to stop, and takes it down;
// containers go on without it.
#pragma once

#include <csignal>
#include <map>
#include <set>
#include <string>

#include "base/result.h"
#include "base/time.h"

namespace boxship::agent {

struct AgentOptions {
    std::string data;                   // the platform's data directory; the agent's own is <data>/agents/<name>
    std::string name;                   // among the agents of this machine: "fargate", "instance-1"
    std::string server;                 // "http://127.0.0.1:4566"
    std::string ca_file;                // trusted for the server instead of the system's store
    std::string credentials_file;       // 0600: {"accessKeyId", "secretAccessKey"}; default <data>/hosts/<name>.json
    std::string cluster = "default";
    std::string region = "us-east-1";
    std::string account = "000000000000";
    std::string platform_id;            // "bx3f"
    std::string run_directory;          // default /run/boxship/<platform_id>
    std::string monitor_program;        // boxship-monitor
    std::string registry_host;          // "localhost:4566"
    std::string blobs_directory;        // the registry's files when it is on this machine, else ""
    std::string vpc_cidr;               // "172.31.0.0/16"
    bool fargate = false;               // runs tasks of the reserved cluster; no instance, no `bridge` or `host` mode
    std::string instance_address;       // the host's address in the VPC; default one of the range's last 256, by `name`
    bool forward_loopback = false;      // the machine's 127.0.0.1:PORT leads to the instance's host ports; "instance-1": always
    std::string instance_type;
    std::string zone;
    int cpu_units = 0;                  // what to register; 0: what the machine has
    int memory_mib = 0;
    std::set<std::uint16_t> reserved_ports = {22, 2375, 2376, 51678, 51679};
    std::map<std::string, std::string> attributes;      // custom ones
    Milliseconds cleanup_wait{3 * 3'600'000};           // records and output of stopped tasks are kept so long
    Milliseconds image_cleanup_age{3'600'000};          // images unused for so long are removed; 0: never
};

// Blocks until SIGTERM or SIGINT (which it blocks in all threads). Returns the process's exit code: 0, or 1 with the
// reason logged.
int run(AgentOptions options);

// Undoes what the host of this name made on this machine, its running containers included, and deletes its record: it will
// not come back. No agent of this name may run. May be repeated.
HostResult<> leave(AgentOptions options);

// An address for the instance called `name` when nobody chose one: "instance-3" → the range's last but 252.
std::string default_instance_address(const std::string& vpc_cidr, const std::string& name);

}  // namespace boxship::agent
