#include "services/elbv2/attribute_values.h"

#include <algorithm>
#include <cctype>

#include "base/numbers.h"
#include "model/elbv2_attributes.h"
#include "services/elbv2/common.h"

namespace boxship::services::elbv2 {
namespace {

// What a value may be, by its key: "a|b" one of them, "1..2" a number; what is not here may be anything.
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
    {"ipv6.deny_all_igw_traffic", "true|false"},
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
    {"routing.http.response.access_control_allow_credentials.header_value", "|true"},
    {"routing.http.response.access_control_max_age.header_value", "|0..86400"},
    {"routing.http.response.x_content_type_options.header_value", "|nosniff"},
    {"routing.http.response.x_frame_options.header_value", "|DENY|SAMEORIGIN"},
    {"load_balancing.algorithm.anomaly_mitigation", "on|off"},
    {"load_balancing.algorithm.type", "round_robin|least_outstanding_requests|weighted_random"},
    {"slow_start.duration_seconds", "0|30..900"},
    {"stickiness.app_cookie.duration_seconds", "1..604800"},
    {"stickiness.enabled", "true|false"},
    {"stickiness.lb_cookie.duration_seconds", "1..604800"},
    {"stickiness.type", "lb_cookie|app_cookie"},
    {"target_group_health.dns_failover.minimum_healthy_targets.count", "off|1..1000000"},
    {"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off|1..100"},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1..1000000"},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off|1..100"},
};

// Of network and gateway load balancers, and of Lambda functions.
constexpr std::string_view other_kinds[] = {
    "dns_record.client_routing_policy", "secondary_ips.auto_assigned.per_subnet", "tcp.idle_timeout.seconds",
    "deregistration_delay.connection_termination.enabled", "preserve_client_ip.enabled", "proxy_protocol_v2.enabled",
    "target_failover.on_deregistration", "target_failover.on_unhealthy", "target_health_state.unhealthy.connection_termination.enabled",
    "target_health_state.unhealthy.draining_interval_seconds", "lambda.multi_value_headers.enabled",
};

bool is_one(std::string_view allowed, std::string_view value)
{
    const auto dots = allowed.find("..");
    if (dots == allowed.npos) return allowed == value;
    const auto least = parse_number<int>(allowed.substr(0, dots)), most = parse_number<int>(allowed.substr(dots + 2));
    return is_number(value, least.value(), most.value());
}

bool allowed(std::string_view values, std::string_view value)
{
    for (std::size_t at = 0; at <= values.size();) {
        const auto end = std::min(values.find('|', at), values.size());
        if (is_one(values.substr(at, end - at), value)) return true;
        at = end + 1;
    }
    return false;
}

bool is_header_name(std::string_view text)
{
    constexpr std::size_t text_max = 40;
    const auto fits = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; };
    return !text.empty() && text.size() <= text_max && std::ranges::all_of(text, fits);
}

}  // namespace

bool is_of_other_kinds(std::string_view key) { return std::ranges::find(other_kinds, key) != std::end(other_kinds); }

Result<> check_attribute(std::string_view key, std::string_view value)
{
    const auto wrong = [&] { return validation(fmt::format("The value '{}' is not valid for the attribute '{}'", value, key)); };
    for (const auto& rule : value_rules)
        if (key == rule.key && !allowed(rule.values, value)) return wrong();
    if (key == "deregistration_delay.timeout_seconds" && !allowed(fmt::format("0..{}", model::deregistration_delay_max.count()), value)) return wrong();
    if (key.ends_with("_logs.s3.bucket") && value.empty()) return validation(fmt::format("The value of '{}' cannot be empty", key));
    if (key.ends_with(".header_name") && !is_header_name(value)) return wrong();
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

}  // namespace boxship::services::elbv2
