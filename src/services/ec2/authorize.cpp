// AuthorizeSecurityGroupIngress and Egress, RevokeSecurityGroupIngress and Egress.
#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"
#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/group_rules.h"
#include "services/ec2/serve.h"
#include "services/ec2/tags.h"

namespace boxship::services::ec2 {
namespace {

using GroupPtr = std::shared_ptr<const model::SecurityGroup>;

struct RuleRows {
    GroupPtr group;
    std::vector<model::GroupRule> rules;
};

// The rules that a request means: of its list of permissions, or of the older members that say one directly.
template <class Request>
Result<std::vector<model::GroupRule>> rules_of(const Txn& txn, const Call& call, const model::SecurityGroup& group, const Request& request, bool egress)
{
    std::vector<model::GroupRule> rules;
    for (const auto& permission : request.ip_permissions) {
        ASSIGN_OR_RETURN(const auto some, read_permission(txn, call, group, permission, egress));
        rules.insert(rules.end(), some.begin(), some.end());
    }
    if (request.ip_protocol.empty() && request.cidr_ip.empty() && request.source_security_group_name.empty()) return rules;
    if (!rules.empty()) return ApiError{"InvalidParameterCombination", "A request says its rules in ipPermissions or by themselves, not both ways."};
    api::IpPermission permission;
    permission.ip_protocol = request.ip_protocol.empty() ? "-1" : request.ip_protocol.str();
    permission.from_port = request.from_port;
    permission.to_port = request.to_port;
    if (!request.cidr_ip.empty()) permission.ip_ranges.emplace_back().cidr_ip = request.cidr_ip.str();
    if (!request.source_security_group_name.empty()) permission.user_id_group_pairs.emplace_back().group_name = request.source_security_group_name.str();
    return read_permission(txn, call, group, permission, egress);
}

std::string upper(std::string text)
{
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

std::string rule_text(const model::GroupRule& rule)
{
    const std::string protocol = rule.protocol == "-1" ? "ALL" : upper(rule.protocol);
    std::string ports;
    if (rule.from_port >= 0) ports = fmt::format(", from port: {}, to port: {}", rule.from_port, rule.to_port);
    return fmt::format("peer: {}, {}{}, ALLOW", peer_text(rule), protocol, ports);
}

template <class Request>
Result<RuleRows> authorize(Txn& txn, const Call& call, const Request& request, const shape::Str& name, bool egress)
{
    ASSIGN_OR_RETURN(const auto group, required_group(txn, call, request.group_id, name));
    ASSIGN_OR_RETURN(auto rules, rules_of(txn, call, *group, request, egress));
    if (rules.empty()) return ApiError{"MissingParameter", "The request must contain the parameter ipPermissions"};
    ASSIGN_OR_RETURN(const Tags tags, read_specifications(call, request.tag_specifications, api::ResourceType::security_group_rule));
    model::SecurityGroup changed = *group;
    for (auto& rule : rules) {
        if (std::ranges::any_of(changed.rules, [&](const auto& standing) { return same_rule(standing, rule); }))
            return ApiError{"InvalidPermission.Duplicate", fmt::format("the specified rule \"{}\" already exists", rule_text(rule))};
        rule.id = call.ids.next<GroupRuleId>();
        rule.tags = tags;
        changed.rules.push_back(rule);
    }
    const auto count = std::ranges::count(changed.rules, egress, &model::GroupRule::egress);
    if (static_cast<std::size_t>(count) > call.quota(model::Quota::rules_per_security_group))
        return ApiError{"RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."};
    txn.put(std::move(changed));
    return RuleRows{group, std::move(rules)};
}

template <class Response>
Response render_authorized(const RuleRows& rows)
{
    Response response;
    response.return_ = true;
    response.security_group_rules.emplace();
    for (const auto& rule : rows.rules) write_rule(*rows.group, rule, response.security_group_rules.emplace_back());
    return response;
}

template <class Request>
Result<RuleRows> revoke(Txn& txn, const Call& call, const Request& request, const shape::Str& name, bool egress)
{
    ASSIGN_OR_RETURN(const auto group, required_group(txn, call, request.group_id, name));
    ASSIGN_OR_RETURN(const auto rules, rules_of(txn, call, *group, request, egress));
    if (rules.empty() && request.security_group_rule_ids.empty())
        return ApiError{"MissingParameter", "The request must contain the parameter ipPermissions or securityGroupRuleIds"};
    model::SecurityGroup changed = *group;
    RuleRows revoked{group, {}};
    const auto take = [&](auto&& means) {
        const auto found = std::ranges::find_if(changed.rules, means);
        if (found == changed.rules.end()) return false;
        revoked.rules.push_back(*found);
        changed.rules.erase(found);
        return true;
    };
    for (const auto& rule : rules)
        if (!take([&](const auto& standing) { return same_rule(standing, rule); }))
            return ApiError{"InvalidPermission.NotFound", "The specified rule does not exist in this security group."};
    for (const auto& id : request.security_group_rule_ids)
        if (!take([&](const auto& standing) { return standing.egress == egress && to_short_text("sgr-", standing.id) == id.view(); }))
            return ApiError{"InvalidSecurityGroupRuleId.NotFound", fmt::format("The security group rule ID '{}' does not exist", id)};
    txn.put(std::move(changed));
    return revoked;
}

template <class Response>
Response render_revoked(const RuleRows& rows)
{
    Response response;
    response.return_ = true;
    response.revoked_security_group_rules.emplace();
    for (const auto& rule : rows.rules) {
        auto& out = response.revoked_security_group_rules.emplace_back();
        out.security_group_rule_id = to_short_text("sgr-", rule.id);
        out.group_id = to_short_text("sg-", rows.group->id);
        out.is_egress = rule.egress;
        out.ip_protocol = rule.protocol;
        out.from_port = rule.from_port;
        out.to_port = rule.to_port;
        if (rule.prefix >= 0) out.cidr_ipv4 = peer_text(rule);
        if (!rule.ipv6.empty()) out.cidr_ipv6 = rule.ipv6;
        if (rule.group) out.referenced_group_id = peer_text(rule);
        if (!rule.description.empty()) out.description = rule.description;
    }
    return response;
}

Result<RuleRows> authorize_ingress(Txn& txn, const Call& call, const api::AuthorizeSecurityGroupIngressRequest& request)
{
    return authorize(txn, call, request, request.group_name, false);
}
Result<RuleRows> authorize_egress(Txn& txn, const Call& call, const api::AuthorizeSecurityGroupEgressRequest& request)
{
    return authorize(txn, call, request, {}, true);
}
Result<RuleRows> revoke_ingress(Txn& txn, const Call& call, const api::RevokeSecurityGroupIngressRequest& request)
{
    return revoke(txn, call, request, request.group_name, false);
}
Result<RuleRows> revoke_egress(Txn& txn, const Call& call, const api::RevokeSecurityGroupEgressRequest& request)
{
    return revoke(txn, call, request, {}, true);
}

}  // namespace

void serve_group_rules(Served& served)
{
    // The account is always the caller's own.
    const std::vector<std::string> owner = {"SourceSecurityGroupOwnerId"};
    served.add<api::ops::AuthorizeSecurityGroupIngress>(authorize_ingress, render_authorized<api::AuthorizeSecurityGroupIngressResult>)
        .ignores(owner);
    served.add<api::ops::AuthorizeSecurityGroupEgress>(authorize_egress, render_authorized<api::AuthorizeSecurityGroupEgressResult>)
        .ignores(owner);
    served.add<api::ops::RevokeSecurityGroupIngress>(revoke_ingress, render_revoked<api::RevokeSecurityGroupIngressResult>)
        .ignores(owner);
    served.add<api::ops::RevokeSecurityGroupEgress>(revoke_egress, render_revoked<api::RevokeSecurityGroupEgressResult>)
        .ignores(owner);
}

}  // namespace boxship::services::ec2
