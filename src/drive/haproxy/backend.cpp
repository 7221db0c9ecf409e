// A target group as HAProxy's backend, and two beside it: one that looks at new targets, one for the time when none is healthy.
#include <algorithm>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "base/strings.h"
#include "drive/haproxy/configuration.h"
#include "drive/haproxy/words.h"
#include "model/elbv2_attributes.h"
#include "model/elbv2_arns.h"

namespace boxship::drive::haproxy {
namespace {

using namespace model;

constexpr int probe_places = 4;
constexpr const char* probe_interval = "50ms";

std::string balance_of(const std::string& algorithm)
{
    if (algorithm == "least_outstanding_requests") return "leastconn";
    if (algorithm == "weighted_random") return "random";
    return "roundrobin";
}

// "0-2,5" → "0|1|2|5": gRPC's codes are a header's text.
std::string codes_regex(const std::string& matcher)
{
    std::string out;
    for (const auto& part : split(matcher, ',')) {
        const auto dash = part.find('-');
        const int from = std::atoi(part.c_str()), to = dash == part.npos ? from : std::atoi(part.c_str() + dash + 1);
        for (int code = from; code <= to; ++code) out += fmt::format("{}{}", out.empty() ? "" : "|", code);
    }
    return "^(" + out + ")$";
}

// What a check asks and what it wants to hear.
std::string check_of(const TargetGroup& group, const std::string& host)
{
    const auto& check = group.health_check;
    const bool grpc = group.version == ProtocolVersion::grpc;
    std::string out = fmt::format("    option httpchk\n    timeout check {}s\n", check.timeout_seconds);
    out += fmt::format("    http-check send meth {} uri {} ver {} hdr Host {} hdr User-Agent ELB-HealthChecker/2.0", grpc ? "POST" : "GET",
                       format_text(check.path), group.version == ProtocolVersion::http1 ? "HTTP/1.1" : "HTTP/2", host);
    if (grpc) out += " hdr content-type application/grpc hdr te trailers";
    else if (group.version == ProtocolVersion::http1) out += " hdr Connection close";
    out += "\n";
    if (grpc) out += fmt::format("    http-check expect hdr name grpc-status value -m reg {}\n", word(codes_regex(check.matcher)));
    else out += fmt::format("    http-check expect status {}\n", check.matcher);
    return out;
}

std::string connection_options(const TargetGroup& group)
{
    const bool tls = group.protocol == TargetProtocol::https, h2 = group.version != ProtocolVersion::http1;
    std::string out = tls ? " ssl verify none" : "";
    if (h2) out += tls ? " alpn h2" : " proto h2";
    return out;
}

std::string check_options(const TargetGroup& group)
{
    const bool tls = group.protocol == TargetProtocol::https, h2 = group.version != ProtocolVersion::http1;
    const bool check_tls = group.health_check.protocol == TargetProtocol::https;
    std::string out = " check";
    if (check_tls) out += tls ? " check-ssl" : " check-ssl verify none";
    else if (tls) out += " no-check-ssl";
    if (h2) out += check_tls ? " check-alpn h2" : " check-proto h2";
    if (group.health_check.port != "traffic-port") out += " port " + group.health_check.port;
    return out;
}

// HAProxy waits as long as a connection may take, a second at most, before it tries the only server again. A target of a service
// that died is often replaced sooner, and its request then finds the replacement. So the connection is given little time, and more
// tries. A kernel answers at once, a TLS handshake waits for the target's program: there it is AWS's ten seconds, in two tries.
//
// What reaches no target is 503 to HAProxy, whatever the reason. AWS says 503 where there is none to ask, 502 where the target
// refused, 504 where it did not answer in time. %Tw is the time until the last try began: a refusal follows at once, a time-out
// after the whole time of a try.
std::string patience(const TargetGroup& group)
{
    const bool tls = group.protocol == TargetProtocol::https || group.health_check.protocol == TargetProtocol::https;
    const int connect_ms = tls ? 5000 : 300;
    return fmt::format(R"(    timeout connect {0}ms
    retries {1}
    http-request set-var(txn.began) date(0,ms)
    http-response set-var(txn.answered) bool(true)
    http-after-response set-var-fmt(txn.tried) %Tw if {{ status 503 }} !{{ var(txn.answered) -m found }} {{ nbsrv gt 0 }}
    http-after-response set-var(txn.waited) date(0,ms),sub(txn.began),sub(txn.tried) if {{ var(txn.tried) -m found }}
    http-after-response set-status 504 reason "Gateway Time-out" if {{ var(txn.waited) -m int ge {2} }}
    http-after-response set-status 502 reason "Bad Gateway" if {{ var(txn.waited) -m int lt {2} }}
)", connect_ms, tls ? 1 : 10, connect_ms / 2);
}

std::string stickiness(const TargetGroup& group)
{
    const auto value = [&](const char* key) { return attribute_of(target_group_attributes(), group.attributes, key); };
    if (value("stickiness.enabled") != "true") return {};
    const bool by_application = value("stickiness.type") == "app_cookie";
    // The cookie's value is made of the target's address, so it means the same in every generation.
    std::string out = fmt::format("    cookie {} insert indirect nocache dynamic maxidle {}s\n    dynamic-cookie-key {}\n",
                                  by_application ? "AWSALBAPP-0" : "AWSALB",
                                  value(by_application ? "stickiness.app_cookie.duration_seconds" : "stickiness.lb_cookie.duration_seconds"),
                                  to_text(group.id));
    // It binds a client only while the client has the application's own cookie.
    if (by_application) out += fmt::format("    ignore-persist unless {{ req.hdr(cookie) -m reg -- {} }}\n",
                                           word("(^|; *)" + wildcard_regex(value("stickiness.app_cookie.cookie_name"), ".") + "="));
    return out;
}

}  // namespace

std::string backend(const Plan& plan, const GroupPlan& group, const ConfigurationOptions& options)
{
    const TargetGroup& row = *group.row;
    const BalancerPlan& balancer = plan.balancers[group.balancer];
    const auto value = [&](const char* key) { return attribute_of(target_group_attributes(), row.attributes, key); };
    const std::string idle = attribute_of(load_balancer_attributes(), balancer.row->attributes, "idle_timeout.timeout_seconds");
    const auto& check = row.health_check;
    const std::string connection = connection_options(row), looked_at = connection + check_options(row);
    const std::string place = fmt::format("namespace {} source {}", word(options.namespace_of(balancer.vpc)), ipv4_text(balancer.addresses.front()));

    const std::string manner = fmt::format("    balance {}\n    timeout server {}s\n    timeout tunnel {}s\n",
                                           balance_of(value("load_balancing.algorithm.type")), idle, idle) + patience(row) + stickiness(row);

    std::string out = fmt::format("backend {}\n", group_name(row.id)) + manner + check_of(row, balancer.dns_name);
    out += fmt::format("    default-server inter {0}s fastinter {0}s downinter {0}s rise {1} fall {2}", check.interval_seconds, check.healthy_threshold,
                       check.unhealthy_threshold);
    if (const auto seconds = value("slow_start.duration_seconds"); seconds != "0") out += fmt::format(" slowstart {}s", seconds);
    out += looked_at + "\n";
    const auto places = options.places.find(row.id);
    const int count = places == options.places.end() ? 0 : places->second;
    int number = 0;
    for (const auto& target : group.targets)
        if (target.state == TargetState::healthy && number < count)
            out += fmt::format("    server s{} {}:{} {}\n", ++number, ipv4_text(target.address.address), target.address.port, place);
    while (number < count) out += fmt::format("    server s{} 0.0.0.0:0 disabled {}\n", ++number, place);

    out += fmt::format("backend {}\n", probe_name(row.id)) + check_of(row, balancer.dns_name);
    out += fmt::format("    default-server inter {0} fastinter {0} downinter {0} rise 1 fall 1{1}\n", probe_interval, looked_at);
    for (int i = 1; i <= probe_places; ++i) out += fmt::format("    server s{} 0.0.0.0:0 disabled {}\n", i, place);

    out += fmt::format("backend {}\n", open_name(row.id)) + manner;
    for (int i = 1; i <= count; ++i) out += fmt::format("    server s{} 0.0.0.0:0 disabled {}{}\n", i, place, connection);
    return out;
}

}  // namespace boxship::drive::haproxy
