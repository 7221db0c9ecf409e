// The rules of a listener as HAProxy's: access lists, and in order of priority what to do. A rule that forwards only notes the
// target group (txn.to); the first one that holds wins, because every later one asks whether something is noted already.
#include <fmt/format.h>

#include "base/strings.h"
#include "drive/haproxy/configuration.h"
#include "drive/haproxy/words.h"
#include "model/elbv2_arns.h"

namespace boxship::drive::haproxy {
namespace {

using namespace model;

constexpr const char* undecided = "!{ var(txn.to) -m found }";

// One line per value: access lists of one name hold when any of their lines does.
void append_acl(std::string& out, const std::string& name, std::string_view fetch, std::string_view flags, std::string_view value)
{
    out += fmt::format("    acl {} {} {} -- {}\n", name, word(fetch), flags, word(value));
}

// The pattern with AWS's wildcards, by the cheapest way to match it.
void append_pattern(std::string& out, const std::string& name, std::string_view fetch, bool ignore_case, std::string_view pattern)
{
    const std::string flag = ignore_case ? "-i " : "";
    if (!has_wildcard(pattern)) return append_acl(out, name, fetch, flag + "-m str", unescaped(pattern));
    if (pattern.ends_with('*') && !pattern.ends_with("\\*") && !has_wildcard(pattern.substr(0, pattern.size() - 1)))
        return append_acl(out, name, fetch, flag + "-m beg", unescaped(pattern.substr(0, pattern.size() - 1)));
    append_acl(out, name, fetch, flag + "-m reg", "^" + wildcard_regex(pattern, ".") + "$");
}

void append_condition(std::string& out, const std::string& name, const RuleCondition& condition)
{
    switch (condition.field) {
    case ConditionField::host_header:
        for (const auto& value : condition.values) append_pattern(out, name, "req.hdr(host),host_only", true, value);
        break;
    case ConditionField::path_pattern:
        for (const auto& value : condition.values) append_pattern(out, name, "path", false, value);
        break;
    case ConditionField::http_header:
        // The name is a token without brackets, commas and quotes: services/elbv2 refuses others.
        for (const auto& value : condition.values) append_pattern(out, name, "req.fhdr(" + condition.header + ")", true, value);
        break;
    case ConditionField::http_request_method:
        for (const auto& value : condition.values) append_acl(out, name, "method", "-m str", value);
        break;
    case ConditionField::source_ip:
        for (const auto& value : condition.values) append_acl(out, name, "src", "", value);
        break;
    case ConditionField::query_string:
        for (const auto& pair : condition.pairs) {
            const std::string key = pair.key.empty() ? "([^&=]*=)?" : wildcard_regex(pair.key, "[^&=]") + "=";
            append_acl(out, name, "query", "-i -m reg", "(^|&)" + key + wildcard_regex(pair.value, "[^&]") + "(&|$)");
        }
        break;
    }
}

// AWS's placeholders become expressions, the rest stays text.
std::string redirect_part(std::string_view text, const Listener& listener)
{
    std::string out;
    while (!text.empty()) {
        const auto open = text.find("#{");
        const auto close = open == text.npos ? text.npos : text.find('}', open);
        if (close == text.npos) return out + format_text(text);
        out += format_text(text.substr(0, open));
        const auto name = text.substr(open + 2, close - open - 2);
        if (name == "host") out += "%[req.hdr(host),host_only]";
        else if (name == "path") out += "%[path,regsub(^/,)]";
        else if (name == "query") out += "%[query]";
        else if (name == "port") out += std::to_string(listener.port);
        else if (name == "protocol") out += listener.protocol == ListenerProtocol::https ? "https" : "http";
        text.remove_prefix(close + 1);
    }
    return out;
}

std::string redirect(const RuleAction& action, const Listener& listener)
{
    const std::string protocol = redirect_part(to_lower(action.protocol), listener);
    std::string location = protocol + "://" + redirect_part(action.host, listener) + ":" + redirect_part(action.port, listener) +
                           redirect_part(action.path, listener);
    // A query of the request's own is there or not; with it goes the question mark.
    if (action.query == "#{query}") location += "%[var(txn.query)]";
    else if (!action.query.empty()) location += format_text("?") + redirect_part(action.query, listener);
    return fmt::format("http-request redirect code {} location {}", action.status_code == "HTTP_301" ? 301 : 302, location);
}

std::string fixed_response(const RuleAction& action)
{
    std::string line = fmt::format("http-request return status {}", action.status_code);
    if (!action.message_body.empty() || !action.content_type.empty())
        line += fmt::format(" content-type {} string {}", word(action.content_type.empty() ? "text/plain" : action.content_type), word(action.message_body));
    return line;
}

void append_line(std::string& out, std::string_view what, const std::string& conditions)
{
    out += fmt::format("    {}{}{}\n", what, conditions.empty() ? "" : " if ", conditions);
}

// Several groups by their weights; a client that has been to one of them goes there again when the action is sticky.
void append_weighted(std::string& out, const RuleAction& action, const std::string& conditions)
{
    const std::string open = fmt::format("{} {}", undecided, conditions);
    int total = 0;
    for (const auto& target : action.targets) total += target.weight;
    if (action.sticky)
        for (const auto& target : action.targets)
            append_line(out, fmt::format("http-request set-var(txn.to) str({})", group_name(target.group)),
                        fmt::format("{} {{ req.cook(AWSALBTG) -m str {} }}", open, elb_text(target.group)));
    if (total == 0) return append_line(out, "http-request return status 503", open);
    if (action.sticky) {
        append_line(out, fmt::format("http-request set-var(txn.sticky) int({})", action.sticky_seconds), open);
    }
    append_line(out, fmt::format("http-request set-var(txn.pick) rand({})", total), open);
    int below = 0;
    for (const auto& target : action.targets) {
        if (target.weight == 0) continue;
        below += target.weight;
        append_line(out, fmt::format("http-request set-var(txn.to) str({})", group_name(target.group)),
                    fmt::format("{} {{ var(txn.pick) -m int lt {} }}", open, below));
    }
}

void append_action(std::string& out, const RuleAction& action, const Listener& listener, const std::string& conditions)
{
    const std::string open = conditions.empty() ? undecided : fmt::format("{} {}", undecided, conditions);
    switch (action.type) {
    case ActionType::redirect:
        append_line(out, "http-request set-var(txn.query) str()", open);
        append_line(out, "http-request set-var-fmt(txn.query) ?%[query]", open + " { query -m found } !{ query -m len 0 }");
        append_line(out, redirect(action, listener), open);
        break;
    case ActionType::fixed_response: append_line(out, fixed_response(action), open); break;
    case ActionType::forward:
        if (action.targets.size() == 1)
            append_line(out, fmt::format("http-request set-var(txn.to) str({})", group_name(action.targets.front().group)), open);
        else
            append_weighted(out, action, conditions);
        break;
    }
}

}  // namespace

void append_rules(Frontend& frontend, const ListenerPlan& listener, const std::string& guard)
{
    for (const auto& rule : listener.rules) {
        std::string conditions = guard;
        for (const auto& condition : rule->conditions) {
            const std::string name = fmt::format("c{}", ++frontend.rules);
            append_condition(frontend.lines, name, condition);
            conditions += (conditions.empty() ? "" : " ") + name;
        }
        for (const auto& action : rule->actions) append_action(frontend.lines, action, *listener.row, conditions);
    }
    for (const auto& action : listener.row->actions) append_action(frontend.lines, action, *listener.row, guard);
}

}  // namespace boxship::drive::haproxy
