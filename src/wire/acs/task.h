// A task as the control plane describes it to an agent inside a PayloadMessage. Member names on the wire are the AWS
// agent protocol's; members marked "?" are left out when empty.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shape/json_value.h"

namespace boxship::acs {

using shape::Json;
using TextMap = std::map<std::string, std::string>;

struct Credentials {
    std::string credentials_id;     // constant for the life of a task and role
    std::string role_arn;
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token;
    std::string expiration;         // ISO 8601; echoed, never parsed
};

struct PortMapping {
    std::int64_t container_port = 0;
    std::int64_t host_port = 0;        // 0: any free one
    std::string protocol;              // "tcp", "udp"
    std::string container_port_range;  // ? "8000-8010", then without the two numbers
};

struct MountPoint {
    std::string source_volume;
    std::string container_path;
    bool read_only = false;
};

struct VolumeFrom {
    std::string source_container;
    bool read_only = false;
};

struct Dependency {
    std::string container_name;
    std::string condition;  // CREATE START COMPLETE SUCCESS HEALTHY
};

struct Secret {
    std::string name;
    std::string value_from;
    std::string region;          // ?
    std::string provider;        // "ssm", "asm"
    std::string type;            // ? "ENVIRONMENT_VARIABLE"
    std::string target;          // ? "LOG_DRIVER"
    std::string container_path;  // ?
};

struct EnvironmentFile {
    std::string type;   // "s3"
    std::string value;  // ARN
};

struct ManagedAgent {
    std::string name;
    TextMap properties;  // ?
};

struct Firelens {
    std::string type;  // "fluentd", "fluentbit"
    TextMap options;   // ?
};

struct RestartPolicy {
    bool enabled = false;
    std::vector<std::int64_t> ignored_exit_codes;            // ?
    std::optional<std::int64_t> restart_attempt_period;      // ? seconds
};

struct EcrAuth {
    std::string region;
    std::string registry_id;
    std::string endpoint_override;  // ?
    bool use_execution_role = false;
};

struct AsmAuth {
    std::string region;
    std::string credentials_parameter;
};

struct RegistryAuthentication {
    std::string type;  // "ecr", "asm"
    std::optional<EcrAuth> ecr;
    std::optional<AsmAuth> asm_;
};

// `config` and `host_config` are JSON texts of the Docker API: on the wire, too, they are strings.
struct DockerConfig {
    std::string version;      // ?
    std::string config;       // ?
    std::string host_config;  // ?
};

struct Container {
    std::string name;
    std::string image;
    bool essential = false;
    std::int64_t cpu = 0;                    // shares
    std::int64_t memory = 0;                 // MiB, hard limit
    std::string container_arn;               // ?
    std::vector<std::string> entry_point;    // ?
    std::vector<std::string> command;        // ?
    TextMap environment;
    std::vector<PortMapping> port_mappings;
    std::vector<MountPoint> mount_points;
    std::vector<VolumeFrom> volumes_from;
    std::vector<std::string> links;          // ?
    std::string overrides;                   // ? JSON text; only "command" is understood
    std::vector<Dependency> depends_on;      // ?
    std::optional<std::int64_t> start_timeout;  // seconds
    std::optional<std::int64_t> stop_timeout;   // seconds
    std::string health_check_type;           // ? "docker"
    std::vector<Secret> secrets;             // ?
    std::vector<EnvironmentFile> environment_files;              // ?
    std::optional<RegistryAuthentication> registry_authentication;
    std::string logs_auth_strategy;          // ? "ExecutionRole"
    std::vector<ManagedAgent> managed_agents;  // ?
    std::optional<Firelens> firelens;
    std::optional<RestartPolicy> restart_policy;
    std::vector<std::string> credential_specs;  // ?
    std::optional<DockerConfig> docker_config;
};

struct DockerVolume {
    std::string scope;           // "task", "shared"
    bool autoprovision = false;
    std::string driver;          // ?
    TextMap driver_options;      // ?
    TextMap labels;              // ?
};

struct Volume {
    std::string name;
    std::string type;                            // "host" when absent
    std::optional<std::string> host_source_path; // with type host: "" is a volume of the task's own
    std::optional<DockerVolume> docker;
    Json efs;                                    // ? as in the task definition
};

struct Ipv4Address {
    bool primary = false;
    std::string address;
};

struct NetworkInterface {
    std::string attachment_arn;
    std::string ec2_id;                          // eni-…
    std::string mac_address;
    std::int64_t index = 0;
    std::string interface_association_protocol;  // ? "default"
    std::vector<Ipv4Address> ipv4_addresses;
    std::vector<Ipv4Address> ipv6_addresses;     // ?
    std::string subnet_gateway_ipv4;             // "10.0.0.1/24"
    std::string subnet_gateway_ipv6;             // ?
    std::vector<std::string> domain_name_servers;  // ?
    std::vector<std::string> domain_names;         // ?
    std::string private_dns_name;                // ?
    std::string name;                            // ?
    // Ours: where our agents hang the interface, and its first security groups.
    std::string vpc_id;                          // ?
    std::string vpc_cidr;                        // ?
    std::string router;                          // ?
    std::vector<std::string> security_groups;    // ?
};

struct Property {
    std::string name;
    std::string value;
};

struct Attachment {
    std::string attachment_arn;
    std::string attachment_type;
    std::vector<Property> properties;
};

struct Association {
    std::string type;  // "gpu"
    std::string name;
    std::vector<std::string> containers;
    Json content;      // ?
};

struct Task {
    std::string arn;
    std::string cluster_arn;             // ?
    std::string family;
    std::string version;
    std::string desired_status;          // "RUNNING", "STOPPED"; anything else cannot be run
    std::string launch_type;             // ?
    std::string network_mode;            // ? "bridge" when absent
    std::string pid_mode;                // ?
    std::string ipc_mode;                // ?
    std::optional<double> cpu;           // vCPUs
    std::optional<std::int64_t> memory;  // MiB
    std::string overrides;               // ?
    std::string service_name;            // ?
    std::string group;                   // ?
    std::string task_definition_account_id;  // ?
    std::string zone;                        // ? ours: the task's availability zone
    std::optional<Credentials> role_credentials;
    std::optional<Credentials> execution_role_credentials;
    std::vector<NetworkInterface> network_interfaces;  // ?
    Json proxy_configuration;            // ?
    std::vector<Volume> volumes;         // ?
    std::vector<Association> associations;  // ?
    std::vector<Attachment> attachments;    // ?
    std::optional<bool> enable_fault_injection;
    std::vector<Container> containers;
};

Json to_json(const Task& task);
Task task_from_json(const Json& json);

}  // namespace boxship::acs
