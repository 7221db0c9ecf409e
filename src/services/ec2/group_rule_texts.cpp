// Reading rules and writing them.
#include "services/ec2/group_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "base/numbers.h"
#include "base/strings.h"
#include "services/ec2/filters.h"
#include "services/ec2/lookup.h"
#include "services/ec2/networks.h"

namespace boxship::services::ec2 {
namespace {

Result<> read_protocol(std::string_view text, model::GroupRule& rule)
{
    const std::string name = to_lower(text);
    if (name.empty()) return ApiError{"MissingParameter", "The request must contain the parameter ipProtocol"};
    for (const auto& [word, number] : {std::pair{"-1", "all"}, {"tcp", "6"}, {"udp", "17"}, {"icmp", "1"}, {"icmpv6", "58"}})
        if (name == word || name == number) {
            rule.protocol = word;
            return {};
        }
    const auto number = parse_number<int>(name);
    if (!number || *number < 0 || *number > 255) return invalid_value(fmt::format("Invalid value '{}' for IP protocol. Unknown protocol.", text));
    rule.protocol = name;
    return {};
}

Result<> read_ports(const shape::Opt<std::int32_t>& from, const shape::Opt<std::int32_t>& to, model::GroupRule& rule)
{
    constexpr int port_max = 65535;
    if (rule.protocol == "tcp" || rule.protocol == "udp") {
        if (!from || !to) return invalid_value("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
        if (*from == -1 && *to == -1) {  // as some clients say "all of them"
            rule.from_port = 0;
            rule.to_port = port_max;
            return {};
        }
        if (*from < 0 || *from > port_max || *to < 0 || *to > port_max)
            return invalid_value(fmt::format("Invalid value '{}' for port. Must be from 0 to 65535.", *from < 0 || *from > port_max ? *from : *to));
        if (*from > *to) return invalid_value(fmt::format("Invalid value '{}-{}' for portRange. The first port is behind the last.", *from, *to));
        rule.from_port = *from;
        rule.to_port = *to;
    } else if (rule.protocol == "icmp" || rule.protocol == "icmpv6") {
        rule.from_port = from.value_or(-1);
        rule.to_port = to.value_or(-1);
        if (rule.from_port < -1 || rule.from_port > 255 || rule.to_port < -1 || rule.to_port > 255)
            return invalid_value(fmt::format("ICMP type ({}) and code ({}) must be from -1 to 255.", rule.from_port, rule.to_port));
    }
    return {};
}

// Host bits are dropped, as EC2 does.
Result<> read_ipv4(std::string_view text, model::GroupRule& rule)
{
    const auto slash = text.find('/');
    const auto address = slash == text.npos ? std::nullopt : parse_ipv4(text.substr(0, slash));
    const auto prefix = slash == text.npos ? std::nullopt : parse_number<int>(text.substr(slash + 1));
    if (!address || !prefix || *prefix < 0 || *prefix > 32) return invalid_value(fmt::format("CIDR block {} is malformed", text));
    rule.prefix = *prefix;
    rule.network = *address & Ipv4Range{0, *prefix}.mask();
    return {};
}

Result<> read_ipv6(const std::string& text, model::GroupRule& rule)
{
    const auto slash = text.find('/');
    in6_addr address{};
    const auto prefix = slash == text.npos ? std::nullopt : parse_number<int>(std::string_view(text).substr(slash + 1));
    if (!prefix || *prefix < 0 || *prefix > 128 || ::inet_pton(AF_INET6, text.substr(0, slash).c_str(), &address) != 1)
        return invalid_value(fmt::format("CIDR block {} is malformed", text));
    rule.ipv6 = text;
    return {};
}

Result<> read_group(const state::View& view, const Call& call, const model::SecurityGroup& group, const shape::Str& id, const shape::Str& name,
                    model::GroupRule& rule)
{
    ASSIGN_OR_RETURN(const auto peer, required_group(view, call, id, name));
    if (peer->vpc != group.vpc) return ApiError{"InvalidParameter", "You have specified two resources that belong to different networks."};
    rule.group = peer->id;
    return {};
}

Result<> read_description(const shape::Str& text, model::GroupRule& rule)
{
    constexpr std::size_t text_max = 255;
    if (text.size() > text_max) return invalid_value("Invalid rule description. Up to 255 characters are allowed.");
    rule.description = text.str();
    return {};
}

api::IpPermission& permission_for(const model::GroupRule& rule, shape::List<api::IpPermission>& list)
{
    const bool ported = rule.protocol == "tcp" || rule.protocol == "udp" || rule.protocol.starts_with("icmp");
    for (auto& permission : list)
        if (permission.ip_protocol == rule.protocol && (!ported || (permission.from_port == rule.from_port && permission.to_port == rule.to_port)))
            return permission;
    auto& permission = list.emplace_back();
    permission.ip_protocol = rule.protocol;
    if (ported) {
        permission.from_port = rule.from_port;
        permission.to_port = rule.to_port;
    }
    permission.user_id_group_pairs.emplace();
    permission.ip_ranges.emplace();
    permission.ipv6_ranges.emplace();
    permission.prefix_list_ids.emplace();
    return permission;
}

}  // namespace

Result<std::vector<model::GroupRule>> read_permission(const state::View& view, const Call& call, const model::SecurityGroup& group,
                                                      const api::IpPermission& permission, bool egress)
{
    model::GroupRule pattern;
    pattern.egress = egress;
    RETURN_IF_ERROR(read_protocol(permission.ip_protocol, pattern));
    RETURN_IF_ERROR(read_ports(permission.from_port, permission.to_port, pattern));
    if (!permission.prefix_list_ids.empty()) return invalid_value("Prefix lists are not supported; name the ranges themselves.");
    std::vector<model::GroupRule> rules;
    for (const auto& range : permission.ip_ranges) {
        auto& rule = rules.emplace_back(pattern);
        RETURN_IF_ERROR(read_ipv4(range.cidr_ip, rule));
        RETURN_IF_ERROR(read_description(range.description, rule));
    }
    for (const auto& range : permission.ipv6_ranges) {
        auto& rule = rules.emplace_back(pattern);
        RETURN_IF_ERROR(read_ipv6(range.cidr_ipv6.str(), rule));
        RETURN_IF_ERROR(read_description(range.description, rule));
    }
    for (const auto& pair : permission.user_id_group_pairs) {
        auto& rule = rules.emplace_back(pattern);
        RETURN_IF_ERROR(read_group(view, call, group, pair.group_id, pair.group_name, rule));
        RETURN_IF_ERROR(read_description(pair.description, rule));
    }
    if (rules.empty()) return ApiError{"InvalidParameterValue", "A permission must name at least one IP range or security group."};
    return rules;
}

Result<model::GroupRule> read_rule(const state::View& view, const Call& call, const model::SecurityGroup& group,
                                   const api::SecurityGroupRuleRequest& request, bool egress)
{
    model::GroupRule rule;
    rule.egress = egress;
    RETURN_IF_ERROR(read_protocol(request.ip_protocol, rule));
    RETURN_IF_ERROR(read_ports(request.from_port, request.to_port, rule));
    if (!request.prefix_list_id.empty()) return invalid_value("Prefix lists are not supported; name the ranges themselves.");
    const int peers = !request.cidr_ipv4.empty() + !request.cidr_ipv6.empty() + !request.referenced_group_id.empty();
    if (peers != 1) return invalid_value("A rule names exactly one IP range or security group.");
    if (!request.cidr_ipv4.empty()) RETURN_IF_ERROR(read_ipv4(request.cidr_ipv4, rule));
    if (!request.cidr_ipv6.empty()) RETURN_IF_ERROR(read_ipv6(request.cidr_ipv6.str(), rule));
    if (!request.referenced_group_id.empty()) RETURN_IF_ERROR(read_group(view, call, group, request.referenced_group_id, {}, rule));
    RETURN_IF_ERROR(read_description(request.description, rule));
    return rule;
}

bool same_rule(const model::GroupRule& a, const model::GroupRule& b)
{
    return a.egress == b.egress && a.protocol == b.protocol && a.from_port == b.from_port && a.to_port == b.to_port && a.network == b.network &&
           a.prefix == b.prefix && a.ipv6 == b.ipv6 && a.group == b.group;
}

std::string peer_text(const model::GroupRule& rule)
{
    if (rule.prefix >= 0) return range_of(rule.network, rule.prefix);
    return rule.group ? to_short_text("sg-", rule.group) : rule.ipv6;
}

void write_permissions(const model::SecurityGroup& group, bool egress, shape::List<api::IpPermission>& list)
{
    list.emplace();
    // A row of before there were rules is shown as what it stood for; the next start of the server writes them down.
    for (const auto& rule : group.has_rules ? group.rules : default_group_rules(group)) {
        if (rule.egress != egress) continue;
        auto& permission = permission_for(rule, list);
        const auto describe = [&](auto& peer) { if (!rule.description.empty()) peer.description = rule.description; };
        if (rule.prefix >= 0) {
            auto& range = permission.ip_ranges.emplace_back();
            range.cidr_ip = peer_text(rule);
            describe(range);
        } else if (rule.group) {
            auto& pair = permission.user_id_group_pairs.emplace_back();
            pair.group_id = peer_text(rule);
            pair.user_id = group.scope.account;
            describe(pair);
        } else {
            auto& range = permission.ipv6_ranges.emplace_back();
            range.cidr_ipv6 = rule.ipv6;
            describe(range);
        }
    }
}

void write_rule(const model::SecurityGroup& group, const model::GroupRule& rule, api::SecurityGroupRule& out)
{
    out.security_group_rule_id = to_short_text("sgr-", rule.id);
    out.security_group_rule_arn = ec2_arn(group.scope, "security-group-rule/" + out.security_group_rule_id.str());
    out.group_id = to_short_text("sg-", group.id);
    out.group_owner_id = group.scope.account;
    out.is_egress = rule.egress;
    out.ip_protocol = rule.protocol;
    out.from_port = rule.from_port;
    out.to_port = rule.to_port;
    if (rule.prefix >= 0) out.cidr_ipv4 = peer_text(rule);
    if (!rule.ipv6.empty()) out.cidr_ipv6 = rule.ipv6;
    if (rule.group) {
        out.referenced_group_info->group_id = to_short_text("sg-", rule.group);
        out.referenced_group_info->user_id = group.scope.account;
        out.referenced_group_info->vpc_id = to_short_text("vpc-", group.vpc);
    }
    if (!rule.description.empty()) out.description = rule.description;
    write_tags(rule.tags, out.tags);
}

}  // namespace boxship::services::ec2
