// DescribeSecurityGroupRules, ModifySecurityGroupRules, UpdateSecurityGroupRuleDescriptionsIngress and Egress.
#include <algorithm>

#include <fmt/format.h>

#include "ec2/ops.h"
#include "services/ec2/filters.h"
#include "services/ec2/group_rules.h"
#include "services/ec2/lookup.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

struct OneRule {
    std::shared_ptr<const model::SecurityGroup> group;
    model::GroupRule rule;
};
struct RulePage {
    std::vector<OneRule> rows;
    std::string next_token;
};

ApiError unknown_rule(std::string_view id)
{
    return {"InvalidSecurityGroupRuleId.NotFound", fmt::format("The security group rule ID '{}' does not exist", id)};
}

Result<RulePage> describe_rules(Txn& txn, const Call& call, const api::DescribeSecurityGroupRulesRequest& request)
{
    RETURN_IF_ERROR(check_filters(request.filters, {"group-id", "security-group-rule-id"}));
    for (const auto& id : request.security_group_rule_ids)
        if (!find_group_of_rule(txn, call.scope, id)) return unknown_rule(id);
    const auto wanted = [&](const std::string& id) {
        return request.security_group_rule_ids.empty() || std::ranges::any_of(request.security_group_rule_ids, [&](const auto& name) { return name == id; });
    };
    std::map<std::string, OneRule> found;
    for (const auto& [id, group] : txn.rows<model::SecurityGroup>()) {
        if (group->scope != call.scope) continue;
        for (const auto& rule : group->rules) {
            const std::string name = to_short_text("sgr-", rule.id);
            Properties properties = {{"group-id", {to_short_text("sg-", id)}}, {"security-group-rule-id", {name}}};
            add_tag_properties(rule.tags, properties);
            if (wanted(name) && passes(request.filters, properties)) found.emplace(name, OneRule{group, rule});
        }
    }
    ASSIGN_OR_RETURN(const std::string after, read_token(request.next_token));
    RulePage page;
    for (auto at = after.empty() ? found.begin() : found.upper_bound(after); at != found.end(); ++at) {
        if (request.max_results && page.rows.size() == static_cast<std::size_t>(*request.max_results)) {
            page.next_token = to_base64(std::prev(at)->first);
            break;
        }
        page.rows.push_back(at->second);
    }
    return page;
}

api::DescribeSecurityGroupRulesResult render_rules(const RulePage& page)
{
    api::DescribeSecurityGroupRulesResult response;
    response.security_group_rules.emplace();
    for (const auto& row : page.rows) write_rule(*row.group, row.rule, response.security_group_rules.emplace_back());
    if (!page.next_token.empty()) response.next_token = page.next_token;
    return response;
}

Result<Done> modify_rules(Txn& txn, const Call& call, const api::ModifySecurityGroupRulesRequest& request)
{
    ASSIGN_OR_RETURN(const auto group, required_group(txn, call, request.group_id, {}));
    if (request.security_group_rules.empty()) return ApiError{"MissingParameter", "The request must contain the parameter SecurityGroupRules"};
    model::SecurityGroup changed = *group;
    for (const auto& update : request.security_group_rules) {
        const auto standing = std::ranges::find_if(changed.rules, [&](const auto& rule) { return to_short_text("sgr-", rule.id) == update.security_group_rule_id.view(); });
        if (standing == changed.rules.end()) return unknown_rule(update.security_group_rule_id);
        if (!update.security_group_rule) return ApiError{"MissingParameter", "The request must contain the parameter SecurityGroupRule"};
        ASSIGN_OR_RETURN(auto rule, read_rule(txn, call, *group, *update.security_group_rule, standing->egress));
        rule.id = standing->id;
        rule.tags = standing->tags;
        *standing = std::move(rule);
        const auto twin = [&](const auto& other) { return other.id != standing->id && same_rule(other, *standing); };
        if (std::ranges::any_of(changed.rules, twin))
            return ApiError{"InvalidPermission.Duplicate", fmt::format("another rule of the group is the same as '{}' would be", update.security_group_rule_id)};
    }
    txn.put(std::move(changed));
    return Done{};
}

template <class Request>
Result<Done> update_descriptions(Txn& txn, const Call& call, const Request& request, bool egress)
{
    ASSIGN_OR_RETURN(const auto group, required_group(txn, call, request.group_id, request.group_name));
    model::SecurityGroup changed = *group;
    for (const auto& permission : request.ip_permissions) {
        ASSIGN_OR_RETURN(const auto rules, read_permission(txn, call, *group, permission, egress));
        for (const auto& rule : rules) {
            const auto standing = std::ranges::find_if(changed.rules, [&](const auto& one) { return same_rule(one, rule); });
            if (standing == changed.rules.end()) return ApiError{"InvalidPermission.NotFound", "The specified rule does not exist in this security group."};
            standing->description = rule.description;
        }
    }
    for (const auto& entry : request.security_group_rule_descriptions) {
        const auto standing = std::ranges::find_if(changed.rules, [&](const auto& one) {
            return one.egress == egress && to_short_text("sgr-", one.id) == entry.security_group_rule_id.view();
        });
        if (standing == changed.rules.end()) return unknown_rule(entry.security_group_rule_id);
        standing->description = entry.description.str();
    }
    txn.put(std::move(changed));
    return Done{};
}

Result<Done> update_ingress(Txn& txn, const Call& call, const api::UpdateSecurityGroupRuleDescriptionsIngressRequest& request)
{
    return update_descriptions(txn, call, request, false);
}
Result<Done> update_egress(Txn& txn, const Call& call, const api::UpdateSecurityGroupRuleDescriptionsEgressRequest& request)
{
    return update_descriptions(txn, call, request, true);
}

}  // namespace

void serve_rule_lists(Served& served)
{
    served.add<api::ops::DescribeSecurityGroupRules>(describe_rules, render_rules);
    served.add<api::ops::ModifySecurityGroupRules>(modify_rules, render_done<api::ModifySecurityGroupRulesResult>);
    served.add<api::ops::UpdateSecurityGroupRuleDescriptionsIngress>(update_ingress, render_done<api::UpdateSecurityGroupRuleDescriptionsIngressResult>);
    served.add<api::ops::UpdateSecurityGroupRuleDescriptionsEgress>(update_egress, render_done<api::UpdateSecurityGroupRuleDescriptionsEgressResult>);
}

}  // namespace boxship::services::ec2
