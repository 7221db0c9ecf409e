#include "model/elbv2_attributes.h"

#include <cstdlib>

#include "base/check.h"

namespace boxship::model {
namespace {

constexpr Attribute of_load_balancers[] = {
    {"access_logs.s3.enabled", "false"},
    {"access_logs.s3.bucket", ""},
    {"access_logs.s3.prefix", ""},
    {"health_check_logs.s3.enabled", "false"},
    {"health_check_logs.s3.bucket", ""},
    {"health_check_logs.s3.prefix", ""},
    {"client_keep_alive.seconds", "3600"},
    {"connection_logs.s3.enabled", "false"},
    {"connection_logs.s3.bucket", ""},
    {"connection_logs.s3.prefix", ""},
    {"deletion_protection.enabled", "false"},
    {"idle_timeout.timeout_seconds", "60"},
    {"load_balancing.cross_zone.enabled", "true"},
    {"routing.http.desync_mitigation_mode", "defensive"},
    {"routing.http.drop_invalid_header_fields.enabled", "false"},
    {"routing.http.preserve_host_header.enabled", "false"},
    {"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false"},
    {"routing.http.xff_client_port.enabled", "false"},
    {"routing.http.xff_header_processing.mode", "append"},
    {"routing.http2.enabled", "true"},
    {"waf.fail_open.enabled", "false"},
    {"zonal_shift.config.enabled", "false"},
    {"ipv6.deny_all_igw_traffic", "false"},
};

// Those of requests first: they are there for HTTPS listeners only.
constexpr Attribute of_listeners[] = {
    {"routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name", "X-Amzn-Mtls-Clientcert-Serial-Number"},
    {"routing.http.request.x_amzn_mtls_clientcert_issuer.header_name", "X-Amzn-Mtls-Clientcert-Issuer"},
    {"routing.http.request.x_amzn_mtls_clientcert_subject.header_name", "X-Amzn-Mtls-Clientcert-Subject"},
    {"routing.http.request.x_amzn_mtls_clientcert_validity.header_name", "X-Amzn-Mtls-Clientcert-Validity"},
    {"routing.http.request.x_amzn_mtls_clientcert_leaf.header_name", "X-Amzn-Mtls-Clientcert-Leaf"},
    {"routing.http.request.x_amzn_mtls_clientcert.header_name", "X-Amzn-Mtls-Clientcert"},
    {"routing.http.request.x_amzn_tls_version.header_name", "X-Amzn-Tls-Version"},
    {"routing.http.request.x_amzn_tls_cipher_suite.header_name", "X-Amzn-Tls-Cipher-Suite"},
    {"routing.http.response.server.enabled", "true"},
    {"routing.http.response.strict_transport_security.header_value", ""},
    {"routing.http.response.access_control_allow_origin.header_value", ""},
    {"routing.http.response.access_control_allow_methods.header_value", ""},
    {"routing.http.response.access_control_allow_headers.header_value", ""},
    {"routing.http.response.access_control_allow_credentials.header_value", ""},
    {"routing.http.response.access_control_expose_headers.header_value", ""},
    {"routing.http.response.access_control_max_age.header_value", ""},
    {"routing.http.response.content_security_policy.header_value", ""},
    {"routing.http.response.x_content_type_options.header_value", ""},
    {"routing.http.response.x_frame_options.header_value", ""},
};

constexpr Attribute of_target_groups[] = {
    {"deregistration_delay.timeout_seconds", "300"},
    {"load_balancing.algorithm.anomaly_mitigation", "off"},
    {"load_balancing.algorithm.type", "round_robin"},
    {"load_balancing.cross_zone.enabled", "use_load_balancer_configuration"},
    {"slow_start.duration_seconds", "0"},
    {"stickiness.app_cookie.cookie_name", ""},
    {"stickiness.app_cookie.duration_seconds", "86400"},
    {"stickiness.enabled", "false"},
    {"stickiness.lb_cookie.duration_seconds", "86400"},
    {"stickiness.type", "lb_cookie"},
    {"target_group_health.dns_failover.minimum_healthy_targets.count", "1"},
    {"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"},
    {"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"},
};

}  // namespace

std::span<const Attribute> load_balancer_attributes() { return of_load_balancers; }
std::span<const Attribute> listener_attributes() { return of_listeners; }
std::span<const Attribute> target_group_attributes() { return of_target_groups; }

std::string attribute_of(std::span<const Attribute> known, const std::vector<KeyValue>& set, std::string_view key)
{
    for (const auto& pair : set)
        if (pair.key == key) return pair.value;
    for (const auto& attribute : known)
        if (attribute.key == key) return attribute.value;
    CHECK(!"an attribute that there is");
    return {};
}

bool attribute_is_on(std::span<const Attribute> known, const std::vector<KeyValue>& set, std::string_view key)
{
    return attribute_of(known, set, key) == "true";
}

int attribute_number(std::span<const Attribute> known, const std::vector<KeyValue>& set, std::string_view key)
{
    return std::atoi(attribute_of(known, set, key).c_str());
}

}  // namespace boxship::model
