// CreateSecurityGroup, DeleteSecurityGroup, DescribeSecurityGroups.
#include <algorithm>

#include <fmt/format.h>

#include "ec2/ops.h"
#include "services/ec2/group_rules.h"
#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

using GroupPtr = std::shared_ptr<const model::SecurityGroup>;

Result<> check_text(std::string_view what, std::string_view text)
{
    constexpr std::size_t text_max = 255;
    constexpr std::string_view marks = " ._-:/()#,@[]+=&;{}!$*";
    const auto allowed = [&](unsigned char c) { return std::isalnum(c) || marks.find(static_cast<char>(c)) != marks.npos; };
    if (text.empty()) return ApiError{"MissingParameter", fmt::format("The request must contain the parameter {}", what)};
    if (text.size() > text_max || !std::ranges::all_of(text, allowed))
        return invalid_value(fmt::format("Value ({}) for parameter {} is invalid. Character sets beyond ASCII are not supported.", text, what));
    return {};
}

Result<GroupPtr> create_security_group(Txn& txn, const Call& call, const api::CreateSecurityGroupRequest& request)
{
    RETURN_IF_ERROR(check_text("GroupName", request.group_name));
    RETURN_IF_ERROR(check_text("GroupDescription", request.description));
    const std::string name = request.group_name.str();
    if (name.starts_with("sg-"))
        return invalid_value(fmt::format("Value ({}) for parameter GroupName is invalid. Group names may not be in the format sg-*.", name));
    const auto vpc = request.vpc_id.empty() ? default_vpc(txn, call.scope) : find_vpc(txn, call.scope, request.vpc_id);
    if (!vpc) return ApiError{"InvalidVpcID.NotFound", fmt::format("The vpc ID '{}' does not exist", request.vpc_id)};
    if (name == "default") return ApiError{"InvalidParameterValue", "Cannot use reserved security group name: default"};
    for (const auto& other : txn.all<state::GroupsByVpc>(vpc->id))
        if (other->name == name)
            return ApiError{"InvalidGroup.Duplicate", fmt::format("The security group '{}' already exists for VPC '{}'", name, to_short_text("vpc-", vpc->id))};
    if (txn.count_in<model::SecurityGroup>(call.scope) >= call.quota(model::Quota::security_groups))
        return ApiError{"SecurityGroupLimitExceeded", "The maximum number of security groups has been reached."};
    model::SecurityGroup group;
    group.id = call.ids.next<SecurityGroupId>();
    group.scope = call.scope;
    group.vpc = vpc->id;
    group.name = name;
    group.description = request.description.str();
    ASSIGN_OR_RETURN(group.tags, read_specifications(call, request.tag_specifications, api::ResourceType::security_group));
    group.rules.push_back(allow_all_out());
    group.rules.back().id = call.ids.next<GroupRuleId>();
    group.has_rules = true;
    const SecurityGroupId id = group.id;
    txn.put(std::move(group));
    return txn.get<model::SecurityGroup>(id);
}

api::CreateSecurityGroupResult render_created(const GroupPtr& group)
{
    api::CreateSecurityGroupResult response;
    response.group_id = to_short_text("sg-", group->id);
    response.security_group_arn = ec2_arn(group->scope, "security-group/" + response.group_id.str());
    write_tags(group->tags, response.tags);
    return response;
}

bool is_used(const state::View& view, const model::SecurityGroup& group)
{
    if (view.any<state::EnisByGroup>(group.id)) return true;
    for (const auto& other : view.all<state::GroupsByVpc>(group.vpc))
        if (other->id != group.id && std::ranges::any_of(other->rules, [&](const auto& rule) { return rule.group == group.id; })) return true;
    for (const auto& [id, load_balancer] : view.rows<model::LoadBalancer>())
        if (std::ranges::find(load_balancer->groups, group.id) != load_balancer->groups.end()) return true;
    return false;
}

Result<GroupPtr> delete_security_group(Txn& txn, const Call& call, const api::DeleteSecurityGroupRequest& request)
{
    ASSIGN_OR_RETURN(auto group, required_group(txn, call, request.group_id, request.group_name));
    const std::string id = to_short_text("sg-", group->id);
    if (group->is_default())
        return ApiError{"CannotDelete", fmt::format("the specified group: \"{}\" name: \"default\" cannot be deleted by a user", id)};
    if (is_used(txn, *group)) return ApiError{"DependencyViolation", fmt::format("resource {} has a dependent object", id)};
    txn.erase<model::SecurityGroup>(group->id);
    return group;
}

api::DeleteSecurityGroupResult render_deleted(const GroupPtr& group)
{
    api::DeleteSecurityGroupResult response;
    response.return_ = true;
    response.group_id = to_short_text("sg-", group->id);
    return response;
}

// "ip-permission.cidr" and its like, of both directions.
void add_rule_properties(const state::View& view, const model::SecurityGroup& group, Properties& properties)
{
    for (const auto& rule : group.rules) {
        const std::string prefix = rule.egress ? "egress.ip-permission." : "ip-permission.";
        properties[prefix + "protocol"].push_back(rule.protocol);
        properties[prefix + "from-port"].push_back(std::to_string(rule.from_port));
        properties[prefix + "to-port"].push_back(std::to_string(rule.to_port));
        if (rule.prefix >= 0) properties[prefix + "cidr"].push_back(range_of(rule.network, rule.prefix));
        if (!rule.ipv6.empty()) properties[prefix + "ipv6-cidr"].push_back(rule.ipv6);
        if (!rule.group) continue;
        properties[prefix + "group-id"].push_back(to_short_text("sg-", rule.group));
        properties[prefix + "user-id"].push_back(group.scope.account);
        if (const auto peer = view.get<model::SecurityGroup>(rule.group)) properties[prefix + "group-name"].push_back(peer->name);
    }
}

Properties group_properties(const state::View& view, const model::SecurityGroup& group)
{
    Properties properties = {{"group-id", {to_short_text("sg-", group.id)}}, {"group-name", {group.name}}, {"description", {group.description}},
                             {"vpc-id", {to_short_text("vpc-", group.vpc)}}, {"owner-id", {group.scope.account}}};
    add_tag_properties(group.tags, properties);
    add_rule_properties(view, group, properties);
    return properties;
}

Result<Described<model::SecurityGroup>> describe_security_groups(Txn& txn, const Call& call, const api::DescribeSecurityGroupsRequest& request)
{
    static const KindOfRow<model::SecurityGroup> kind{"sg-", "InvalidGroup.NotFound", "The security group", find_group,
        {"group-id", "group-name", "description", "vpc-id", "owner-id", "ip-permission.protocol", "ip-permission.from-port", "ip-permission.to-port",
         "ip-permission.cidr", "ip-permission.ipv6-cidr", "ip-permission.group-id", "egress.ip-permission.protocol", "egress.ip-permission.from-port",
         "egress.ip-permission.to-port", "egress.ip-permission.cidr", "egress.ip-permission.ipv6-cidr", "egress.ip-permission.group-id",
         "ip-permission.group-name", "ip-permission.user-id", "ip-permission.prefix-list-id", "egress.ip-permission.group-name",
         "egress.ip-permission.user-id", "egress.ip-permission.prefix-list-id"},
        group_properties};
    ASSIGN_OR_RETURN(auto found, describe(txn, call, request, request.group_ids, kind));
    for (const auto& name : request.group_names) {
        const auto named = [&](const auto& group) { return group->name == name.view(); };
        if (std::ranges::none_of(found.rows, named))
            return ApiError{"InvalidGroup.NotFound", fmt::format("The security group '{}' does not exist", name)};
    }
    if (!request.group_names.empty())
        std::erase_if(found.rows, [&](const auto& group) {
            return std::ranges::none_of(request.group_names, [&](const auto& name) { return name == group->name; });
        });
    return found;
}

api::DescribeSecurityGroupsResult render_groups(const Described<model::SecurityGroup>& found)
{
    api::DescribeSecurityGroupsResult response;
    response.security_groups.emplace();
    for (const auto& group : found.rows) {
        auto& out = response.security_groups.emplace_back();
        out.group_id = to_short_text("sg-", group->id);
        out.security_group_arn = ec2_arn(group->scope, "security-group/" + out.group_id.str());
        out.group_name = group->name;
        out.description = group->description;
        out.vpc_id = to_short_text("vpc-", group->vpc);
        out.owner_id = group->scope.account;
        write_permissions(*group, false, out.ip_permissions);
        write_permissions(*group, true, out.ip_permissions_egress);
        write_tags(group->tags, out.tags);
    }
    if (!found.next_token.empty()) response.next_token = found.next_token;
    return response;
}

}  // namespace

Result<GroupPtr> required_group(const state::View& view, const Call& call, const shape::Str& id, const shape::Str& name)
{
    if (!id.empty()) {
        if (auto group = find_group(view, call.scope, id)) return group;
        return ApiError{"InvalidGroup.NotFound", fmt::format("The security group '{}' does not exist", id)};
    }
    if (name.empty()) return ApiError{"MissingParameter", "The request must contain the parameter groupName or groupId"};
    if (const auto vpc = default_vpc(view, call.scope))
        for (auto& group : view.all<state::GroupsByVpc>(vpc->id))
            if (group->name == name.view()) return group;
    return ApiError{"InvalidGroup.NotFound", fmt::format("The security group '{}' does not exist in default VPC", name)};
}

void serve_security_groups(Served& served)
{
    served.add<api::ops::CreateSecurityGroup>(create_security_group, render_created);
    served.add<api::ops::DeleteSecurityGroup>(delete_security_group, render_deleted);
    served.add<api::ops::DescribeSecurityGroups>(describe_security_groups, render_groups);
}

}  // namespace boxship::services::ec2
