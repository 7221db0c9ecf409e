// DescribeSSLPolicies, DescribeAccountLimits, DescribeCapacityReservation: what does not depend on anything that was created.
#include "model/ssl_policies.h"
#include "services/elbv2/common.h"
#include "services/elbv2/serve.h"

namespace boxship::services::elbv2 {
namespace {

struct PolicyRows {
    std::vector<const model::SslPolicy*> policies;
    std::string next_marker;
};

Result<PolicyRows> describe_ssl_policies(Txn&, const Call&, const api::DescribeSSLPoliciesInput& request)
{
    ASSIGN_OR_RETURN(const Marker page, read_marker(request.marker, request.page_size));
    PolicyRows rows;
    for (const auto& name : request.names) {
        const auto* policy = model::find_ssl_policy(name);
        if (!policy) return ApiError{"SSLPolicyNotFoundException", fmt::format("SSL policy '{}' not found", name)};
        rows.policies.push_back(policy);
    }
    if (request.names.empty())
        for (const auto& policy : model::ssl_policies()) rows.policies.push_back(&policy);
    std::ranges::sort(rows.policies, {}, [](const model::SslPolicy* policy) { return std::string_view(policy->name); });
    rows.next_marker = take_page(rows.policies, page, [](const model::SslPolicy* policy) { return std::string(policy->name); });
    return rows;
}

api::DescribeSSLPoliciesOutput render_policies(const PolicyRows& rows)
{
    api::DescribeSSLPoliciesOutput response;
    response.ssl_policies.emplace();
    for (const auto* policy : rows.policies) {
        auto& out = response.ssl_policies.emplace_back();
        out.name = policy->name;
        for (const auto protocol : model::protocols_of(*policy)) out.ssl_protocols.emplace_back(protocol);
        std::int32_t priority = 0;
        const auto add = [&](const char* name) {
            auto& cipher = out.ciphers.emplace_back();
            cipher.name = name;
            cipher.priority = ++priority;
        };
        if (std::string_view(policy->most) == "TLSv1.3")
            for (const char* name : model::tls13_ciphers()) add(name);
        for (const char* name : policy->ciphers) add(name);
        out.supported_load_balancer_types.emplace_back("application");
    }
    if (!rows.next_marker.empty()) response.next_marker = rows.next_marker;
    return response;
}

struct LimitRows {
    std::vector<std::pair<std::string, std::size_t>> limits;
    std::string next_marker;
};

// The quotas whose names are those that AWS answers with.
Result<LimitRows> describe_account_limits(Txn&, const Call& call, const api::DescribeAccountLimitsInput& request)
{
    constexpr std::string_view ours = "elbv2/";
    ASSIGN_OR_RETURN(const Marker page, read_marker(request.marker, request.page_size));
    LimitRows rows;
    for (const auto& facts : model::quota_facts())
        if (const std::string_view name = facts.name; name.starts_with(ours) && *facts.code) rows.limits.emplace_back(name.substr(ours.size()), call.quota(facts.quota));
    std::ranges::sort(rows.limits);
    rows.next_marker = take_page(rows.limits, page, [](const auto& limit) { return limit.first; });
    return rows;
}

api::DescribeAccountLimitsOutput render_limits(const LimitRows& rows)
{
    api::DescribeAccountLimitsOutput response;
    for (const auto& [name, most] : rows.limits) {
        auto& limit = response.limits.emplace_back();
        limit.name = name;
        limit.max = std::to_string(most);
    }
    if (!rows.next_marker.empty()) response.next_marker = rows.next_marker;
    return response;
}

// Capacity needs no reservation here, so there is none; clients that manage load balancers ask all the same.
Result<Done> describe_capacity_reservation(Txn& txn, const Call& call, const api::DescribeCapacityReservationInput& request)
{
    ASSIGN_OR_RETURN([[maybe_unused]] const BalancerPtr found, find_balancer(txn, call, request.load_balancer_arn));
    return Done{};
}

}  // namespace

void serve_limits(Served& served)
{
    served.add<api::ops::DescribeSSLPolicies>(describe_ssl_policies, render_policies).ignores({"LoadBalancerType"});
    served.add<api::ops::DescribeAccountLimits>(describe_account_limits, render_limits);
    served.add<api::ops::DescribeCapacityReservation>(describe_capacity_reservation, render_nothing<api::DescribeCapacityReservationOutput>);
}

}  // namespace boxship::services::elbv2
