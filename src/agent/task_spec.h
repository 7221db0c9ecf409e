// A task as the control plane asked for it: one element of a PayloadMessage's `tasks`, read once and never changed.
// Members that the agent cannot honour make the task unreadable, with a sentence that says which.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "shape/json_value.h"

namespace boxship::agent {

enum class NetworkMode : std::uint8_t { bridge, host, none, awsvpc };
enum class Desired : std::uint8_t { running, stopped };
enum class Condition : std::uint8_t { create, start, complete, success, healthy };

std::string_view to_text(NetworkMode mode);

struct PortMapping {
    std::uint16_t container_port = 0;
    std::uint16_t host_port = 0;          // 0: any free one
    std::string protocol = "tcp";         // or "udp"
};

struct Dependency {
    std::string container;
    Condition condition = Condition::start;
};

struct MountPoint {
    std::string volume;
    std::string path;
    bool read_only = false;
};

struct VolumesFrom {
    std::string container;
    bool read_only = false;
};

struct RestartPolicy {
    bool enabled = false;
    std::vector<int> ignored_exit_codes;
    int attempt_period_seconds = 300;
};

struct ContainerSpec {
    std::string name;
    std::string arn;
    std::string image;
    bool essential = true;
    int cpu = 0;                                          // shares: CPU units
    int memory = 0;                                       // MiB, hard limit; 0: none
    std::optional<std::vector<std::string>> entry_point;  // nothing: the image's
    std::optional<std::vector<std::string>> command;
    std::map<std::string, std::string> environment;
    std::vector<PortMapping> ports;                       // ranges are spread out
    std::vector<MountPoint> mounts;
    std::vector<VolumesFrom> volumes_from;
    std::vector<Dependency> depends_on;                   // links and volumesFrom are in it as well
    std::vector<std::string> links;
    int start_timeout_seconds = 0;                        // 0: no bound
    int stop_timeout_seconds = 0;                         // 0: the agent's default
    bool has_health_check = false;
    RestartPolicy restart;
    std::string registry_auth_type;                       // "", "ecr", "asm"
    std::string ecr_endpoint;                             // of type ecr: where GetAuthorizationToken is asked
    std::string ecr_registry_id;
    bool ecr_use_execution_role = false;
    shape::Json docker_config;                            // dockerConfig.config, null when absent
    shape::Json host_config;                              // dockerConfig.hostConfig
};

struct VolumeSpec {
    std::string name;
    std::string source_path;   // of a host volume; "": made for the task and gone with it
    bool shared = false;       // Docker volume of scope "shared": outlives its tasks
};

struct EniSpec {
    std::string attachment_arn;
    std::string id;                        // "eni-…"
    std::string mac;
    std::string ipv4;
    std::string gateway;                   // "172.31.0.1/20": the subnet's gateway with the subnet's prefix
    std::vector<std::string> name_servers;
    std::vector<std::string> search_domains;
    std::string private_dns_name;
    // Ours.
    std::string vpc_id;                    // "": the host's own VPC's
    std::string vpc_cidr;
    std::string router = "default";        // which router the interface hangs on: "default", or the VPC's id
    std::vector<std::string> groups;       // security groups, as of the launch
};

// The keys themselves never get into a spec: they stay in memory (credentials.h) and out of the record.
struct RoleSpec {
    std::string credentials_id;            // "": no role
    std::string role_arn;
};

struct TaskSpec {
    std::string arn;
    std::string id;                        // the ARN's last segment
    std::string cluster;                   // name or ARN, as sent
    std::string family;
    std::string version;
    std::string launch_type;
    std::string service;
    std::string group;
    std::string zone;                      // "": the host's
    NetworkMode network_mode = NetworkMode::bridge;
    double cpu = 0;                        // vCPUs; 0: none
    int memory = 0;                        // MiB; 0: none
    std::string pid_mode;                  // "", "host", "task"
    std::string ipc_mode;                  // "", "host", "task", "none"
    std::vector<VolumeSpec> volumes;
    std::vector<ContainerSpec> containers;
    std::optional<EniSpec> eni;
    RoleSpec role;
    RoleSpec execution_role;
    Desired desired = Desired::running;

    const ContainerSpec* find(std::string_view container) const;
    // What admission counts: the task's own size, else the sum of its containers'.
    int cpu_units() const;
    int memory_mib() const;
};

// The error is what follows "UnrecogniedTaskError: Error loading task - ".
Outcome<TaskSpec, std::string> read_task(const shape::Json& task);

// The payload without what must not be written to disk: the keys of both roles.
shape::Json without_secrets(shape::Json task);

std::string task_id_of(std::string_view arn);

}  // namespace boxship::agent
