// Application load balancers, and the certificates that their listeners show.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/common.h"

namespace boxship::model {

enum class LoadBalancerState : std::uint8_t { provisioning, active, active_impaired, failed };

// A load balancer's foot in a zone.
struct LoadBalancerZone {
    SubnetId subnet;
    EniId eni;
    bool operator==(const LoadBalancerZone&) const = default;
    template <class A>
    void fields(A& a) { a(1, subnet); a(2, eni); }
};

struct LoadBalancer {
    static constexpr std::uint8_t table = 60;
    using Key = LoadBalancerId;
    Key key() const { return id; }

    LoadBalancerId id;
    Scope scope;
    std::string name;
    bool internal = false;
    VpcId vpc;
    std::vector<LoadBalancerZone> zones;
    std::vector<SecurityGroupId> groups;
    std::string ip_address_type = "ipv4";
    LoadBalancerState state = LoadBalancerState::provisioning;   // as the data plane says
    std::string state_reason;
    std::vector<KeyValue> attributes;                            // those that were set
    std::vector<KeyValue> tags;
    Time created_at;
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, name); a(4, internal); a(5, vpc); a(6, zones); a(7, groups); a(8, ip_address_type); a(9, state);
        a(10, state_reason); a(11, attributes); a(12, tags); a(13, created_at);
    }
};

struct WeightedTargetGroup {
    TargetGroupId group;
    std::int32_t weight = 1;
    bool operator==(const WeightedTargetGroup&) const = default;
    template <class A>
    void fields(A& a) { a(1, group); a(2, weight); }
};

enum class ActionType : std::uint8_t { forward, redirect, fixed_response };

struct RuleAction {
    ActionType type = ActionType::forward;
    std::int32_t order = 0;                       // 0: none was said
    // forward
    std::vector<WeightedTargetGroup> targets;
    bool sticky = false;
    std::int32_t sticky_seconds = 0;
    // redirect, with AWS's placeholders as they were sent
    std::string protocol;
    std::string port;
    std::string host;
    std::string path;
    std::string query;
    std::string status_code;                      // "HTTP_301"; of a fixed response "503"
    // fixed response
    std::string message_body;
    std::string content_type;
    bool operator==(const RuleAction&) const = default;
    template <class A>
    void fields(A& a)
    {
        a(1, type); a(2, order); a(3, targets); a(4, sticky); a(5, sticky_seconds); a(6, protocol); a(7, port); a(8, host); a(9, path);
        a(10, query); a(11, status_code); a(12, message_body); a(13, content_type);
    }
};

enum class ListenerProtocol : std::uint8_t { http, https };

struct Listener {
    static constexpr std::uint8_t table = 61;
    using Key = ListenerId;
    Key key() const { return id; }

    ListenerId id;
    LoadBalancerId load_balancer;
    RuleId default_rule;                          // the last rule is the listener's own; only its id is here
    std::int32_t port = 0;
    ListenerProtocol protocol = ListenerProtocol::http;
    std::string ssl_policy;                       // HTTPS
    CertificateId certificate;                    // HTTPS: shown when no other fits the name
    std::vector<CertificateId> more_certificates;
    std::vector<RuleAction> actions;              // what the default rule does
    std::vector<KeyValue> attributes;             // those that were set
    std::vector<KeyValue> tags;
    Time created_at;
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, load_balancer); a(3, default_rule); a(4, port); a(5, protocol); a(6, ssl_policy); a(7, certificate);
        a(8, more_certificates); a(9, actions); a(10, attributes); a(11, tags); a(12, created_at);
    }
};

enum class ConditionField : std::uint8_t { host_header, path_pattern, http_header, query_string, http_request_method, source_ip };

struct RuleCondition {
    ConditionField field = ConditionField::host_header;
    std::vector<std::string> values;              // one must fit
    std::string header;                           // http-header: which
    std::vector<KeyValue> pairs;                  // query-string; key "": any key
    bool operator==(const RuleCondition&) const = default;
    template <class A>
    void fields(A& a) { a(1, field); a(2, values); a(3, header); a(4, pairs); }
};

struct ListenerRule {
    static constexpr std::uint8_t table = 62;
    using Key = RuleId;
    Key key() const { return id; }

    RuleId id;
    ListenerId listener;
    std::int32_t priority = 0;                    // 1 to 50000, lowest first
    std::vector<RuleCondition> conditions;        // all must hold
    std::vector<RuleAction> actions;
    std::vector<KeyValue> tags;
    template <class A>
    void fields(A& a) { a(1, id); a(2, listener); a(3, priority); a(4, conditions); a(5, actions); a(6, tags); }
};

enum class TargetType : std::uint8_t { instance, ip };
enum class TargetProtocol : std::uint8_t { http, https };
enum class ProtocolVersion : std::uint8_t { http1, http2, grpc };

struct HealthCheck {
    bool enabled = true;
    TargetProtocol protocol = TargetProtocol::http;
    std::string port = "traffic-port";            // or a number
    std::string path = "/";
    std::int32_t interval_seconds = 30;
    std::int32_t timeout_seconds = 5;
    std::int32_t healthy_threshold = 5;
    std::int32_t unhealthy_threshold = 2;
    std::string matcher = "200";                  // HTTP or gRPC codes: "200-299,301"
    bool operator==(const HealthCheck&) const = default;
    template <class A>
    void fields(A& a)
    {
        a(1, enabled); a(2, protocol); a(3, port); a(4, path); a(5, interval_seconds); a(6, timeout_seconds); a(7, healthy_threshold);
        a(8, unhealthy_threshold); a(9, matcher);
    }
};

struct TargetGroup {
    static constexpr std::uint8_t table = 63;
    using Key = TargetGroupId;
    Key key() const { return id; }

    TargetGroupId id;
    Scope scope;
    std::string name;
    TargetType type = TargetType::instance;
    TargetProtocol protocol = TargetProtocol::http;
    ProtocolVersion version = ProtocolVersion::http1;
    std::int32_t port = 0;                        // of targets that are registered without one
    VpcId vpc;
    std::string ip_address_type = "ipv4";
    HealthCheck health_check;
    std::vector<KeyValue> attributes;             // those that were set
    std::vector<KeyValue> tags;
    Time created_at;
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, name); a(4, type); a(5, protocol); a(6, version); a(7, port); a(8, vpc); a(9, ip_address_type);
        a(10, health_check); a(11, attributes); a(12, tags); a(13, created_at);
    }
};

// What the health checks last said. `draining` until Target::draining_until. That nobody uses a target is not written
// down: decide::health_of works it out.
enum class TargetState : std::uint8_t { initial, healthy, unhealthy, draining, unused };
enum class TargetReason : std::uint8_t {
    none, registration_in_progress, initial_health_checking, response_code_mismatch, timeout, failed_health_checks, not_registered,
    not_in_use, deregistration_in_progress, invalid_state, ip_unusable, health_check_disabled
};
const char* to_text(TargetState state);           // "healthy"
const char* to_text(TargetReason reason);         // "Target.Timeout"; "" for none

struct TargetKey {
    TargetGroupId group;
    std::string id;                               // an address, or an instance's id
    std::int32_t port = 0;
    auto operator<=>(const TargetKey&) const = default;
    template <class A>
    void fields(A& a) { a(1, group); a(2, id); a(3, port); }
};

struct Target {
    static constexpr std::uint8_t table = 64;
    using Key = TargetKey;
    Key key() const { return name; }

    TargetKey name;
    std::string zone;                             // as it was registered: "", "all" or a zone
    Time registered_at;
    TargetState state = TargetState::initial;
    TargetReason reason = TargetReason::registration_in_progress;
    std::string description;                      // of the last failed check; "" where AWS has a fixed sentence
    Time since;                                   // of the state
    Time draining_until;                          // deregistered, and forgotten at this time
    bool drained = false;                         // draining, and no request is under way to it any more
    bool draining() const { return state == TargetState::draining; }
    template <class A>
    void fields(A& a)
    {
        a(1, name); a(2, zone); a(3, registered_at); a(4, state); a(5, reason); a(6, description); a(7, since); a(8, draining_until);
        a(9, drained);
    }
};

struct Certificate {
    static constexpr std::uint8_t table = 65;
    using Key = CertificateId;
    Key key() const { return id; }

    CertificateId id;
    Scope scope;
    std::string certificate;                      // PEM
    std::string chain;                            // PEM, "" none
    std::string sealed_key;                       // the private key's PEM, sealed with the server's key
    std::string domain;                           // the subject's common name, else the first alternative name
    std::vector<std::string> names;               // subject alternative names
    std::string serial;                           // 0a:1b:…
    std::string subject;
    std::string issuer;
    Time not_before;
    Time not_after;
    std::string key_algorithm;                    // "RSA_2048"
    std::string signature_algorithm;              // "SHA256WITHRSA"
    std::vector<std::string> key_usages;
    std::vector<KeyValue> extended_key_usages;    // name, OID
    std::vector<KeyValue> tags;
    Time created_at;
    Time imported_at;
    template <class A>
    void fields(A& a)
    {
        a(1, id); a(2, scope); a(3, certificate); a(4, chain); a(5, sealed_key); a(6, domain); a(7, names); a(8, serial); a(9, subject);
        a(10, issuer); a(11, not_before); a(12, not_after); a(13, key_algorithm); a(14, signature_algorithm); a(15, key_usages);
        a(16, extended_key_usages); a(17, tags); a(18, created_at); a(19, imported_at);
    }
};

}  // namespace boxship::model
