// The nouns of ECS. Rows are values; what changes is put back whole, in a transaction (state/txn.h).
//
// Table numbers and field numbers are what the journal holds: never reuse one, never change its type.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "model/common.h"

namespace boxship::model {

struct Cluster {
    static constexpr std::uint8_t table = 1;
    using Key = ClusterId;
    Key key() const { return id; }

    ClusterId id;
    Scope scope;
    std::string name;
    bool active = true;                 // false: INACTIVE, still describable
    bool internal = false;              // the Fargate hosts' own cluster: never listed, counted or named
    Time created_at;
    std::vector<KeyValue> tags;
    std::vector<KeyValue> settings;     // containerInsights
    std::string configuration;          // ClusterConfiguration as JSON, as it was sent; "" absent
    std::vector<std::string> capacity_providers;
    std::string default_strategy;       // list of CapacityProviderStrategyItem as JSON; "" absent
    std::string service_connect;        // ClusterServiceConnectDefaults as JSON; "" absent

    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, name); a(4, active); a(5, internal); a(6, created_at); a(7, tags); a(8, settings);
        a(9, configuration); a(10, capacity_providers); a(11, default_strategy); a(12, service_connect);
    }
};

enum class NetworkMode : std::uint8_t { bridge, host, awsvpc, none };
enum class LaunchType : std::uint8_t { ec2, fargate, external };
enum class Protocol : std::uint8_t { tcp, udp };

struct PortMapping {
    std::int32_t container_port = 0;
    std::int32_t host_port = 0;  // 0: dynamic
    Protocol protocol = Protocol::tcp;
    auto operator<=>(const PortMapping&) const = default;
    template <class A>
    void fields(A& a) { a(1, container_port); a(2, host_port); a(3, protocol); }
};

// What placement and the lifecycle need to know of a container definition, taken out of the document once.
struct ContainerFacts {
    std::string name;
    std::string image;
    bool essential = true;
    std::int32_t cpu = 0;                             // CPU units, 1024 a core
    std::optional<std::int32_t> memory;               // MiB, hard limit
    std::optional<std::int32_t> memory_reservation;   // MiB
    std::vector<PortMapping> ports;
    bool checked = false;                             // it has a health check
    bool versioned = true;                            // a service pins its image's digest
    template <class A>
    void fields(A& a)
    {
        a(1, name); a(2, image); a(3, essential); a(4, cpu); a(5, memory); a(6, memory_reservation); a(7, ports); a(8, checked);
        a(9, versioned);
    }
};

enum class DefinitionStatus : std::uint8_t { active, inactive, delete_in_progress };

struct TaskDefinition {
    static constexpr std::uint8_t table = 2;
    using Key = TaskDefinitionId;
    Key key() const { return id; }

    TaskDefinitionId id;
    Scope scope;
    std::string family;
    std::int32_t revision = 0;
    DefinitionStatus status = DefinitionStatus::active;
    Time registered_at;
    Time deregistered_at;
    Time delete_requested_at;
    std::string registered_by;                 // principal's ARN
    std::vector<KeyValue> tags;
    std::string document;                      // the ecs TaskDefinition as JSON: lists and maps exactly as they were sent
    // Facts of the document:
    NetworkMode network_mode = NetworkMode::bridge;
    std::int32_t cpu = 0;                      // task-level CPU units; 0 absent
    std::int32_t memory = 0;                   // task-level MiB; 0 absent
    std::vector<LaunchType> compatibilities;
    std::vector<LaunchType> requires_compatibilities;
    std::vector<std::string> requires_attributes;
    std::vector<ContainerFacts> containers;
    std::string task_role_arn;
    std::string execution_role_arn;
    std::int32_t ephemeral_storage_gib = 0;    // 0 absent
    std::vector<std::string> constraints;      // memberOf expressions, valid ones

    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, family); a(4, revision); a(5, status); a(6, registered_at); a(7, deregistered_at);
        a(8, delete_requested_at); a(9, registered_by); a(10, tags); a(11, document); a(12, network_mode); a(13, cpu);
        a(14, memory); a(15, compatibilities); a(16, requires_compatibilities); a(17, requires_attributes);
        a(18, containers); a(19, task_role_arn); a(20, execution_role_arn); a(21, ephemeral_storage_gib);
        a(22, constraints);
    }
};

// Revisions are never given twice, not even after every revision of the family was deleted.
struct Family {
    static constexpr std::uint8_t table = 3;
    using Key = ScopedName;
    Key key() const { return name; }

    ScopedName name;
    std::int32_t latest_revision = 0;
    template <class A>
    void fields(A& a) { a(1, name); a(2, latest_revision); }
};

enum class InstanceStatus : std::uint8_t { registering, active, draining, deregistering, inactive };

struct Instance {  // an ECS container instance
    static constexpr std::uint8_t table = 4;
    using Key = InstanceId;
    Key key() const { return id; }

    InstanceId id;
    ClusterId cluster;
    InstanceStatus status = InstanceStatus::active;
    std::string status_reason;
    bool agent_connected = false;
    bool fargate = false;
    std::string ec2_instance_id;            // "i-…" ("mi-…" when external)
    std::string agent_version;
    std::string agent_hash;
    std::string runtime_version;            // what the API calls dockerVersion
    std::int32_t cpu = 0;                   // registered CPU units
    std::int32_t memory = 0;                // registered MiB
    std::vector<std::int32_t> ports;        // reserved by the host, TCP
    std::vector<std::int32_t> ports_udp;
    std::vector<KeyValue> attributes;       // value "" when there is none
    std::vector<KeyValue> tags;
    Time registered_at;
    std::int64_t version = 0;
    std::int64_t sequence = 0;              // the last seqNum/timeline sent to the agent
    std::string zone;
    std::string host_principal;             // whose credentials may speak for it
    std::string registration_token;         // RegisterContainerInstance's clientToken, for retries
    std::string address;                    // the host's address in the VPC, "" when it is this machine itself
    Time deregistered_at;
    bool external = false;                  // from outside of the VPC: takes tasks of launch type EXTERNAL only
    Time disconnected_at;                   // since when its agent is away; none: it is connected, or never was

    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, cluster); a(3, status); a(4, status_reason); a(5, agent_connected); a(6, fargate);
        a(7, ec2_instance_id); a(8, agent_version); a(9, agent_hash); a(10, runtime_version); a(11, cpu); a(12, memory);
        a(13, ports); a(14, ports_udp); a(15, attributes); a(16, tags); a(17, registered_at); a(18, version);
        a(19, sequence); a(20, zone); a(21, host_principal); a(22, registration_token); a(23, address);
        a(24, deregistered_at); a(25, external); a(26, disconnected_at);
    }
};

// In the order of life; a task only ever moves to the right.
enum class TaskStatus : std::uint8_t {
    provisioning, pending, activating, running, deactivating, stopping, deprovisioning, stopped
};
const char* to_text(TaskStatus status);        // "PROVISIONING" …

enum class StopCode : std::uint8_t {
    none, task_failed_to_start, essential_container_exited, user_initiated, service_scheduler_initiated,
    spot_interruption, termination_notice
};
const char* to_text(StopCode code);            // "TaskFailedToStart" …; "" for none

struct NetworkBinding {
    Text bind_ip;
    PortMapping port;
    bool operator==(const NetworkBinding&) const = default;
    template <class A>
    void fields(A& a) { a(1, bind_ip); a(2, port); }
};

enum class ContainerStatus : std::uint8_t { pending, running, stopped };
const char* to_text(ContainerStatus status);
enum class Health : std::uint8_t { unknown, healthy, unhealthy };
const char* to_text(Health health);            // "UNKNOWN" …
using ContainerId = Id<struct ContainerTag>;

struct TaskContainer {
    ContainerId id;
    Text name;
    Text image;
    Text image_digest;
    Text runtime_id;
    ContainerStatus status = ContainerStatus::pending;
    std::optional<std::int32_t> exit_code;
    Text reason;
    std::vector<NetworkBinding> bindings;
    std::int32_t cpu = 0;
    std::optional<std::int32_t> memory;
    std::optional<std::int32_t> memory_reservation;
    bool essential = true;
    bool checked = false;                // it has a health check
    Health health = Health::unknown;
    std::string pinned_digest;           // of a service's deployment: this image and no other, whatever its tag says now
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, name); a(3, image); a(4, image_digest); a(5, runtime_id); a(6, status); a(7, exit_code); a(8, reason);
        a(9, bindings); a(10, cpu); a(11, memory); a(12, memory_reservation); a(13, essential); a(60, checked);
        a(61, health); a(62, pinned_digest);
    }
};

// A task's network interface as the API shows it, also when the interface itself is gone.
struct TaskAttachment {
    Id<struct AttachmentTag> id;
    EniId eni;
    SubnetId subnet;
    std::uint32_t address = 0;
    Text mac;
    template <class A>
    void fields(A& a) { a(1, id); a(2, eni); a(3, subnet); a(4, address); a(5, mac); }
};

constexpr std::chrono::minutes task_protection_max{2880};    // from scale-in, that can be asked for

struct Task {
    static constexpr std::uint8_t table = 5;
    using Key = TaskId;
    Key key() const { return id; }
    bool live() const { return status != TaskStatus::stopped; }
    Health health() const;                   // of its essential containers that have a check: all healthy, or one unhealthy
    bool runs_on() const { return wanted || draining; }   // its host has no reason yet to end it
    bool unhealthy() const { return unwell || health() == Health::unhealthy; }
    bool passes_checks() const;              // those of its essential containers that have one
    bool ready() const;                      // RUNNING, wanted, and healthy in every way that is asked of it

    TaskId id;
    ClusterId cluster;
    TaskDefinitionId definition;
    InstanceId instance;
    LaunchType launch_type = LaunchType::ec2;
    TaskStatus status = TaskStatus::provisioning;
    bool wanted = true;                      // false: desiredStatus STOPPED
    std::int64_t version = 1;
    std::int32_t cpu = 0;                    // reserved CPU units
    std::int32_t memory = 0;                 // reserved MiB
    Text group;                       // "family:web"
    Text started_by;
    Text overrides;                   // TaskOverride as JSON, as sent; "" absent
    std::vector<KeyValue> tags;
    std::vector<TaskContainer> containers;
    EniId eni;                               // none once it is released
    Text zone;
    Time created_at;
    Time pull_started_at;
    Time pull_stopped_at;
    Time started_at;
    Time stopping_at;
    Time execution_stopped_at;
    Time stopped_at;
    StopCode stop_code = StopCode::none;
    Text stopped_reason;
    bool acknowledged = false;               // the agent has stored the payload
    bool exec_enabled = false;               // enableExecuteCommand
    std::int32_t ephemeral_storage_gib = 0;  // Fargate; 0 absent
    Text platform_version;            // Fargate
    Text reference_id;
    std::vector<PortMapping> reserved_ports; // fixed host ports, held until STOPPED
    TaskAttachment attachment;
    bool attached = false;                   // the agent has put the interface in place
    Text capacity_provider;           // FARGATE, FARGATE_SPOT …; "" when a launch type was named
    Text task_role_arn;               // overrides included
    Text execution_role_arn;
    Text cpu_text;                    // task-level size as the API shows it, overrides included; "" absent
    Text memory_text;
    ServiceId service;                       // none: it was run by itself
    std::int64_t revision = 0;               // of the service
    bool settled = false;                    // its end is counted: the service has drawn its conclusions
    Time protected_until;                    // from scale-in
    bool balanced = false;                   // it belongs into target groups, and is ready only when healthy in all of them
    bool in_service = false;                 // healthy in all of its target groups
    bool unwell = false;                     // one of its target groups says that it is not
    bool draining = false;                   // asked to stop, but its load balancers still have requests under way to it

    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, cluster); a(3, definition); a(4, instance); a(5, launch_type); a(6, status); a(7, wanted);
        a(8, version); a(9, cpu); a(10, memory); a(11, group); a(12, started_by); a(13, overrides); a(14, tags);
        a(15, containers); a(16, eni); a(17, zone); a(18, created_at); a(19, pull_started_at); a(20, pull_stopped_at);
        a(21, started_at); a(22, stopping_at); a(23, execution_stopped_at); a(24, stopped_at); a(25, stop_code);
        a(26, stopped_reason); a(27, acknowledged); a(28, exec_enabled); a(29, ephemeral_storage_gib);
        a(30, platform_version); a(31, reference_id); a(32, reserved_ports);
        a(33, attachment); a(34, attached); a(35, capacity_provider); a(36, task_role_arn); a(37, execution_role_arn);
        a(38, cpu_text); a(39, memory_text); a(60, service); a(61, revision); a(62, settled); a(63, protected_until);
        a(64, balanced); a(65, in_service); a(66, unwell);
        a(67, draining);
    }
};

// The answer to a request with a clientToken, kept so that a repeat gets the same answer.
struct ClientToken {
    static constexpr std::uint8_t table = 6;
    struct Key {
        Scope scope;
        std::string operation;
        std::string token;
        auto operator<=>(const Key&) const = default;
        template <class A>
        void fields(A& a) { a(1, scope); a(2, operation); a(3, token); }
    };
    Key key() const { return name; }

    Key name;
    std::string request_hash;       // sha256 of the request without its token: another request under it is refused
    std::vector<TaskId> tasks;
    std::vector<KeyValue> failures; // arn → reason
    Time created_at;
    template <class A>
    void fields(A& a) { a(1, name); a(2, request_hash); a(3, tasks); a(4, failures); a(5, created_at); }
};

struct AccountSetting {
    static constexpr std::uint8_t table = 7;
    struct Key {
        Scope scope;
        std::string principal;  // ARN; "" = the account's default
        std::string name;
        auto operator<=>(const Key&) const = default;
        template <class A>
        void fields(A& a) { a(1, scope); a(2, principal); a(3, name); }
    };
    Key key() const { return id; }

    Key id;
    std::string value;
    template <class A>
    void fields(A& a) { a(1, id); a(2, value); }
};

}  // namespace boxship::model
