// CreateLoadBalancer, DeleteLoadBalancer, DescribeLoadBalancers.
#include "base/strings.h"
#include "model/elbv2_attributes.h"
#include "services/elbv2/serve.h"
#include "services/elbv2/zones.h"

namespace boxship::services::elbv2 {
namespace {

struct BalancerRows {
    std::vector<BalancerRow> balancers;
    std::string next_marker;
};

api::LoadBalancerStateEnum to_api(model::LoadBalancerState state)
{
    switch (state) {
    case model::LoadBalancerState::provisioning: return api::LoadBalancerStateEnum::provisioning;
    case model::LoadBalancerState::active: return api::LoadBalancerStateEnum::active;
    case model::LoadBalancerState::active_impaired: return api::LoadBalancerStateEnum::active_impaired;
    case model::LoadBalancerState::failed: return api::LoadBalancerStateEnum::failed;
    }
    return api::LoadBalancerStateEnum::unknown;
}

void write_balancer(const BalancerRow& row, api::LoadBalancer& out)
{
    const auto& balancer = *row.balancer;
    out.load_balancer_arn = model::load_balancer_arn(balancer);
    out.load_balancer_name = balancer.name;
    out.dns_name = model::dns_name(balancer);
    out.canonical_hosted_zone_id = "Z35SXDOTRQ7X7K";  // of application load balancers in us-east-1; clients want one
    out.created_time = balancer.created_at;
    out.scheme = balancer.internal ? api::LoadBalancerSchemeEnum::internal : api::LoadBalancerSchemeEnum::internet_facing;
    out.vpc_id = to_short_text("vpc-", balancer.vpc);
    out.state->code = to_api(balancer.state);
    if (!balancer.state_reason.empty()) out.state->reason = balancer.state_reason;
    out.type = api::LoadBalancerTypeEnum::application;
    write_zones(row, out.availability_zones);
    out.security_groups.emplace();
    for (const auto& group : balancer.groups) out.security_groups.emplace_back(to_short_text("sg-", group));
    out.ip_address_type = shape::parse_enum<api::IpAddressType>(balancer.ip_address_type);
}

Result<> check_name(std::string_view name)
{
    const bool characters = std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (name.empty() || name.size() > 32) return validation(fmt::format("The load balancer name '{}' cannot be longer than '32' characters", name));
    if (!characters) return validation(fmt::format("The load balancer name '{}' can only contain characters that are alphanumeric characters and hyphens(-)", name));
    if (name.starts_with('-') || name.ends_with('-')) return validation(fmt::format("The load balancer name '{}' cannot begin or end with a hyphen(-)", name));
    if (name.starts_with("internal-")) return validation(fmt::format("The load balancer name '{}' cannot begin with 'internal-'", name));
    return {};
}

bool same_settings(const model::LoadBalancer& standing, const model::LoadBalancer& wanted, const Subnets& subnets)
{
    std::vector<SubnetId> has, wants;
    for (const auto& zone : standing.zones) has.push_back(zone.subnet);
    for (const auto& subnet : subnets) wants.push_back(subnet->id);
    std::ranges::sort(has);
    std::ranges::sort(wants);
    auto groups = standing.groups, wanted_groups = wanted.groups;
    std::ranges::sort(groups);
    std::ranges::sort(wanted_groups);
    return has == wants && groups == wanted_groups && standing.internal == wanted.internal && standing.ip_address_type == wanted.ip_address_type;
}

Result<BalancerRow> create_load_balancer(Txn& txn, const Call& call, const api::CreateLoadBalancerInput& request)
{
    RETURN_IF_ERROR(check_name(request.name));
    if (request.type && *request.type != api::LoadBalancerTypeEnum::application)
        return invalid_configuration(fmt::format("Load balancers of type '{}' are not supported by this server; 'application' is", to_text(*request.type)));
    if (request.ip_address_type && *request.ip_address_type != api::IpAddressType::ipv4)
        return invalid_configuration(fmt::format("The IP address type '{}' is not supported by this server; 'ipv4' is", to_text(*request.ip_address_type)));
    ASSIGN_OR_RETURN(const Subnets subnets, find_subnets(txn, call, request.subnets, request.subnet_mappings));
    model::LoadBalancer balancer{.id = call.ids.next<LoadBalancerId>(), .scope = call.scope, .name = request.name.str()};
    balancer.internal = request.scheme == api::LoadBalancerSchemeEnum::internal;
    balancer.vpc = subnets.front()->vpc;
    balancer.created_at = call.now;
    ASSIGN_OR_RETURN(balancer.groups, find_groups(txn, call, request.security_groups, balancer.vpc));
    ASSIGN_OR_RETURN(balancer.tags, read_tags(call, request.tags));
    if (auto standing = txn.first<state::LoadBalancerByName>({call.scope, balancer.name})) {
        if (same_settings(*standing, balancer, subnets)) return balancer_row(txn, std::move(standing));
        return ApiError{"DuplicateLoadBalancerNameException",
                        fmt::format("A load balancer with the same name '{}' exists, but with different settings", balancer.name)};
    }
    if (!balancer.internal && !txn.any<state::GatewaysByVpc>(balancer.vpc))
        return ApiError{"InvalidSubnetException", fmt::format("VPC {} has no internet gateway", to_short_text("vpc-", balancer.vpc))};
    if (const auto most = call.quota(model::Quota::load_balancers); txn.count_in<model::LoadBalancer>(call.scope) >= most)
        return ApiError{"TooManyLoadBalancersException", fmt::format("You can have no more than {} load balancers", most)};
    if (balancer.internal) balancer.attributes.push_back({"ipv6.deny_all_igw_traffic", "true"});
    RETURN_IF_ERROR(set_zones(txn, call, balancer, subnets));
    const LoadBalancerId id = balancer.id;
    txn.put(std::move(balancer));
    return balancer_row(txn, txn.get<model::LoadBalancer>(id));
}

Result<Done> delete_load_balancer(Txn& txn, const Call& call, const api::DeleteLoadBalancerInput& request)
{
    const auto found = find_balancer(txn, call, request.load_balancer_arn);
    if (!found.ok()) {
        if (found.error().code == "LoadBalancerNotFoundException") return Done{};  // as on AWS: deleting twice succeeds
        return found.error();
    }
    const auto& balancer = **found;
    if (model::attribute_is_on(model::load_balancer_attributes(), balancer.attributes, "deletion_protection.enabled"))
        return ApiError{"OperationNotPermittedException",
                        fmt::format("Load balancer '{}' cannot be deleted because deletion protection is enabled", request.load_balancer_arn)};
    for (const auto& listener : txn.all<state::ListenersByLoadBalancer>(balancer.id)) {
        for (const auto& rule : txn.all<state::RulesByListener>(listener->id)) txn.erase<model::ListenerRule>(rule->id);
        txn.erase<model::Listener>(listener->id);
    }
    for (const auto& zone : balancer.zones) txn.erase<model::Eni>(zone.eni);
    txn.erase<model::LoadBalancer>(balancer.id);
    return Done{};
}

Result<BalancerRows> describe_load_balancers(Txn& txn, const Call& call, const api::DescribeLoadBalancersInput& request)
{
    if (!request.load_balancer_arns.empty() && !request.names.empty())
        return validation("Load balancer names and load balancer ARNs cannot be specified at the same time");
    ASSIGN_OR_RETURN(const Marker page, read_marker(request.marker, request.page_size));
    std::vector<BalancerPtr> found;
    for (const auto& arn : request.load_balancer_arns) {
        auto balancer = find_balancer(txn, call, arn);
        if (!balancer.ok()) return ApiError{balancer.error().code, balancer.error().code == "ValidationError" ? balancer.error().message : "One or more load balancers not found"};
        found.push_back(std::move(*balancer));
    }
    for (const auto& name : request.names) {
        auto balancer = txn.first<state::LoadBalancerByName>({call.scope, name.str()});
        if (!balancer) return ApiError{"LoadBalancerNotFoundException", fmt::format("Load balancers '[{}]' not found", name)};
        found.push_back(std::move(balancer));
    }
    if (request.load_balancer_arns.empty() && request.names.empty())
        for (const auto& [id, balancer] : txn.rows<model::LoadBalancer>())
            if (balancer->scope == call.scope) found.push_back(balancer);
    BalancerRows rows;
    rows.next_marker = take_page(found, page, [](const BalancerPtr& row) { return to_text(row->id); });
    for (auto& balancer : found) rows.balancers.push_back(balancer_row(txn, std::move(balancer)));
    return rows;
}

api::CreateLoadBalancerOutput render_created(const BalancerRow& row)
{
    api::CreateLoadBalancerOutput response;
    write_balancer(row, response.load_balancers.emplace_back());
    return response;
}

api::DescribeLoadBalancersOutput render_balancers(const BalancerRows& rows)
{
    api::DescribeLoadBalancersOutput response;
    response.load_balancers.emplace();
    for (const auto& row : rows.balancers) write_balancer(row, response.load_balancers.emplace_back());
    if (!rows.next_marker.empty()) response.next_marker = rows.next_marker;
    return response;
}

}  // namespace

void serve_load_balancers(Served& served)
{
    served.add<api::ops::CreateLoadBalancer>(create_load_balancer, render_created)
        .refuses({"CustomerOwnedIpv4Pool", "EnablePrefixForIpv6SourceNat", "IpamPools"});
    served.add<api::ops::DeleteLoadBalancer>(delete_load_balancer, render_nothing<api::DeleteLoadBalancerOutput>);
    served.add<api::ops::DescribeLoadBalancers>(describe_load_balancers, render_balancers);
}

}  // namespace boxship::services::elbv2
