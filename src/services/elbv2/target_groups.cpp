// CreateTargetGroup, ModifyTargetGroup, DeleteTargetGroup, DescribeTargetGroups.
#include <charconv>

#include "decide/targets.h"
#include "services/ec2/lookup.h"
#include "services/elbv2/common.h"
#include "services/elbv2/serve.h"

namespace boxship::services::elbv2 {
namespace {

struct GroupRow {
    TargetGroupPtr group;
    std::vector<std::string> balancers;   // ARNs
};
struct GroupRows {
    std::vector<GroupRow> groups;
    std::string next_marker;
};

GroupRow group_row(const View& view, TargetGroupPtr group)
{
    GroupRow row{.group = std::move(group), .balancers = {}};
    for (const auto& id : decide::load_balancers_of(view, row.group->id)) row.balancers.push_back(balancer_arn(view, id));
    return row;
}

Result<> check_group_name(std::string_view name)
{
    const bool characters = std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    });
    if (name.empty() || name.size() > 32) return validation(fmt::format("Target group name '{}' cannot be longer than '32' characters", name));
    if (!characters) return validation(fmt::format("Target group name '{}' can only contain characters that are alphanumeric characters or hyphens(-)", name));
    if (name.starts_with('-') || name.ends_with('-')) return validation(fmt::format("Target group name '{}' cannot begin or end with a hyphen(-)", name));
    return {};
}

// "200", "200-299", "200,301-302": parts between least and most.
bool is_matcher(std::string_view text, int least, int most)
{
    if (text.empty()) return false;
    const char* at = text.data();
    const char* const end = at + text.size();
    for (;;) {
        int from = 0, to = 0;
        auto read = std::from_chars(at, end, from);
        if (read.ec != std::errc{}) return false;
        to = from;
        if (read.ptr != end && *read.ptr == '-') {
            read = std::from_chars(read.ptr + 1, end, to);
            if (read.ec != std::errc{}) return false;
        }
        if (from < least || to > most || from > to) return false;
        if (read.ptr == end) return true;
        if (*read.ptr != ',') return false;
        at = read.ptr + 1;
    }
}

// What CreateTargetGroup and ModifyTargetGroup say of health checks, over what holds.
template <class Request>
Result<> read_health_check(const Request& request, const model::TargetGroup& group, model::HealthCheck& check)
{
    const bool grpc = group.version == model::ProtocolVersion::grpc;
    if (request.health_check_enabled) {
        if (!*request.health_check_enabled) return validation("Health check enabled must be true for target groups with target type '" + std::string(group.type == model::TargetType::ip ? "ip" : "instance") + "'");
        check.enabled = true;
    }
    if (request.health_check_protocol) {
        if (*request.health_check_protocol == api::ProtocolEnum::http) check.protocol = model::TargetProtocol::http;
        else if (*request.health_check_protocol == api::ProtocolEnum::https) check.protocol = model::TargetProtocol::https;
        else return validation(fmt::format("Health check protocol '{}' must be one of 'HTTP, HTTPS'", to_text(*request.health_check_protocol)));
    }
    if (request.health_check_port.has()) {
        check.port = request.health_check_port.str();
        if (check.port != "traffic-port" && !is_number(check.port, 1, 65535))
            return validation(fmt::format("Health check port '{}' must be 'traffic-port' or in the range of 1-65535", check.port));
    }
    if (request.health_check_path.has()) {
        check.path = request.health_check_path.str();
        const bool visible_path = std::ranges::all_of(check.path, [](unsigned char c) { return c > ' ' && c < 127; });
        if (!check.path.starts_with('/') || !visible_path)
            return validation(fmt::format("Health check path '{}' must begin with a '/' character, and can only contain printable ASCII characters, without spaces", check.path));
    }
    if (request.health_check_interval_seconds) check.interval_seconds = *request.health_check_interval_seconds;
    if (request.health_check_timeout_seconds) check.timeout_seconds = *request.health_check_timeout_seconds;
    if (request.healthy_threshold_count) check.healthy_threshold = *request.healthy_threshold_count;
    if (request.unhealthy_threshold_count) check.unhealthy_threshold = *request.unhealthy_threshold_count;
    if (check.timeout_seconds >= check.interval_seconds)
        return validation("Health check interval must be greater than the timeout.");
    if (request.matcher) {
        const auto& matcher = *request.matcher;
        if (matcher.http_code.has() && matcher.grpc_code.has()) return validation("You cannot specify both an HTTP code and a gRPC code");
        if (matcher.http_code.has() == grpc) return validation(grpc ? "Health check matcher must be a gRPC code for a target group with protocol version 'GRPC'" : "Health check matcher must be an HTTP code");
        check.matcher = grpc ? matcher.grpc_code.str() : matcher.http_code.str();
        if (!is_matcher(check.matcher, grpc ? 0 : 200, grpc ? 99 : 499))
            return validation(grpc ? fmt::format("Health check matcher GRPC code '{}' must be within '0-99' inclusive", check.matcher)
                                   : fmt::format("Health check matcher HTTP code '{}' must be within '200-499' inclusive", check.matcher));
    }
    return {};
}

Result<> read_kind(const View& view, const Call& call, const api::CreateTargetGroupInput& request, model::TargetGroup& group)
{
    const auto type = request.target_type.value_or(api::TargetTypeEnum::instance);
    if (type != api::TargetTypeEnum::instance && type != api::TargetTypeEnum::ip)
        return invalid_configuration(fmt::format("Target groups of type '{}' are not supported by this server; 'instance' and 'ip' are", to_text(type)));
    group.type = type == api::TargetTypeEnum::ip ? model::TargetType::ip : model::TargetType::instance;
    if (!request.protocol) return validation("A protocol must be specified");
    if (*request.protocol != api::ProtocolEnum::http && *request.protocol != api::ProtocolEnum::https)
        return invalid_configuration(fmt::format("Target groups of protocol '{}' are not supported by this server; 'HTTP' and 'HTTPS' are", to_text(*request.protocol)));
    group.protocol = *request.protocol == api::ProtocolEnum::https ? model::TargetProtocol::https : model::TargetProtocol::http;
    if (request.protocol_version.has()) {
        if (request.protocol_version == "HTTP1") group.version = model::ProtocolVersion::http1;
        else if (request.protocol_version == "HTTP2") group.version = model::ProtocolVersion::http2;
        else if (request.protocol_version == "GRPC") group.version = model::ProtocolVersion::grpc;
        else return validation(fmt::format("The protocol version '{}' must be one of 'HTTP1, HTTP2, GRPC'", request.protocol_version));
    }
    if (!request.port) return validation("A port must be specified");
    group.port = *request.port;
    if (request.vpc_id.empty()) return validation("A VPC ID must be specified");
    const auto vpc = ec2::find_vpc(view, call.scope, request.vpc_id);
    if (!vpc) return validation(fmt::format("The VPC ID '{}' is not found", request.vpc_id));
    group.vpc = vpc->id;
    if (request.ip_address_type && *request.ip_address_type != api::TargetGroupIpAddressTypeEnum::ipv4)
        return invalid_configuration("The IP address type 'ipv6' is not supported by this server; 'ipv4' is");
    return {};
}

Result<GroupRow> create_target_group(Txn& txn, const Call& call, const api::CreateTargetGroupInput& request)
{
    RETURN_IF_ERROR(check_group_name(request.name));
    model::TargetGroup group{.id = call.ids.next<TargetGroupId>(), .scope = call.scope, .name = request.name.str()};
    group.created_at = call.now;
    RETURN_IF_ERROR(read_kind(txn, call, request, group));
    group.health_check.protocol = model::TargetProtocol::http;
    if (group.version == model::ProtocolVersion::grpc) {
        group.health_check.path = "/AWS.ALB/healthcheck";
        group.health_check.matcher = "12";
    }
    RETURN_IF_ERROR(read_health_check(request, group, group.health_check));
    ASSIGN_OR_RETURN(group.tags, read_tags(call, request.tags));
    if (auto standing = txn.first<state::TargetGroupByName>({call.scope, group.name})) {
        const bool same = standing->type == group.type && standing->protocol == group.protocol && standing->version == group.version &&
                          standing->port == group.port && standing->vpc == group.vpc && standing->health_check == group.health_check;
        if (same) return group_row(txn, std::move(standing));
        return ApiError{"DuplicateTargetGroupNameException",
                        fmt::format("A target group with the same name '{}' exists, but with different settings", group.name)};
    }
    if (const auto most = call.quota(model::Quota::target_groups); txn.count_in<model::TargetGroup>(call.scope) >= most)
        return ApiError{"TooManyTargetGroupsException", fmt::format("You can have no more than {} target groups", most)};
    const TargetGroupId id = group.id;
    txn.put(std::move(group));
    return group_row(txn, txn.get<model::TargetGroup>(id));
}

Result<GroupRow> modify_target_group(Txn& txn, const Call& call, const api::ModifyTargetGroupInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr found, find_group(txn, call, request.target_group_arn));
    model::TargetGroup group = *found;
    RETURN_IF_ERROR(read_health_check(request, *found, group.health_check));
    txn.put(std::move(group));
    return group_row(txn, txn.get<model::TargetGroup>(found->id));
}

Result<Done> delete_target_group(Txn& txn, const Call& call, const api::DeleteTargetGroupInput& request)
{
    const auto found = find_group(txn, call, request.target_group_arn);
    if (!found.ok()) {
        if (found.error().code == "TargetGroupNotFoundException") return Done{};  // as on AWS: deleting twice succeeds
        return found.error();
    }
    if (decide::is_attached(txn, (*found)->id))
        return ApiError{"ResourceInUseException", fmt::format("Target group '{}' is currently in use by a listener or a rule", request.target_group_arn)};
    for (const auto& target : txn.all<state::TargetsByGroup>((*found)->id)) txn.erase<model::Target>(target->name);
    txn.erase<model::TargetGroup>((*found)->id);
    return Done{};
}

Result<GroupRows> describe_target_groups(Txn& txn, const Call& call, const api::DescribeTargetGroupsInput& request)
{
    const int ways = request.load_balancer_arn.has() + !request.target_group_arns.empty() + !request.names.empty();
    if (ways > 1) return validation("Only one of load balancer ARN, target group ARNs and target group names can be specified");
    ASSIGN_OR_RETURN(const Marker page, read_marker(request.marker, request.page_size));
    std::vector<TargetGroupPtr> found;
    for (const auto& arn : request.target_group_arns) {
        auto group = find_group(txn, call, arn);
        if (!group.ok() && group.error().code == "TargetGroupNotFoundException") return ApiError{group.error().code, "One or more target groups not found"};
        if (!group.ok()) return group.error();
        found.push_back(std::move(*group));
    }
    for (const auto& name : request.names) {
        auto group = txn.first<state::TargetGroupByName>({call.scope, name.str()});
        if (!group) return ApiError{"TargetGroupNotFoundException", "One or more target groups not found"};
        found.push_back(std::move(group));
    }
    if (request.load_balancer_arn.has()) {
        ASSIGN_OR_RETURN(const BalancerPtr balancer, find_balancer(txn, call, request.load_balancer_arn));
        for (const auto& [id, group] : txn.rows<model::TargetGroup>()) {
            const auto balancers = decide::load_balancers_of(txn, id);
            if (std::ranges::find(balancers, balancer->id) != balancers.end()) found.push_back(group);
        }
    } else if (ways == 0) {
        for (const auto& [id, group] : txn.rows<model::TargetGroup>())
            if (group->scope == call.scope) found.push_back(group);
    }
    GroupRows rows;
    rows.next_marker = take_page(found, page, [](const TargetGroupPtr& row) { return to_text(row->id); });
    for (auto& group : found) rows.groups.push_back(group_row(txn, std::move(group)));
    return rows;
}

api::ProtocolEnum to_api(model::TargetProtocol protocol)
{
    return protocol == model::TargetProtocol::https ? api::ProtocolEnum::https : api::ProtocolEnum::http;
}

void write_group(const GroupRow& row, api::TargetGroup& out)
{
    const auto& group = *row.group;
    const auto& check = group.health_check;
    const bool grpc = group.version == model::ProtocolVersion::grpc;
    out.target_group_arn = model::target_group_arn(group);
    out.target_group_name = group.name;
    out.protocol = to_api(group.protocol);
    out.port = group.port;
    out.vpc_id = to_short_text("vpc-", group.vpc);
    out.health_check_protocol = to_api(check.protocol);
    out.health_check_port = check.port;
    out.health_check_enabled = check.enabled;
    out.health_check_interval_seconds = check.interval_seconds;
    out.health_check_timeout_seconds = check.timeout_seconds;
    out.healthy_threshold_count = check.healthy_threshold;
    out.unhealthy_threshold_count = check.unhealthy_threshold;
    out.health_check_path = check.path;
    if (grpc) out.matcher->grpc_code = check.matcher;
    else out.matcher->http_code = check.matcher;
    out.load_balancer_arns.assign(row.balancers);
    out.target_type = group.type == model::TargetType::ip ? api::TargetTypeEnum::ip : api::TargetTypeEnum::instance;
    out.protocol_version = grpc ? "GRPC" : group.version == model::ProtocolVersion::http2 ? "HTTP2" : "HTTP1";
    out.ip_address_type = api::TargetGroupIpAddressTypeEnum::ipv4;
}

template <class Response>
Response render_group(const GroupRow& row)
{
    Response response;
    write_group(row, response.target_groups.emplace_back());
    return response;
}

api::DescribeTargetGroupsOutput render_target_groups(const GroupRows& rows)
{
    api::DescribeTargetGroupsOutput response;
    response.target_groups.emplace();
    for (const auto& row : rows.groups) write_group(row, response.target_groups.emplace_back());
    if (!rows.next_marker.empty()) response.next_marker = rows.next_marker;
    return response;
}

}  // namespace

void serve_target_groups(Served& served)
{
    served.add<api::ops::CreateTargetGroup>(create_target_group, render_group<api::CreateTargetGroupOutput>).refuses({"TargetControlPort"});
    served.add<api::ops::ModifyTargetGroup>(modify_target_group, render_group<api::ModifyTargetGroupOutput>);
    served.add<api::ops::DeleteTargetGroup>(delete_target_group, render_nothing<api::DeleteTargetGroupOutput>);
    served.add<api::ops::DescribeTargetGroups>(describe_target_groups, render_target_groups);
}

}  // namespace boxship::services::elbv2
