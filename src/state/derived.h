// Sums over rows that placement and Describe need at once. Never stored: they follow every change of a row, undone
// ones included, and the doctor counts them again.
#pragma once

#include <array>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/elbv2.h"
#include "model/network.h"
#include "model/registry.h"
#include "model/service.h"
#include "state/stand.h"

namespace boxship::state {

// What the live tasks of a host hold, counted as its agent counts: until STOPPED is reported.
struct InstanceLoad {
    std::int64_t cpu = 0;
    std::int64_t memory = 0;
    int running = 0;
    int pending = 0;
    std::map<std::pair<model::Protocol, std::int32_t>, int> ports;  // fixed host ports
    std::map<Text, int> groups;                                     // tasks by their group, for spreading
    int interfaces = 0;                                             // tasks with a network interface of their own
    bool operator==(const InstanceLoad&) const = default;
};

struct ClusterCounts {
    int running = 0;
    int pending = 0;
    int instances = 0;  // registered, whatever their status but INACTIVE
    std::array<int, 3> running_by_type{};  // by model::LaunchType
    std::array<int, 3> pending_by_type{};
    int services = 0;      // ACTIVE ones
    std::array<int, 3> active_services_by_type{};
    std::array<int, 3> draining_services_by_type{};
    std::map<Text, int> zones;                      // container instances, Fargate's aside
    bool operator==(const ClusterCounts&) const = default;
};

// The live tasks of one revision of a service.
struct RevisionCounts {
    int live = 0;           // whatever they are doing, until STOPPED
    int pending = 0;        // not yet RUNNING
    int running = 0;        // RUNNING now, those that are asked to stop included
    int wanted = 0;         // not asked to stop
    int ready = 0;          // model::Task::ready()
    int unhealthy = 0;      // wanted, and a health check says they are not well
    int digested = 0;       // some image's digest is known
    std::map<std::string, int> providers;   // wanted ones by capacity provider
    std::map<Text, int> zones;              // wanted ones by zone
    bool operator==(const RevisionCounts&) const = default;
};

// How many of the wanted tasks of a revision stand in each way there is.
using Stands = std::map<Stand, int>;

// Rows that have a quota per region (model/quotas.h).
template <class Row>
inline constexpr bool counted_rows = false;
template <>
inline constexpr bool counted_rows<model::Cluster> = true;
template <>
inline constexpr bool counted_rows<model::LoadBalancer> = true;
template <>
inline constexpr bool counted_rows<model::TargetGroup> = true;
template <>
inline constexpr bool counted_rows<model::Vpc> = true;
template <>
inline constexpr bool counted_rows<model::InternetGateway> = true;
template <>
inline constexpr bool counted_rows<model::ElasticAddress> = true;
template <>
inline constexpr bool counted_rows<model::SecurityGroup> = true;
template <>
inline constexpr bool counted_rows<model::Repository> = true;
template <>
inline constexpr bool counted_rows<model::Certificate> = true;
template <class Row>
bool counts_for_quotas(const Row&) { return true; }
inline bool counts_for_quotas(const model::Cluster& cluster) { return cluster.active && !cluster.internal; }

class Derived {
public:
    void change(const model::Task* before, const model::Task* after);
    void change(const model::Instance* before, const model::Instance* after);
    void change(const model::Service* before, const model::Service* after);
    template <class Row>
    void change(const Row* before, const Row* after)
    {
        if constexpr (counted_rows<Row>) {
            if (before && counts_for_quotas(*before)) add_row(Row::table, before->scope, -1);
            if (after && counts_for_quotas(*after)) add_row(Row::table, after->scope, +1);
        }
    }

    const InstanceLoad& load(const InstanceId& id) const;
    const ClusterCounts& counts(const ClusterId& id) const;
    const RevisionCounts& counts(const model::RevisionKey& id) const;
    const Stands& stands(const model::RevisionKey& id) const;
    std::vector<std::pair<std::int64_t, RevisionCounts>> revisions_in_use(const ServiceId& id) const;
    std::size_t rows_of(std::uint8_t table, const model::Scope& scope) const;
    bool operator==(const Derived&) const = default;

private:
    void add(const model::Task& task, int sign);
    void add_to_revision(const model::Task& task, int sign);
    void add_row(std::uint8_t table, const model::Scope& scope, int sign);

    std::unordered_map<InstanceId, InstanceLoad, IdHash<struct InstanceTag>> loads_;
    std::map<ClusterId, ClusterCounts> counts_;
    std::map<model::RevisionKey, RevisionCounts> revisions_;
    std::map<model::RevisionKey, Stands> stands_;
    std::map<std::pair<std::uint8_t, model::Scope>, std::size_t> rows_;
};

}  // namespace boxship::state
