// What a load balancer adds to requests and answers, and takes away.
#include <fmt/format.h>

#include "drive/haproxy/configuration.h"
#include "drive/haproxy/words.h"
#include "model/elbv2_attributes.h"

namespace boxship::drive::haproxy {
namespace {

using namespace model;

class Lines {
public:
    Lines(std::string& out, std::string guard) : out_(out), guard_(std::move(guard)) {}
    void add(const std::string& what, const std::string& conditions = {})
    {
        const std::string all = guard_.empty() || conditions.empty() ? guard_ + conditions : guard_ + " " + conditions;
        out_ += "    " + what + (all.empty() ? "" : " if " + all) + "\n";
    }

private:
    std::string& out_;
    std::string guard_;
};

// X-Forwarded-For in one line, as applications expect it: what came, a comma, the client. When several came, the client
// gets a line of its own, which means the same. `plain`: nothing else decides; then HAProxy's own option is the cheapest.
void add_forwarded_for(Lines& lines, const std::string& mode, bool with_port, bool plain)
{
    const std::string client = with_port ? "%[src]:%[src_port]" : "%[src]";
    if (mode == "remove") return lines.add("http-request del-header X-Forwarded-For");
    if (mode == "preserve") return;
    lines.add("http-request add-header X-Forwarded-For " + client, "{ req.fhdr_cnt(x-forwarded-for) gt 1 }");
    lines.add("http-request set-header X-Forwarded-For %[req.fhdr(x-forwarded-for)],\\x20" + client, "{ req.fhdr_cnt(x-forwarded-for) eq 1 }");
    if (plain && !with_port) lines.add("option forwardfor if-none");
    else lines.add("http-request set-header X-Forwarded-For " + client, "!{ req.hdr(x-forwarded-for) -m found }");
}

struct ResponseHeader {
    const char* attribute;
    const char* header;
};
constexpr ResponseHeader response_headers[] = {
    {"routing.http.response.strict_transport_security.header_value", "Strict-Transport-Security"},
    {"routing.http.response.access_control_allow_origin.header_value", "Access-Control-Allow-Origin"},
    {"routing.http.response.access_control_allow_methods.header_value", "Access-Control-Allow-Methods"},
    {"routing.http.response.access_control_allow_headers.header_value", "Access-Control-Allow-Headers"},
    {"routing.http.response.access_control_allow_credentials.header_value", "Access-Control-Allow-Credentials"},
    {"routing.http.response.access_control_expose_headers.header_value", "Access-Control-Expose-Headers"},
    {"routing.http.response.access_control_max_age.header_value", "Access-Control-Max-Age"},
    {"routing.http.response.content_security_policy.header_value", "Content-Security-Policy"},
    {"routing.http.response.x_content_type_options.header_value", "X-Content-Type-Options"},
    {"routing.http.response.x_frame_options.header_value", "X-Frame-Options"},
};

}  // namespace

void append_headers(Frontend& frontend, const BalancerPlan& balancer, const ListenerPlan& listener, const std::string& guard)
{
    Lines lines(frontend.lines, guard);
    const auto& row = *balancer.row;
    const auto of_balancer = [&](const char* key) { return attribute_of(load_balancer_attributes(), row.attributes, key); };
    const auto of_listener = [&](const char* key) { return attribute_of(listener_attributes(), listener.row->attributes, key); };
    const bool https = listener.row->protocol == ListenerProtocol::https;

    lines.add("http-request return status 405", "{ method TRACE }");
    lines.add("http-request return status 463", "{ req.hdr_cnt(x-forwarded-for) gt 30 }");
    add_forwarded_for(lines, of_balancer("routing.http.xff_header_processing.mode"), of_balancer("routing.http.xff_client_port.enabled") == "true",
                      guard.empty());
    lines.add(fmt::format("http-request set-header X-Forwarded-Proto {}", https ? "https" : "http"));
    lines.add(fmt::format("http-request set-header X-Forwarded-Port {}", listener.row->port));
    // Root=1-<seconds, hexadecimal>-<96 random bits>, unless the request is traced already: then only our own part is added.
    const std::string trace = "1-%[var(txn.seconds),lower]-%[uuid,bytes(0,8)]%[uuid,bytes(0,8)]%[uuid,bytes(0,8)]";
    lines.add("http-request set-var-fmt(txn.seconds) %{+X}Ts");
    lines.add("http-request set-header X-Amzn-Trace-Id Self=" + trace + ";%[req.hdr(x-amzn-trace-id)]", "{ req.hdr(x-amzn-trace-id) -m found }");
    lines.add("http-request set-header X-Amzn-Trace-Id Root=" + trace, "!{ req.hdr(x-amzn-trace-id) -m found }");
    if (of_balancer("access_logs.s3.enabled") == "true") lines.add("http-request set-var(txn.trace) req.hdr(x-amzn-trace-id)");
    if (https && of_balancer("routing.http.x_amzn_tls_version_and_cipher_suite.enabled") == "true") {
        lines.add(fmt::format("http-request set-header {} %[ssl_fc_protocol]", word(of_listener("routing.http.request.x_amzn_tls_version.header_name"))));
        lines.add(fmt::format("http-request set-header {} %[ssl_fc_cipher]", word(of_listener("routing.http.request.x_amzn_tls_cipher_suite.header_name"))));
    }
    if (of_balancer("routing.http.desync_mitigation_mode") == "strictest") {
        lines.add("http-request deny deny_status 400", "{ req.hdr(transfer-encoding) -m found } { req.hdr(content-length) -m found }");
        lines.add("http-request deny deny_status 400", "{ req.hdr_cnt(host) gt 1 }");
    }
    if (of_listener("routing.http.response.server.enabled") == "false") lines.add("http-response del-header Server");
    for (const auto& [attribute, header] : response_headers)
        if (const auto value = of_listener(attribute); !value.empty()) lines.add(fmt::format("http-response set-header {} {}", header, format_text(value)));
}

}  // namespace boxship::drive::haproxy
