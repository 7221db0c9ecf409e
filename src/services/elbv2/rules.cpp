// CreateRule, ModifyRule, DeleteRule, DescribeRules, SetRulePriorities.
#include <map>
#include <set>

#include "services/elbv2/actions.h"
#include "services/elbv2/conditions.h"
#include "services/elbv2/serve.h"
#include "services/elbv2/sums.h"

namespace boxship::services::elbv2 {
namespace {


struct RuleRow {
    RulePtr rule;             // nullptr: the listener's default rule
    ListenerPtr listener;
    BalancerPtr balancer;
};
struct RuleRows {
    std::vector<RuleRow> rules;
    GroupArns groups;
    std::string next_marker;
};

void add_rule(const View& view, RulePtr rule, ListenerPtr listener, RuleRows& rows)
{
    note_groups(view, rule ? rule->actions : listener->actions, rows.groups);
    auto balancer = view.get<model::LoadBalancer>(listener->load_balancer);
    rows.rules.push_back({std::move(rule), std::move(listener), std::move(balancer)});
}

void write_rule(const RuleRow& row, const GroupArns& groups, api::Rule& out)
{
    const bool is_default = !row.rule;
    out.rule_arn = model::rule_arn(*row.balancer, row.listener->id, is_default ? row.listener->default_rule : row.rule->id);
    out.priority = is_default ? "default" : std::to_string(row.rule->priority);
    out.is_default = is_default;
    out.conditions.emplace();
    if (!is_default) write_conditions(row.rule->conditions, out.conditions);
    write_actions(is_default ? row.listener->actions : row.rule->actions, groups, out.actions);
}

ApiError priority_in_use(std::int32_t priority)
{
    return {"PriorityInUseException", fmt::format("Priority '{}' is currently in use", priority)};
}

Result<RuleRows> create_rule(Txn& txn, const Call& call, const api::CreateRuleInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr listener, find_listener(txn, call, request.listener_arn));
    model::ListenerRule rule{.id = call.ids.next<RuleId>(), .listener = listener->id, .priority = *request.priority};
    ASSIGN_OR_RETURN(rule.conditions, read_conditions(call, request.conditions));
    ASSIGN_OR_RETURN(rule.actions, read_actions(txn, call, *listener, request.actions));
    ASSIGN_OR_RETURN(rule.tags, read_tags(call, request.tags));
    if (txn.any<state::RuleByPriority>({listener->id, rule.priority})) return priority_in_use(rule.priority);
    const RuleId id = rule.id;
    txn.put(std::move(rule));
    RETURN_IF_ERROR(check_rule_count(txn, call, listener->load_balancer));
    RETURN_IF_ERROR(check_group_count(txn, call, listener->load_balancer));
    RuleRows rows;
    add_rule(txn, txn.get<model::ListenerRule>(id), listener, rows);
    return rows;
}

Result<RuleRows> modify_rule(Txn& txn, const Call& call, const api::ModifyRuleInput& request)
{
    ASSIGN_OR_RETURN(const FoundRule found, find_rule(txn, call, request.rule_arn));
    if (found.is_default())
        return ApiError{"OperationNotPermittedException", fmt::format("Default rule '{}' cannot be modified; modify its listener", request.rule_arn)};
    model::ListenerRule rule = *found.rule;
    if (request.conditions.has()) { ASSIGN_OR_RETURN(rule.conditions, read_conditions(call, request.conditions)); }
    if (request.actions.has()) { ASSIGN_OR_RETURN(rule.actions, read_actions(txn, call, *found.listener, request.actions)); }
    txn.put(std::move(rule));
    if (request.actions.has()) RETURN_IF_ERROR(check_group_count(txn, call, found.listener->load_balancer));
    RuleRows rows;
    add_rule(txn, txn.get<model::ListenerRule>(found.rule->id), found.listener, rows);
    return rows;
}

Result<Done> delete_rule(Txn& txn, const Call& call, const api::DeleteRuleInput& request)
{
    ASSIGN_OR_RETURN(const FoundRule found, find_rule(txn, call, request.rule_arn));
    if (found.is_default())
        return ApiError{"OperationNotPermittedException", fmt::format("Default rule '{}' cannot be deleted", request.rule_arn)};
    txn.erase<model::ListenerRule>(found.rule->id);
    return Done{};
}

Result<RuleRows> describe_rules(Txn& txn, const Call& call, const api::DescribeRulesInput& request)
{
    if (request.listener_arn.has() == !request.rule_arns.empty()) return validation("You must specify either listener rule ARNs or a listener ARN");
    ASSIGN_OR_RETURN(const Marker page, read_marker(request.marker, request.page_size));
    std::vector<FoundRule> found;
    for (const auto& arn : request.rule_arns) {
        ASSIGN_OR_RETURN(found.emplace_back(), find_rule(txn, call, arn));
    }
    if (request.listener_arn.has()) {
        ASSIGN_OR_RETURN(const ListenerPtr listener, find_listener(txn, call, request.listener_arn));
        for (auto& rule : txn.all<state::RulesByListener>(listener->id)) found.push_back({rule, listener});
        std::ranges::sort(found, {}, [](const FoundRule& rule) { return rule.rule->priority; });
        found.push_back({nullptr, listener});
    }
    // By priority, the default rule last.
    const auto place = [](const FoundRule& rule) { return rule.rule ? fmt::format("{:05}", rule.rule->priority) : std::string("default"); };
    RuleRows rows;
    rows.next_marker = take_page(found, page, place);
    for (auto& rule : found) add_rule(txn, std::move(rule.rule), std::move(rule.listener), rows);
    return rows;
}

Result<RuleRows> set_rule_priorities(Txn& txn, const Call& call, const api::SetRulePrioritiesInput& request)
{
    std::map<RuleId, model::ListenerRule> moved;
    std::vector<std::pair<RuleId, ListenerPtr>> order;
    std::set<state::RulePriority> taken;
    if (request.rule_priorities.empty()) return validation("At least one rule priority must be specified");
    for (const auto& pair : request.rule_priorities) {
        ASSIGN_OR_RETURN(const FoundRule found, find_rule(txn, call, pair.rule_arn));
        if (found.is_default())
            return ApiError{"OperationNotPermittedException", fmt::format("The priority of default rule '{}' cannot be modified", pair.rule_arn)};
        if (!pair.priority) return validation("A priority must be specified for each rule");
        model::ListenerRule rule = *found.rule;
        rule.priority = *pair.priority;
        if (!taken.insert({rule.listener, rule.priority}).second) return priority_in_use(rule.priority);
        order.emplace_back(rule.id, found.listener);
        moved.insert_or_assign(rule.id, std::move(rule));
    }
    for (const auto& place : taken)
        for (const auto& other : txn.all<state::RuleByPriority>(place))
            if (!moved.contains(other->id)) return priority_in_use(place.priority);
    for (const auto& [id, rule] : moved) txn.put(rule);
    RuleRows rows;
    for (const auto& [id, listener] : order) add_rule(txn, txn.get<model::ListenerRule>(id), listener, rows);
    return rows;
}

template <class Response>
Response render_rules(const RuleRows& rows)
{
    Response response;
    response.rules.emplace();
    for (const auto& row : rows.rules) write_rule(row, rows.groups, response.rules.emplace_back());
    if constexpr (requires { response.next_marker; })
        if (!rows.next_marker.empty()) response.next_marker = rows.next_marker;
    return response;
}

}  // namespace

void serve_rules(Served& served)
{
    // What is left out of actions (OIDC, Cognito, JWT) is refused by its type, with a sentence.
    served.add<api::ops::CreateRule>(create_rule, render_rules<api::CreateRuleOutput>)
        .refuses({"Transforms", "Conditions.RegexValues", "Conditions.HostHeaderConfig.RegexValues", "Conditions.PathPatternConfig.RegexValues",
                  "Conditions.HttpHeaderConfig.RegexValues"});
    served.add<api::ops::ModifyRule>(modify_rule, render_rules<api::ModifyRuleOutput>)
        .ignores({"ResetTransforms"})
        .refuses({"Transforms", "Conditions.RegexValues", "Conditions.HostHeaderConfig.RegexValues", "Conditions.PathPatternConfig.RegexValues",
                  "Conditions.HttpHeaderConfig.RegexValues"});
    served.add<api::ops::DeleteRule>(delete_rule, render_nothing<api::DeleteRuleOutput>);
    served.add<api::ops::DescribeRules>(describe_rules, render_rules<api::DescribeRulesOutput>);
    served.add<api::ops::SetRulePriorities>(set_rule_priorities, render_rules<api::SetRulePrioritiesOutput>);
}

}  // namespace boxship::services::elbv2
