// The nouns of ECS services: a service, what its tasks are made of (a revision), how one revision takes over from another
// (a deployment), and what happened (events).
//
// What DescribeServices calls a deployment, "ecs-svc/<n>", is the revision numbered n with its tasks; what the calls with
// ServiceDeployment in their name show is the taking over.
#pragma once

#include "model/ecs.h"

namespace boxship::model {

enum class ServiceStatus : std::uint8_t { active, draining, inactive };
const char* to_text(ServiceStatus status);
enum class Scheduling : std::uint8_t { replica, daemon };
enum class Propagate : std::uint8_t { none, task_definition, service };

struct PlacementChoice {             // a strategy (spread, binpack, random) or a constraint (distinctInstance, memberOf)
    std::string type;
    std::string field;               // a strategy's field, a constraint's expression
    template <class A>
    void fields(A& a) { a(1, type); a(2, field); }
};

enum class ThresholdType : std::uint8_t { bounded_percent, unbounded_percent, count };

// What deciding needs of a deploymentConfiguration.
struct RolloutRules {
    std::int32_t minimum_percent = 100;
    std::int32_t maximum_percent = 200;
    bool breaker = false;
    bool rollback = false;
    bool reset_on_healthy = true;
    ThresholdType threshold_type = ThresholdType::bounded_percent;
    std::int32_t threshold = 50;
    bool alarms = false;                        // one in ALARM state fails the deployment
    bool alarm_rollback = false;
    std::vector<std::string> alarm_names;
    template <class A>
    void fields(A& a)
    {
        a(1, minimum_percent); a(2, maximum_percent); a(3, breaker); a(4, rollback); a(5, reset_on_healthy);
        a(6, threshold_type); a(7, threshold); a(8, alarms); a(9, alarm_rollback); a(10, alarm_names);
    }
};

struct Service {
    static constexpr std::uint8_t table = 8;
    using Key = ServiceId;
    Key key() const { return id; }

    ServiceId id;
    ClusterId cluster;
    Scope scope;
    std::string name;
    ServiceStatus status = ServiceStatus::active;
    Scheduling scheduling = Scheduling::replica;
    LaunchType launch_type = LaunchType::ec2;
    std::int32_t desired = 0;                   // of a REPLICA service; a DAEMON's follows from the instances
    std::int64_t primary = 0;                   // the revision that its tasks are to have
    ServiceDeploymentId deployment;             // the newest
    Time created_at;
    std::string created_by;                     // principal's ARN
    Time deleted_at;
    std::vector<KeyValue> tags;
    Propagate propagate = Propagate::none;
    bool managed_tags = false;
    bool exec_enabled = false;
    std::optional<std::int32_t> grace_seconds;  // healthCheckGracePeriodSeconds
    bool rebalance = false;                     // availabilityZoneRebalancing
    bool rebalancing = false;                   // tasks are spread unevenly over zones, and it has said so
    std::int32_t moving = 0;                    // tasks beyond the desired count: each takes another's place in a fuller zone
    RolloutRules rules;
    std::string configuration;                  // DeploymentConfiguration as JSON, as it is shown
    std::vector<PlacementChoice> strategies;
    std::vector<PlacementChoice> constraints;
    std::string role_arn;
    std::string request_hash;                   // of the CreateService with the token; "" without one
    std::string client_token;
    bool steady = false;                        // and has said so
    std::int64_t events = 0;                    // how many there ever were
    std::string complaint;                      // why the last task was not placed; "" nothing waits for room
    Time complained_at;

    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, cluster); a(3, scope); a(4, name); a(5, status); a(6, scheduling); a(7, launch_type); a(8, desired);
        a(9, primary); a(10, deployment); a(11, created_at); a(12, created_by); a(13, deleted_at); a(14, tags);
        a(15, propagate); a(16, managed_tags); a(17, exec_enabled); a(18, grace_seconds); a(19, rebalance); a(20, rules);
        a(21, configuration); a(22, strategies); a(23, constraints); a(24, role_arn); a(25, request_hash);
        a(26, client_token); a(27, steady); a(28, events); a(29, complaint); a(30, complained_at);
        a(31, rebalancing); a(32, moving);
    }
};

// A capacity provider's part of a strategy.
struct ProviderShare {
    std::string name;
    std::int32_t base = 0;
    std::int32_t weight = 0;
    template <class A>
    void fields(A& a) { a(1, name); a(2, base); a(3, weight); }
};

struct TargetGroupUse {              // an entry of loadBalancers
    std::string arn;
    std::string container;
    std::int32_t port = 0;
    template <class A>
    void fields(A& a) { a(1, arn); a(2, container); a(3, port); }
};

enum class RolloutState : std::uint8_t { in_progress, completed, failed };
const char* to_text(RolloutState state);

struct RevisionKey {
    ServiceId service;
    std::int64_t number = 0;         // 19 digits, later ones are greater
    auto operator<=>(const RevisionKey&) const = default;
    template <class A>
    void fields(A& a) { a(1, service); a(2, number); }
};

struct ServiceRevision {
    static constexpr std::uint8_t table = 9;
    using Key = RevisionKey;
    Key key() const { return id; }

    RevisionKey id;
    TaskDefinitionId definition;                // may be gone, once nothing runs of it
    std::string definition_arn;
    Task pattern;                               // a task of it, but for ids, instance and times
    std::vector<SubnetId> subnets;              // awsvpc only
    std::vector<SecurityGroupId> groups;
    std::string network;                        // NetworkConfiguration as JSON, as sent; "" absent
    std::vector<ProviderShare> providers;       // empty: a launch type was named
    std::vector<TargetGroupUse> targets;
    std::string load_balancers;                 // the list as JSON, as sent; "" absent
    std::string platform_version;               // as asked for: "LATEST"; "" on EC2
    std::vector<KeyValue> digests;              // container → image digest, pinned for all of its tasks
    std::vector<std::string> unpinned;          // containers whose digest the first task will tell
    Time created_at;
    Time updated_at;
    RolloutState rollout = RolloutState::in_progress;
    std::string rollout_reason;
    bool completed_once = false;                // can be rolled back to
    std::int32_t failed_tasks = 0;              // as shown: since the last success
    bool evaluated = true;                      // failures still count towards the circuit breaker
    std::int32_t start_failures = 0;            // tasks in a row that did not reach RUNNING: the throttle's
    Time start_after;                           // no new task before

    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, definition); a(3, pattern); a(4, subnets); a(5, groups); a(6, network); a(7, providers); a(8, targets);
        a(9, load_balancers); a(10, platform_version); a(11, digests); a(12, created_at); a(13, updated_at); a(14, rollout);
        a(15, rollout_reason); a(16, completed_once); a(17, failed_tasks); a(18, evaluated); a(19, start_failures);
        a(20, start_after); a(21, unpinned); a(22, definition_arn);
    }
};

enum class DeploymentStatus : std::uint8_t {
    pending, successful, stopped, stop_requested, in_progress, rollback_requested, rollback_in_progress, rollback_successful, rollback_failed
};
const char* to_text(DeploymentStatus status);
inline bool is_over(DeploymentStatus status)
{
    return status == DeploymentStatus::successful || status == DeploymentStatus::stopped ||
           status == DeploymentStatus::rollback_successful || status == DeploymentStatus::rollback_failed;
}

struct ServiceDeployment {
    static constexpr std::uint8_t table = 10;
    using Key = ServiceDeploymentId;
    Key key() const { return id; }

    ServiceDeploymentId id;
    ServiceId service;
    std::vector<std::int64_t> sources;          // revisions whose tasks it replaces
    std::int64_t target = 0;
    DeploymentStatus status = DeploymentStatus::pending;
    std::string reason;
    Time created_at;
    Time started_at;
    Time finished_at;
    Time stopped_at;
    Time updated_at;
    std::string configuration;                  // DeploymentConfiguration as JSON
    bool breaker = false;
    bool tripped = false;
    std::int32_t failures = 0;
    std::int32_t threshold = 0;
    std::string rollback_reason;
    Time rollback_started_at;
    std::int64_t rollback_target = 0;           // the revision that comes back; 0: no rollback
    std::vector<std::string> alarm_names;       // empty: it looks at none
    bool watches_alarms = false;                // none of them was in ALARM state when it began
    std::vector<std::string> alarms_triggered;

    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, service); a(3, sources); a(4, target); a(5, status); a(6, reason); a(7, created_at); a(8, started_at);
        a(9, finished_at); a(10, stopped_at); a(11, updated_at); a(12, configuration); a(13, breaker); a(14, tripped);
        a(15, failures); a(16, threshold); a(17, rollback_reason); a(18, rollback_started_at); a(19, rollback_target);
        a(20, alarm_names); a(21, watches_alarms); a(22, alarms_triggered);
    }
};

// The last hundred of a service.
struct ServiceEvent {
    static constexpr std::uint8_t table = 11;
    struct Key {
        ServiceId service;
        std::int64_t number = 0;                // counts up
        auto operator<=>(const Key&) const = default;
        template <class A>
        void fields(A& a) { a(1, service); a(2, number); }
    };
    Key key() const { return name; }

    Key name;
    Id<struct ServiceEventTag> id;
    Time created_at;
    std::string message;
    template <class A>
    void fields(A& a) { a(1, name); a(2, id); a(3, created_at); a(4, message); }
};

// What a deployment looks at while it is under way. There is no CloudWatch: whoever watches the metrics sets it.
struct Alarm {
    static constexpr std::uint8_t table = 12;
    using Key = ScopedName;
    Key key() const { return name; }

    ScopedName name;
    bool alarm = false;                         // ALARM; else OK
    std::string reason;
    Time since;
    template <class A>
    void fields(A& a) { a(1, name); a(2, alarm); a(3, reason); a(4, since); }
};

std::string service_arn(const Cluster& cluster, const std::string& name);
std::string revision_arn(const Cluster& cluster, const Service& service, std::int64_t revision);
std::string deployment_arn(const Cluster& cluster, const Service& service, const ServiceDeploymentId& deployment);
std::string deployment_id(std::int64_t revision);        // "ecs-svc/1234567890123456789"
// The last part of a deployment's ARN: 22 letters, digits, '-' and '_'.
std::string to_token_text(const ServiceDeploymentId& id);
std::optional<ServiceDeploymentId> parse_token_text(std::string_view text);

}  // namespace boxship::model
