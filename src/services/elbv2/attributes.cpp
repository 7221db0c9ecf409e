// Describe…Attributes and Modify…Attributes of load balancers, listeners and target groups.
#include "model/elbv2_attributes.h"

#include <charconv>

#include "services/elbv2/common.h"
#include "services/elbv2/serve.h"

namespace boxship::services::elbv2 {
namespace {

using model::Attribute;
using Known = std::span<const Attribute>;

struct AttributeRows {
    Tags attributes;              // all there are, in order
};

// What a value may be, by its key: "a|b" one of them, "1..2" a number, "" anything.
struct Rule {
    const char* key;
    const char* values;
};
constexpr Rule value_rules[] = {
    {"access_logs.s3.enabled", "true|false"},
    {"connection_logs.s3.enabled", "true|false"},
    {"health_check_logs.s3.enabled", "true|false"},
    {"client_keep_alive.seconds", "60..604800"},
    {"deletion_protection.enabled", "true|false"},
    {"idle_timeout.timeout_seconds", "1..4000"},
    {"routing.http.desync_mitigation_mode", "monitor|defensive|strictest"},
    {"routing.http.drop_invalid_header_fields.enabled", "true|false"},
    {"routing.http.preserve_host_header.enabled", "true|false"},
    {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "true|false"},
    {"routing.http.xff_client_port.enabled", "true|false"},
    {"routing.http.xff_header_processing.mode", "append|preserve|remove"},
    {"routing.http2.enabled", "true|false"},
    {"waf.fail_open.enabled", "true|false"},
    {"zonal_shift.config.enabled", "true|false"},
    {"routing.http.response.server.enabled", "true|false"},
    {"load_balancing.algorithm.anomaly_mitigation", "on|off"},
    {"load_balancing.algorithm.type", "round_robin|least_outstanding_requests|weighted_random"},
    {"slow_start.duration_seconds", "0..900"},
    {"stickiness.app_cookie.duration_seconds", "1..604800"},
    {"stickiness.enabled", "true|false"},
    {"stickiness.lb_cookie.duration_seconds", "1..604800"},
    {"stickiness.type", "lb_cookie|app_cookie"},
};

bool allowed(std::string_view values, std::string_view value)
{
    if (const auto dots = values.find(".."); dots != values.npos) {
        int number = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        return error == std::errc{} && end == value.data() + value.size() && number >= std::atoi(values.data()) && number <= std::atoi(values.data() + dots + 2);
    }
    for (std::size_t at = 0; at <= values.size();) {
        const auto end = std::min(values.find('|', at), values.size());
        if (values.substr(at, end - at) == value) return true;
        at = end + 1;
    }
    return false;
}

Result<> check_attribute(std::string_view key, std::string_view value)
{
    const auto wrong = [&] { return validation(fmt::format("The value '{}' is not valid for the attribute '{}'", value, key)); };
    for (const auto& rule : value_rules)
        if (key == rule.key && !allowed(rule.values, value)) return wrong();
    if (key == "deregistration_delay.timeout_seconds" && !allowed(fmt::format("0..{}", model::deregistration_delay_max.count()), value)) return wrong();
    // 0 is "off"; otherwise AWS wants half a minute at least.
    if (key == "slow_start.duration_seconds" && value != "0" && value.size() < 3 && std::atoi(std::string(value).c_str()) < 30) return wrong();
    if (key == "load_balancing.cross_zone.enabled" && value != "true" && value != "use_load_balancer_configuration")
        return invalid_configuration(fmt::format("'{}' cannot be '{}': this server balances across zones always", key, value));
    if (key == "stickiness.app_cookie.cookie_name") {
        const bool token = std::ranges::all_of(value, [](unsigned char c) { return c > ' ' && c < 127 && c != ';' && c != ',' && c != '=' && c != '"'; });
        if (value.empty() || value.size() > 256 || !token) return wrong();
        for (const auto* own : {"AWSALB", "AWSALBAPP", "AWSALBTG"})
            if (value == own) return validation(fmt::format("The cookie name '{}' is reserved", value));
    }
    const bool visible_value = std::ranges::all_of(value, [](unsigned char c) { return c >= ' ' && c < 127; });
    if (!visible_value) return wrong();
    return {};
}

template <class List>
Result<> change_attributes(Known known, const List& wanted, Tags& set)
{
    for (const auto& attribute : wanted) {
        const auto key = attribute.key.view();
        if (std::ranges::none_of(known, [&](const Attribute& entry) { return key == entry.key; }))
            return validation(fmt::format("Load balancer attribute key '{}' is not recognized", key));
        RETURN_IF_ERROR(check_attribute(key, attribute.value));
        const auto standing = std::ranges::find(set, key, &model::KeyValue::key);
        if (standing != set.end()) standing->value = attribute.value.str();
        else set.push_back({std::string(key), attribute.value.str()});
    }
    return {};
}

AttributeRows all_of(Known known, const Tags& set)
{
    AttributeRows rows;
    for (const auto& attribute : known) rows.attributes.push_back({attribute.key, model::attribute_of(known, set, attribute.key)});
    return rows;
}

template <class Row, class List>
Result<AttributeRows> modify(Txn& txn, Known known, const std::shared_ptr<const Row>& found, const List& wanted)
{
    Row row = *found;
    RETURN_IF_ERROR(change_attributes(known, wanted, row.attributes));
    AttributeRows rows = all_of(known, row.attributes);
    txn.put(std::move(row));
    return rows;
}

Result<AttributeRows> describe_load_balancer_attributes(Txn& txn, const Call& call, const api::DescribeLoadBalancerAttributesInput& request)
{
    ASSIGN_OR_RETURN(const BalancerPtr found, find_balancer(txn, call, request.load_balancer_arn));
    return all_of(model::load_balancer_attributes(), found->attributes);
}
Result<AttributeRows> modify_load_balancer_attributes(Txn& txn, const Call& call, const api::ModifyLoadBalancerAttributesInput& request)
{
    ASSIGN_OR_RETURN(const BalancerPtr found, find_balancer(txn, call, request.load_balancer_arn));
    return modify(txn, model::load_balancer_attributes(), found, request.attributes);
}
Result<AttributeRows> describe_listener_attributes(Txn& txn, const Call& call, const api::DescribeListenerAttributesInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr found, find_listener(txn, call, request.listener_arn));
    return all_of(model::listener_attributes(), found->attributes);
}
Result<AttributeRows> modify_listener_attributes(Txn& txn, const Call& call, const api::ModifyListenerAttributesInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr found, find_listener(txn, call, request.listener_arn));
    return modify(txn, model::listener_attributes(), found, request.attributes);
}
Result<AttributeRows> describe_target_group_attributes(Txn& txn, const Call& call, const api::DescribeTargetGroupAttributesInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr found, find_group(txn, call, request.target_group_arn));
    return all_of(model::target_group_attributes(), found->attributes);
}
Result<AttributeRows> modify_target_group_attributes(Txn& txn, const Call& call, const api::ModifyTargetGroupAttributesInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr found, find_group(txn, call, request.target_group_arn));
    ASSIGN_OR_RETURN(AttributeRows rows, modify(txn, model::target_group_attributes(), found, request.attributes));
    const auto group = txn.get<model::TargetGroup>(found->id);
    const auto value = [&](const char* key) { return model::attribute_of(model::target_group_attributes(), group->attributes, key); };
    if (value("stickiness.enabled") == "true" && value("stickiness.type") == "app_cookie" && value("stickiness.app_cookie.cookie_name").empty())
        return validation("A cookie name must be specified for stickiness of type 'app_cookie'");
    if (value("slow_start.duration_seconds") != "0" && value("load_balancing.algorithm.type") != "round_robin")
        return invalid_configuration("Slow start is available with the round_robin algorithm only");
    return rows;
}

template <class Response>
Response render_attributes(const AttributeRows& rows)
{
    Response response;
    response.attributes.emplace();
    for (const auto& [key, value] : rows.attributes) {
        auto& out = response.attributes.emplace_back();
        out.key = key;
        out.value = value;
    }
    return response;
}

}  // namespace

void serve_attributes(Served& served)
{
    using namespace api;
    served.add<ops::DescribeLoadBalancerAttributes>(describe_load_balancer_attributes, render_attributes<DescribeLoadBalancerAttributesOutput>);
    served.add<ops::ModifyLoadBalancerAttributes>(modify_load_balancer_attributes, render_attributes<ModifyLoadBalancerAttributesOutput>);
    served.add<ops::DescribeListenerAttributes>(describe_listener_attributes, render_attributes<DescribeListenerAttributesOutput>);
    served.add<ops::ModifyListenerAttributes>(modify_listener_attributes, render_attributes<ModifyListenerAttributesOutput>);
    served.add<ops::DescribeTargetGroupAttributes>(describe_target_group_attributes, render_attributes<DescribeTargetGroupAttributesOutput>);
    served.add<ops::ModifyTargetGroupAttributes>(modify_target_group_attributes, render_attributes<ModifyTargetGroupAttributesOutput>);
}

}  // namespace boxship::services::elbv2
