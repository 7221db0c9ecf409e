// How much of each thing there may be: AWS's service quotas, one table. Handlers ask it (Call::quota); an operator sets other
// values at start: boxship up --quota NAME=VALUE.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace boxship::model {

enum class Quota : std::uint8_t {
    // ECS
    clusters, services_per_cluster, instances_per_cluster, tasks_per_service, revisions_per_family, target_groups_per_service,
    subnets_per_network, groups_per_network, tasks_per_run, instances_per_start, containers_per_definition, definition_bytes, ecs_tags,
    // Elastic Load Balancing
    load_balancers, target_groups, listeners_per_balancer, rules_per_balancer, certificates_per_balancer, targets_per_balancer,
    target_groups_per_balancer, groups_per_balancer, targets_per_group, target_groups_per_action, condition_values, condition_wildcards, elb_tags,
    // EC2
    vpcs, subnets_per_vpc, internet_gateways, nat_gateways_per_zone, addresses, route_tables_per_vpc, routes_per_table, security_groups,
    rules_per_security_group, groups_per_interface, interfaces, ec2_tags,
    // ECR
    repositories, images_per_repository, ecr_tags,
    // ACM
    certificates, acm_tags,
    count_
};

struct QuotaFacts {
    Quota quota;
    const char* name;              // ours, for the command line: "ecs/services-per-cluster"
    const char* code;              // of Service Quotas: "L-9EF96962"; "" where none is known
    const char* title;             // AWS's name
    std::int64_t standard;         // AWS's default
    const char* asked_by;          // the operations that refuse
};

std::span<const QuotaFacts> quota_facts();               // in the order of the enumeration

class Quotas {
public:
    Quotas();                                            // AWS's defaults
    std::size_t operator[](Quota quota) const { return static_cast<std::size_t>(values_[static_cast<std::size_t>(quota)]); }
    void set(Quota quota, std::int64_t value) { values_[static_cast<std::size_t>(quota)] = value; }

private:
    std::array<std::int64_t, static_cast<std::size_t>(Quota::count_)> values_{};
};

// "NAME=VALUE": a quota by our name or by its code, and a number or "default". An unknown name is refused with those most like it.
struct QuotaWish {
    const QuotaFacts* facts;
    std::int64_t value;
};
HostResult<QuotaWish> parse_quota(std::string_view text);
std::vector<std::string> similar_quotas(std::string_view name);

}  // namespace boxship::model
