// Where a task goes: the best instance of a cluster that has what it needs, or for each instance the reason why not.
// Deterministic: equal views give equal answers (a random strategy takes its randomness as an argument).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "decide/query/query.h"
#include "state/view.h"

namespace boxship::decide {

// What a task takes from its host.
struct Need {
    std::int32_t cpu = 0;                            // CPU units
    std::int32_t memory = 0;                         // MiB
    std::vector<model::PortMapping> ports;           // fixed host ports
    std::vector<std::string> attributes;             // names that must be there; "name=value" asks for the value too
    std::vector<query::ExpressionPtr> constraints;   // memberOf, of the definition: all must select the host
    std::vector<std::string> zones;                  // any of these; empty: all
    bool interface = false;                          // a network interface of its own
    double cpu_overcommit = 1;
    bool operator==(const Need&) const = default;
};

enum class StrategyType : std::uint8_t { spread, binpack, random };
struct Strategy {
    StrategyType type = StrategyType::spread;
    std::string field;  // spread: an attribute's name, "instanceId"; binpack: "cpu", "memory"
    bool operator==(const Strategy&) const = default;
};

struct PlacementRequest {
    ClusterId cluster;
    model::LaunchType launch_type = model::LaunchType::ec2;  // fargate: `cluster` is the internal one
    Need need;
    Text group;                         // spreading counts the tasks of this group
    bool distinct_instance = false;     // none of this group on it yet
    std::vector<query::ExpressionPtr> constraints;  // memberOf, of the request or service
    std::vector<Strategy> strategies;   // empty: spread over zones, then to the least loaded
};

// The API's words for why an instance cannot take the task; "" when it can.
namespace reason {
constexpr const char* cpu = "RESOURCE:CPU";
constexpr const char* memory = "RESOURCE:MEMORY";
constexpr const char* ports = "RESOURCE:PORTS";
constexpr const char* interfaces = "RESOURCE:ENI";
constexpr const char* attribute = "ATTRIBUTE";
constexpr const char* agent = "AGENT";
constexpr const char* inactive = "INACTIVE";
constexpr const char* location = "LOCATION";
constexpr const char* distinct = "DistinctInstance placement constraint unsatisfied.";
constexpr const char* member = "MemberOf placement constraint unsatisfied.";
constexpr const char* missing = "MISSING";
}  // namespace reason

struct Obstacle {
    std::string_view reason;   // one of the above; "" none
    std::string detail;        // what was asked for and what is there
};
Obstacle obstacle(const state::View& view, const model::Instance& instance, const PlacementRequest& request);
inline Obstacle obstacle(const state::View& view, const model::Instance& instance, const Need& need)
{
    return obstacle(view, instance, PlacementRequest{.need = need});
}

constexpr std::size_t refusals_max = 100;  // as many as an answer lists

struct Placement {
    std::shared_ptr<const model::Instance> instance;  // nullptr: nothing fits
    struct Refusal {
        InstanceId instance;
        std::string_view reason;
        std::string detail;
    };
    std::vector<Refusal> refusals;                    // when nothing fits: one per instance, of the first of them
};
Placement place(const state::View& view, const PlacementRequest& request, Ids& ids);

// Does the instance have the attribute? `wanted` is "name" or "name=value".
bool has_attribute(const model::Instance& instance, std::string_view wanted);
std::string_view attribute_value(const model::Instance& instance, std::string_view name);  // "" when absent

}  // namespace boxship::decide
