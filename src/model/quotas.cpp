#include "model/quotas.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/numbers.h"
#include "base/similar.h"

namespace boxship::model {
namespace {

constexpr std::int64_t value_max = 1'000'000'000;

constexpr QuotaFacts table[] = {
    {Quota::clusters, "ecs/clusters", "L-21C621EB", "Clusters per account", 10'000, "CreateCluster"},
    {Quota::services_per_cluster, "ecs/services-per-cluster", "L-9EF96962", "Services per cluster", 5'000, "CreateService"},
    {Quota::instances_per_cluster, "ecs/container-instances-per-cluster", "L-86C34207", "Container instances per cluster", 5'000, "RegisterContainerInstance"},
    {Quota::tasks_per_service, "ecs/tasks-per-service", "L-92E49DE3", "Tasks per service", 5'000, "CreateService, UpdateService"},
    {Quota::revisions_per_family, "ecs/revisions-per-family", "L-B9151B48", "Revisions per task definition family", 1'000'000, "RegisterTaskDefinition"},
    {Quota::target_groups_per_service, "ecs/target-groups-per-service", "L-A04A77EF", "Target groups per service", 5, "CreateService, UpdateService"},
    {Quota::subnets_per_network, "ecs/subnets-per-awsvpc-configuration", "", "Subnets specified in an awsvpcConfiguration", 16, "RunTask, StartTask, CreateService, UpdateService"},
    {Quota::groups_per_network, "ecs/security-groups-per-awsvpc-configuration", "", "Security groups specified in an awsvpcConfiguration", 5, "RunTask, StartTask, CreateService, UpdateService"},
    {Quota::tasks_per_run, "ecs/tasks-per-run-task", "", "Tasks launched (count) per run-task", 10, "RunTask"},
    {Quota::instances_per_start, "ecs/container-instances-per-start-task", "", "Container instances per start-task", 10, "StartTask"},
    {Quota::containers_per_definition, "ecs/containers-per-task-definition", "", "Containers per task definition", 10, "RegisterTaskDefinition"},
    {Quota::definition_bytes, "ecs/task-definition-bytes", "", "Task definition size limit", 65'536, "RegisterTaskDefinition"},
    {Quota::ecs_tags, "ecs/tags-per-resource", "", "Tags per resource", 50, "TagResource, and whatever takes tags"},

    {Quota::load_balancers, "elbv2/application-load-balancers", "L-53DA6B97", "Application Load Balancers per Region", 50, "CreateLoadBalancer"},
    {Quota::target_groups, "elbv2/target-groups", "L-B22855CB", "Target Groups per Region", 3'000, "CreateTargetGroup"},
    {Quota::listeners_per_balancer, "elbv2/listeners-per-application-load-balancer", "L-B6DF7632", "Listeners per Application Load Balancer", 50, "CreateListener"},
    {Quota::rules_per_balancer, "elbv2/rules-per-application-load-balancer", "L-7EED9B64", "Rules per Application Load Balancer", 100, "CreateRule"},
    {Quota::certificates_per_balancer, "elbv2/certificates-per-application-load-balancer", "L-9365A611", "Certificates per Application Load Balancer", 25, "AddListenerCertificates"},
    {Quota::targets_per_balancer, "elbv2/targets-per-application-load-balancer", "L-7E6692B2", "Targets per Application Load Balancer", 1'000, "RegisterTargets"},
    {Quota::target_groups_per_balancer, "elbv2/target-groups-per-application-load-balancer", "L-822D1B1B", "Target Groups per Application Load Balancer", 100, "CreateListener, ModifyListener, CreateRule, ModifyRule"},
    {Quota::groups_per_balancer, "elbv2/security-groups-per-load-balancer", "", "Security groups per load balancer", 5, "CreateLoadBalancer, SetSecurityGroups"},
    {Quota::targets_per_group, "elbv2/targets-per-target-group", "L-A0D0B863", "Targets per Target Group per Region", 1'000, "RegisterTargets"},
    {Quota::target_groups_per_action, "elbv2/target-groups-per-action-on-application-load-balancer", "L-057ECE54", "Target Groups per Action per Application Load Balancer", 5, "CreateListener, ModifyListener, CreateRule, ModifyRule"},
    {Quota::condition_values, "elbv2/condition-values-per-alb-rule", "L-EBC0C08B", "Condition Values per Rule", 5, "CreateRule, ModifyRule"},
    {Quota::condition_wildcards, "elbv2/condition-wildcards-per-alb-rule", "L-A012D4E8", "Condition Wildcards per Rule", 6, "CreateRule, ModifyRule"},
    {Quota::elb_tags, "elbv2/tags-per-resource", "", "Tags per resource", 50, "AddTags, and whatever takes tags"},

    {Quota::vpcs, "ec2/vpcs", "L-F678F1CE", "VPCs per Region", 5, "CreateVpc"},
    {Quota::subnets_per_vpc, "ec2/subnets-per-vpc", "L-407747CB", "Subnets per VPC", 200, "CreateSubnet"},
    {Quota::internet_gateways, "ec2/internet-gateways", "L-A4707A72", "Internet gateways per Region", 5, "CreateInternetGateway"},
    {Quota::nat_gateways_per_zone, "ec2/nat-gateways-per-zone", "L-FE5A380F", "NAT gateways per Availability Zone", 5, "CreateNatGateway"},
    {Quota::addresses, "ec2/elastic-ips", "L-0263D0A3", "EC2-VPC Elastic IPs", 5, "AllocateAddress"},
    {Quota::route_tables_per_vpc, "ec2/route-tables-per-vpc", "L-589F43AA", "Route tables per VPC", 200, "CreateRouteTable"},
    {Quota::routes_per_table, "ec2/routes-per-route-table", "L-93826ACB", "Routes per route table", 50, "CreateRoute"},
    {Quota::security_groups, "ec2/security-groups", "L-E79EC296", "VPC security groups per Region", 2'500, "CreateSecurityGroup"},
    {Quota::rules_per_security_group, "ec2/rules-per-security-group", "L-0EA8095F", "Inbound or outbound rules per security group", 60, "AuthorizeSecurityGroupIngress, AuthorizeSecurityGroupEgress"},
    {Quota::groups_per_interface, "ec2/security-groups-per-interface", "L-2AFB9258", "Security groups per network interface", 5, "CreateNetworkInterface, ModifyNetworkInterfaceAttribute"},
    {Quota::interfaces, "ec2/network-interfaces", "L-DF5E4CA3", "Network interfaces per Region", 5'000, "CreateNetworkInterface"},
    {Quota::ec2_tags, "ec2/tags-per-resource", "", "Tags per resource", 50, "CreateTags, and whatever takes tags"},

    {Quota::repositories, "ecr/repositories", "L-CFEB8E8D", "Registered repositories", 100'000, "CreateRepository"},
    {Quota::images_per_repository, "ecr/images-per-repository", "L-03A36CE1", "Images per repository", 100'000, "PutImage, pushes"},
    {Quota::ecr_tags, "ecr/tags-per-resource", "", "Tags per resource", 50, "TagResource, CreateRepository"},

    {Quota::certificates, "acm/certificates", "L-F141DD1D", "ACM certificates", 2'500, "ImportCertificate"},
    {Quota::acm_tags, "acm/tags-per-resource", "", "Tags per resource", 50, "AddTagsToCertificate, ImportCertificate"},
};
static_assert(std::size(table) == static_cast<std::size_t>(Quota::count_));
static_assert([] {
    for (std::size_t i = 0; i < std::size(table); ++i)
        if (table[i].quota != static_cast<Quota>(i)) return false;
    return true;
}(), "the table is in the order of the enumeration");

}  // namespace

std::span<const QuotaFacts> quota_facts() { return table; }

Quotas::Quotas()
{
    for (const auto& facts : table) set(facts.quota, facts.standard);
}

std::vector<std::string> similar_quotas(std::string_view name)
{
    constexpr std::size_t shown = 3;
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (const auto& facts : table) {
        const std::string_view whole = facts.name, behind = whole.substr(whole.find('/') + 1);
        std::size_t far = std::min(edits_between(name, whole), edits_between(name, behind));
        if (whole.find(name) != whole.npos) far = 0;
        ranked.emplace_back(far, whole);
    }
    std::ranges::stable_sort(ranked, {}, &std::pair<std::size_t, std::string>::first);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < shown; ++i) names.push_back(ranked[i].second);
    return names;
}

HostResult<QuotaWish> parse_quota(std::string_view text)
{
    const auto equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const auto found = std::ranges::find_if(table, [&](const QuotaFacts& facts) { return name == facts.name || (*facts.code && name == facts.code); });
    if (found == std::end(table)) {
        std::string similar;
        for (const auto& one : similar_quotas(name)) similar += (similar.empty() ? "" : ", ") + one;
        return HostError{fmt::format("there is no quota '{}'; do you mean one of {}? 'boxship quotas' lists them all", name, similar)};
    }
    const std::string_view digits = equals == text.npos ? std::string_view() : text.substr(equals + 1);
    if (digits == "default") return QuotaWish{found, found->standard};
    const auto value = parse_number<std::int64_t>(digits);
    if (!value || *value < 0 || *value > value_max)
        return HostError{fmt::format("the quota {} must be a number from 0 to {}, or 'default', not '{}'", found->name, value_max, digits)};
    return QuotaWish{found, *value};
}

}  // namespace boxship::model
