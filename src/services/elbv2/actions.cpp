#include "services/elbv2/actions.h"

#include <array>

#include "decide/targets.h"

namespace boxship::services::elbv2 {
namespace {

constexpr int weight_max = 999, sticky_seconds_max = 7 * 86400;

ApiError invalid_action(std::string message) { return {"InvalidLoadBalancerActionException", std::move(message)}; }

Result<> check_group(const View& view, const model::Listener& listener, const model::TargetGroup& group, std::string_view arn)
{
    const auto balancer = view.get<model::LoadBalancer>(listener.load_balancer);
    if (group.vpc != balancer->vpc)
        return validation(fmt::format("The following target groups belong to a different VPC than load balancer '{}': {}", model::load_balancer_arn(*balancer), arn));
    if (listener.protocol == model::ListenerProtocol::http && group.version != model::ProtocolVersion::http1)
        return ApiError{"IncompatibleProtocolsException",
                        fmt::format("Listener protocol 'HTTP' is not supported with a target group with the protocol-version '{}'",
                                    group.version == model::ProtocolVersion::grpc ? "GRPC" : "HTTP2")};
    for (const auto& other : decide::load_balancers_of(view, group.id))
        if (other != balancer->id)
            return ApiError{"TargetGroupAssociationLimitException",
                            fmt::format("The following target groups cannot be associated with more than one load balancer: {}", arn)};
    return {};
}

Result<> read_forward(const View& view, const Call& call, const model::Listener& listener, const api::Action& action, model::RuleAction& row)
{
    const auto& config = *action.forward_config;
    row.type = model::ActionType::forward;
    if (action.target_group_arn.empty() && config.target_groups.empty()) return validation("You must specify a list of target groups for a forward action");
    if (const auto most = call.quota(model::Quota::target_groups_per_action); config.target_groups.size() > most)
        return ApiError{"TooManyUniqueTargetGroupsPerLoadBalancerException", fmt::format("A forward action can have no more than {} target groups", most)};
    if (!action.target_group_arn.empty() && !config.target_groups.empty() &&
        (config.target_groups.size() > 1 || !(config.target_groups.front().target_group_arn == action.target_group_arn)))
        return validation("You cannot specify both a target group ARN and a list of other target groups for a forward action");
    const auto add = [&](std::string_view arn, std::int32_t weight) -> Result<> {
        ASSIGN_OR_RETURN(const TargetGroupPtr group, find_group(view, call, arn));
        RETURN_IF_ERROR(check_group(view, listener, *group, arn));
        if (std::ranges::find(row.targets, group->id, &model::WeightedTargetGroup::group) != row.targets.end())
            return validation(fmt::format("Target group '{}' was specified more than once", arn));
        if (weight < 0 || weight > weight_max) return validation(fmt::format("Target group weight '{}' must be between 0 and {}", weight, weight_max));
        row.targets.push_back({group->id, weight});
        return {};
    };
    if (config.target_groups.empty()) RETURN_IF_ERROR(add(action.target_group_arn, 1));
    for (const auto& tuple : config.target_groups) RETURN_IF_ERROR(add(tuple.target_group_arn, tuple.weight.value_or(1)));
    const auto& stickiness = *config.target_group_stickiness_config;
    row.sticky = stickiness.enabled.value_or(false);
    row.sticky_seconds = stickiness.duration_seconds.value_or(0);
    if (row.sticky && (row.sticky_seconds < 1 || row.sticky_seconds > sticky_seconds_max))
        return validation(fmt::format("Target group stickiness duration must be between 1 and {} seconds", sticky_seconds_max));
    return {};
}

// The only placeholders that AWS knows; anything else in braces is refused.
Result<> check_placeholders(std::string_view text, std::initializer_list<std::string_view> known)
{
    for (std::size_t at = text.find("#{"); at != text.npos; at = text.find("#{", at + 2)) {
        const auto end = text.find('}', at);
        const auto word = end == text.npos ? std::string_view() : text.substr(at + 2, end - at - 2);
        if (std::ranges::find(known, word) == known.end()) return validation(fmt::format("'{}' contains an unknown placeholder", text));
    }
    return {};
}

bool visible(std::string_view text)
{
    return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 127; });
}

Result<> read_redirect(const model::Listener& listener, const api::Action& action, model::RuleAction& row)
{
    if (!action.redirect_config) return validation("A redirect configuration must be specified for a redirect action");
    const auto& config = *action.redirect_config;
    row.type = model::ActionType::redirect;
    row.protocol = config.protocol.value_or("#{protocol}");
    row.port = config.port.value_or("#{port}");
    row.host = config.host.value_or("#{host}");
    row.path = config.path.value_or("/#{path}");
    row.query = config.query.value_or("#{query}");
    row.status_code = std::string(to_text(*config.status_code));
    if (row.port != "#{port}" && !is_number(row.port, 1, 65535)) return validation(fmt::format("The redirect port '{}' is not valid", row.port));
    if (!row.path.starts_with('/')) return validation(fmt::format("The redirect path '{}' must start with '/'", row.path));
    for (const auto* text : {&row.host, &row.path, &row.query})
        if (!visible(*text)) return validation(fmt::format("The redirect configuration '{}' contains characters that are not allowed", *text));
    RETURN_IF_ERROR(check_placeholders(row.host, {"host"}));
    RETURN_IF_ERROR(check_placeholders(row.path, {"host", "path", "port"}));
    RETURN_IF_ERROR(check_placeholders(row.query, {"host", "path", "port", "protocol", "query"}));
    const bool same_protocol = row.protocol == "#{protocol}" || (row.protocol == "HTTPS") == (listener.protocol == model::ListenerProtocol::https);
    const bool same_port = row.port == "#{port}" || row.port == std::to_string(listener.port);
    if (same_protocol && same_port && row.host == "#{host}" && row.path == "/#{path}" && row.query == "#{query}")
        return invalid_action("The redirect configuration is not valid because it creates a loop");
    return {};
}

Result<> read_fixed_response(const api::Action& action, model::RuleAction& row)
{
    static constexpr std::array<std::string_view, 5> types = {"text/plain", "text/css", "text/html", "application/javascript", "application/json"};
    if (!action.fixed_response_config) return validation("A fixed response configuration must be specified for a fixed-response action");
    const auto& config = *action.fixed_response_config;
    row.type = model::ActionType::fixed_response;
    row.status_code = config.status_code.str();
    row.message_body = config.message_body.str();
    row.content_type = config.content_type.str();
    if (!row.content_type.empty() && std::ranges::find(types, row.content_type) == types.end())
        return validation(fmt::format("The content type '{}' is not valid", row.content_type));
    return {};
}

void write_forward(const model::RuleAction& action, const GroupArns& arns, api::Action& out)
{
    out.type = api::ActionTypeEnum::forward;
    const auto arn_of = [&](const TargetGroupId& id) { return std::ranges::find(arns, id, &GroupArns::value_type::first)->second; };
    if (action.targets.size() == 1) out.target_group_arn = arn_of(action.targets.front().group);
    auto& config = out.forward_config.emplace();
    for (const auto& target : action.targets) {
        auto& tuple = config.target_groups.emplace_back();
        tuple.target_group_arn = arn_of(target.group);
        tuple.weight = target.weight;
    }
    config.target_group_stickiness_config->enabled = action.sticky;
    if (action.sticky_seconds != 0) config.target_group_stickiness_config->duration_seconds = action.sticky_seconds;
}

}  // namespace

Result<Actions> read_actions(const View& view, const Call& call, const model::Listener& listener, const ApiActions& actions)
{
    if (actions.empty()) return validation("At least one action must be specified");
    Actions rows;
    for (const auto& action : actions) {
        model::RuleAction& row = rows.emplace_back();
        row.order = action.order.value_or(0);
        switch (*action.type) {
        case api::ActionTypeEnum::forward: RETURN_IF_ERROR(read_forward(view, call, listener, action, row)); break;
        case api::ActionTypeEnum::redirect: RETURN_IF_ERROR(read_redirect(listener, action, row)); break;
        case api::ActionTypeEnum::fixed_response: RETURN_IF_ERROR(read_fixed_response(action, row)); break;
        default:
            return invalid_action(fmt::format("Actions of type '{}' are not supported by this server; forward, redirect and fixed-response are",
                                              to_text(*action.type)));
        }
    }
    if (rows.size() > 1) return ApiError{"TooManyActionsException", "A rule can have only one action of type forward, redirect or fixed-response"};
    return rows;
}

void note_groups(const View& view, const Actions& actions, GroupArns& arns)
{
    for (const auto& action : actions)
        for (const auto& target : action.targets)
            if (std::ranges::find(arns, target.group, &GroupArns::value_type::first) == arns.end())
                arns.emplace_back(target.group, model::target_group_arn(*view.get<model::TargetGroup>(target.group)));
}

void write_actions(const Actions& actions, const GroupArns& arns, ApiActions& list)
{
    list.emplace();
    for (const auto& action : actions) {
        auto& out = list.emplace_back();
        if (action.order != 0) out.order = action.order;
        switch (action.type) {
        case model::ActionType::forward: write_forward(action, arns, out); break;
        case model::ActionType::redirect: {
            out.type = api::ActionTypeEnum::redirect;
            auto& config = out.redirect_config.emplace();
            config.protocol = action.protocol;
            config.port = action.port;
            config.host = action.host;
            config.path = action.path;
            config.query = action.query;
            config.status_code = shape::parse_enum<api::RedirectActionStatusCodeEnum>(action.status_code);
            break;
        }
        case model::ActionType::fixed_response: {
            out.type = api::ActionTypeEnum::fixed_response;
            auto& config = out.fixed_response_config.emplace();
            config.status_code = action.status_code;
            if (!action.message_body.empty()) config.message_body = action.message_body;
            if (!action.content_type.empty()) config.content_type = action.content_type;
            break;
        }
        }
    }
}

}  // namespace boxship::services::elbv2
