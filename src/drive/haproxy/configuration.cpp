#include "drive/haproxy/configuration.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ipv4.h"
#include "drive/haproxy/sockets.h"
#include "drive/haproxy/words.h"
#include "model/elbv2_attributes.h"
#include "model/elbv2_arns.h"
#include "model/ssl_policies.h"

namespace boxship::drive::haproxy {
namespace {

using namespace model;

// Checks begin spread over their interval, half a minute, unless it is said otherwise: too long for a new target.
// With expose-fd a frontend that is shut keeps its descriptor and only looks away. Without, HAProxy closes it and goes on hearing of it:
// others have the socket too, so the kernel does not forget that this process waited for it.
constexpr const char* preamble = R"(global
    description {generation}
    chroot {directory}/empty
    stats socket {socket} mode 600 level admin expose-fd listeners
    stats timeout 1h
    noreuseport
    max-spread-checks 100ms
    tune.ssl.default-dh-param 2048
defaults
    mode http
    option redispatch 1
    option dontlognull
    option idle-close-on-response
    retries 3
    http-reuse safe
    timeout connect 10s
    timeout queue 10s
    timeout http-request 60s
    timeout client 60s
    timeout server 60s
    http-error status 503 content-type text/html string "<html><head><title>Service unavailable</title></head><body><center><h1>Service unavailable</h1></center></body></html>\n"
)";

std::string tls_options(const Listener& listener, const BalancerPlan& balancer, const std::string& list)
{
    const SslPolicy* policy = find_ssl_policy(listener.ssl_policy);
    if (!policy) policy = find_ssl_policy(default_ssl_policy);
    const auto version = [](std::string_view name) { return name == "TLSv1" ? std::string("TLSv1.0") : std::string(name); };
    std::string out = fmt::format(" ssl crt-list {} ssl-min-ver {} ssl-max-ver {}", word(list), version(policy->least), version(policy->most));
    std::string ciphers;
    for (const char* cipher : policy->ciphers) ciphers += (ciphers.empty() ? "" : ":") + std::string(cipher);
    // Debian's OpenSSL refuses the versions before 1.2 at its ordinary level.
    if (version(policy->least) < "TLSv1.2") ciphers += ":@SECLEVEL=0";
    if (!ciphers.empty()) out += " ciphers " + word(ciphers);
    const bool h2 = attribute_is_on(load_balancer_attributes(), balancer.row->attributes, "routing.http2.enabled");
    return out + (h2 ? " alpn h2,http/1.1" : " alpn http/1.1");
}

std::string list_file(const std::string& directory, const std::string& name) { return directory + "/" + name + ".list"; }

// The settings of the load balancer that hold for a whole section. In a section that several share, those of the oldest.
std::string section_settings(const BalancerPlan& balancer)
{
    const auto& set = balancer.row->attributes;
    const std::string idle = attribute_of(load_balancer_attributes(), set, "idle_timeout.timeout_seconds");
    std::string out = fmt::format("    timeout client {0}s\n    timeout http-keep-alive {0}s\n", idle);
    if (attribute_is_on(load_balancer_attributes(), set, "routing.http.drop_invalid_header_fields.enabled"))
        out += "    option http-restrict-req-hdr-names delete\n";
    if (attribute_of(load_balancer_attributes(), set, "routing.http.desync_mitigation_mode") == "monitor")
        out += "    option accept-invalid-http-request\n";
    if (attribute_is_on(load_balancer_attributes(), set, "access_logs.s3.enabled")) {
        // The fields of AWS's access logs, in its order; those that we do not have are '-'.
        out += "    log stdout format raw local0 info\n";
        out += fmt::format("    log-format {}\n",
                           word("%[var(txn.scheme)] %[date,utime(%Y-%m-%dT%H:%M:%S)]Z " + balancer.name +
                                " %ci:%cp %si:%sp %Tw %Tr %Td %ST %ST %U %B \"%HM %HU %HV\" \"%[capture.req.hdr(0)]\" - - %b \"%[var(txn.trace)]\""));
        out += "    declare capture request len 256\n    http-request capture req.hdr(user-agent) id 0\n";
    }
    return out;
}

// Who is meant, where several load balancers share a loopback port: the name the client used.
std::string choose_by_name(const std::vector<std::pair<const BalancerPlan*, const ListenerPlan*>>& sharers, bool tls)
{
    std::string out;
    for (const auto& [balancer, listener] : sharers) {
        const std::string id = elb_text(listener->row->id);
        out += fmt::format("    http-request set-var(txn.listener) str({}) if {{ req.hdr(host),host_only -i -m str -- {} }}\n", id, word(balancer->dns_name));
        if (tls) out += fmt::format("    http-request set-var(txn.listener) str({}) if !{{ var(txn.listener) -m found }} {{ ssl_fc_sni -i -m str -- {} }}\n", id, word(balancer->dns_name));
    }
    std::string names = "Several load balancers listen on this port; use the name of one of them:\n";
    for (const auto& [balancer, listener] : sharers) names += fmt::format("    {}:{}\n", balancer->dns_name, listener->row->port);
    out += fmt::format("    http-request return status 404 content-type text/plain string {} if !{{ var(txn.listener) -m found }}\n", word(names));
    return out;
}

// A group without a healthy target is asked all the same, if it has unhealthy ones, as by AWS.
constexpr const char* forward_lines = R"(    http-request set-var(txn.open) var(txn.to),regsub(^targets_,open_) if { var(txn.to) -m found } { var(txn.to),nbsrv eq 0 }
    use_backend %[var(txn.open)] if { var(txn.open),nbsrv gt 0 }
    use_backend %[var(txn.to)] if { var(txn.to) -m found }
)";

std::string forward_to(const TargetGroupId& id)
{
    return fmt::format("    use_backend {0} if {{ nbsrv({1}) eq 0 }} {{ nbsrv({0}) gt 0 }}\n    default_backend {1}\n", open_name(id), group_name(id));
}

// The cookie that keeps a client with its target group.
constexpr const char* sticky_lines =
    "    http-response add-header Set-Cookie AWSALBTG=%[var(txn.to),regsub(^targets_,)];\\x20Max-Age=%[var(txn.sticky)];\\x20Path=/ "
    "if { var(txn.sticky) -m found }\n";

bool has_sticky(const ListenerPlan& listener)
{
    const auto sticky = [](const std::vector<RuleAction>& actions) { return std::ranges::any_of(actions, &RuleAction::sticky); };
    return sticky(listener.row->actions) || std::ranges::any_of(listener.rules, [&](const auto& rule) { return sticky(rule->actions); });
}

std::string loopback_binds(int port, const std::string& tls, bool ipv6)
{
    std::string out = fmt::format("    bind 127.0.0.1:{}{}\n", port, tls);
    if (ipv6) out += fmt::format("    bind [::1]:{} v6only{}\n", port, tls);
    return out;
}

}  // namespace

std::map<int, ListenerProtocol> loopback_protocols(const Plan& plan)
{
    std::map<int, ListenerProtocol> ports;
    for (const auto& balancer : plan.balancers)
        for (const auto& listener : balancer.listeners) ports.try_emplace(listener.row->port, listener.row->protocol);
    return ports;
}

std::string configuration(const Plan& plan, const ConfigurationOptions& options)
{
    std::string out = fmt::format(fmt::runtime(preamble), fmt::arg("generation", word(fmt::format("generation {}", options.generation))),
                                  fmt::arg("directory", options.directory), fmt::arg("socket", admin_socket(options.directory, options.generation)));
    const auto protocols = loopback_protocols(plan);
    std::map<int, std::vector<std::pair<const BalancerPlan*, const ListenerPlan*>>> by_port;
    for (const auto& balancer : plan.balancers)
        for (const auto& listener : balancer.listeners)
            if (options.loopback_ports.contains(listener.row->port) && protocols.at(listener.row->port) == listener.row->protocol)
                by_port[listener.row->port].emplace_back(&balancer, &listener);

    for (const auto& balancer : plan.balancers) {
        for (const auto& listener : balancer.listeners) {
            const std::string name = listener_name(listener.row->id);
            const bool https = listener.row->protocol == ListenerProtocol::https;
            const std::string tls = https ? tls_options(*listener.row, balancer, list_file(options.directory, name)) : "";
            Frontend frontend;
            for (const auto address : balancer.addresses)
                frontend.lines += fmt::format("    bind {}:{} namespace {}{}\n", ipv4_text(address), listener.row->port, word(options.namespace_of(balancer.vpc)), tls);
            const auto sharers = by_port.find(listener.row->port);
            const bool alone = sharers != by_port.end() && sharers->second.size() == 1 && sharers->second.front().second == &listener;
            if (alone) frontend.lines += loopback_binds(listener.row->port, tls, options.ipv6);
            frontend.lines += section_settings(balancer);
            // The most common listener: everything goes to one group.
            const auto& actions = listener.row->actions;
            const bool plain = listener.rules.empty() && actions.size() == 1 && actions[0].type == ActionType::forward && actions[0].targets.size() == 1;
            if (!plain) append_rules(frontend, listener, "");
            append_headers(frontend, balancer, listener, "");
            if (has_sticky(listener)) frontend.lines += sticky_lines;
            out += fmt::format("frontend {}\n{}{}", name, frontend.lines,
                               plain ? forward_to(actions[0].targets[0].group) : forward_lines);
        }
    }
    for (const auto& [port, sharers] : by_port) {
        if (sharers.size() < 2) continue;
        const bool https = protocols.at(port) == ListenerProtocol::https;
        const std::string name = fmt::format("loopback_{}", port);
        Frontend frontend;
        frontend.lines += loopback_binds(port, https ? tls_options(*sharers.front().second->row, *sharers.front().first, list_file(options.directory, name)) : "", options.ipv6);
        frontend.lines += section_settings(*sharers.front().first);
        frontend.lines += choose_by_name(sharers, https);
        bool sticky = false;
        for (const auto& [balancer, listener] : sharers) {
            const std::string guard = fmt::format("{{ var(txn.listener) -m str {} }}", elb_text(listener->row->id));
            append_rules(frontend, *listener, guard);
            append_headers(frontend, *balancer, *listener, guard);
            sticky = sticky || has_sticky(*listener);
        }
        if (sticky) frontend.lines += sticky_lines;
        out += fmt::format("frontend {}\n{}{}", name, frontend.lines, forward_lines);
    }
    for (const auto& [id, group] : plan.groups) out += backend(plan, group, options);
    return out;
}

std::string certificate_file(const Certificate& certificate) { return fmt::format("{}-{}.pem", to_text(certificate.id), certificate.imported_at.ms); }

std::map<std::string, std::string> certificate_lists(const Plan& plan, const std::string& directory)
{
    std::map<std::string, std::string> lists, shared;
    const auto line = [&](const CertificateId& id) { return directory + "/" + certificate_file(*plan.certificates.at(id)); };
    for (const auto& balancer : plan.balancers) {
        for (const auto& listener : balancer.listeners) {
            if (listener.row->protocol != ListenerProtocol::https) continue;
            std::string list = line(listener.row->certificate) + "\n";
            for (const auto& id : listener.row->more_certificates) list += line(id) + "\n";
            lists[listener_name(listener.row->id) + ".list"] = list;
            // Where several share a port, the load balancer's own name shows its default certificate.
            std::string& all = shared[fmt::format("loopback_{}.list", listener.row->port)];
            all += list + line(listener.row->certificate) + " " + balancer.dns_name + "\n";
        }
    }
    lists.merge(shared);
    return lists;
}

}  // namespace boxship::drive::haproxy
