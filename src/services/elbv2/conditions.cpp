#include "services/elbv2/conditions.h"

#include <set>

#include "base/ipv4.h"
#include "base/strings.h"

namespace boxship::services::elbv2 {
namespace {

using Field = model::ConditionField;

constexpr std::size_t text_max = 128, header_max = 40;

struct FieldName {
    Field field;
    const char* name;
};
constexpr FieldName field_names[] = {
    {Field::host_header, "host-header"},   {Field::path_pattern, "path-pattern"},
    {Field::http_header, "http-header"},   {Field::query_string, "query-string"},
    {Field::http_request_method, "http-request-method"}, {Field::source_ip, "source-ip"},
};

const char* name_of(Field field)
{
    for (const auto& entry : field_names)
        if (entry.field == field) return entry.name;
    return "";
}

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

bool only(std::string_view text, std::string_view more)
{
    return std::ranges::all_of(text, [&](char c) { return is_alphanumeric(c) || more.find(c) != more.npos; });
}

bool printable(std::string_view text)
{
    return std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c < 127; });
}

bool is_address_range(std::string_view text)
{
    const auto slash = text.find('/');
    if (text.find(':') == text.npos) return slash != text.npos && Ipv4Range::parse(text).has_value();
    // IPv6: the data plane has the last word; here only what could be one.
    return slash != text.npos && only(text.substr(0, slash), ":.") && only(text.substr(slash + 1), "") && text.size() <= 49;
}

// As AWS has it: no name without a dot, no address.
bool is_host_name(std::string_view text)
{
    const auto dot = text.rfind('.');
    if (dot == text.npos || dot + 1 == text.size()) return false;
    const std::string_view last = text.substr(dot + 1);
    const bool digit = last.front() >= '0' && last.front() <= '9';
    return !digit && last.front() != '-' && only(last, "-*?");
}

Result<> check_value(Field field, std::string_view value)
{
    const auto wrong = [&] { return validation(fmt::format("Condition value '{}' contains a character that is not valid", value)); };
    if (value.empty()) return validation(fmt::format("A condition value must be specified for '{}'", name_of(field)));
    if (value.size() > text_max) return validation(fmt::format("Condition value for '{}' cannot contain more than {} characters", name_of(field), text_max));
    switch (field) {
    case Field::host_header:
        if (!only(value, "-.*?:[]_")) return wrong();
        if (!is_host_name(value))
            return validation(fmt::format("Condition value '{}' must be a host name: it has a '.', and what is behind the last one begins with a letter", value));
        break;
    case Field::path_pattern:
        if (!only(value, "_-.$/~\"'@:+&()!,;=*?%\\") || (!value.starts_with('/') && !value.starts_with('*') && !value.starts_with('?'))) return wrong();
        break;
    case Field::http_request_method:
        if (value.size() > header_max || !std::ranges::all_of(value, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; })) return wrong();
        break;
    case Field::source_ip:
        if (!is_address_range(value)) return validation(fmt::format("The specified value '{}' is not a valid CIDR block", value));
        break;
    case Field::http_header:
    case Field::query_string: if (!printable(value)) return wrong(); break;
    }
    return {};
}

// The values, wherever they were said: in Values, or in the field's own configuration.
Result<model::RuleCondition> read_condition(const api::RuleCondition& condition)
{
    model::RuleCondition row;
    const auto known = std::ranges::find_if(field_names, [&](const FieldName& entry) { return condition.field == entry.name; });
    if (known == std::end(field_names)) return validation(fmt::format("Condition field '{}' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'", condition.field));
    row.field = known->field;
    const shape::List<shape::Str>* own = nullptr;
    switch (row.field) {
    case Field::host_header: own = &condition.host_header_config->values; break;
    case Field::path_pattern: own = &condition.path_pattern_config->values; break;
    case Field::http_header: own = &condition.http_header_config->values; break;
    case Field::http_request_method: own = &condition.http_request_method_config->values; break;
    case Field::source_ip: own = &condition.source_ip_config->values; break;
    case Field::query_string: break;
    }
    const bool plain = row.field == Field::host_header || row.field == Field::path_pattern;
    if (!condition.values.empty() && (!plain || !own->empty()))
        return validation(fmt::format("Condition '{}' must have its values in its own configuration only", known->name));
    for (const auto& value : condition.values) row.values.push_back(value.str());
    if (own)
        for (const auto& value : *own) row.values.push_back(value.str());
    for (const auto& pair : condition.query_string_config->values) {
        if (row.field != Field::query_string) continue;
        if (pair.value.empty()) return validation("A value must be specified for each query-string condition");
        row.pairs.push_back({pair.key.str(), pair.value.str()});
        if (!pair.key.empty()) RETURN_IF_ERROR(check_value(row.field, pair.key));
        RETURN_IF_ERROR(check_value(row.field, pair.value));
    }
    if (row.field == Field::http_header) {
        row.header = condition.http_header_config->http_header_name.str();
        if (row.header.empty() || row.header.size() > header_max || !only(row.header, "!#$&*+-.^_|~"))
            return validation(fmt::format("The HTTP header name '{}' is not valid", row.header));
        if (equals_ignoring_case(row.header, "host")) return validation("The HTTP header name 'Host' is not valid; use a host-header condition");
    }
    if (row.values.empty() && row.pairs.empty()) return validation(fmt::format("A condition value must be specified for '{}'", known->name));
    for (const auto& value : row.values) RETURN_IF_ERROR(check_value(row.field, value));
    return row;
}

}  // namespace

Result<Conditions> read_conditions(const Call& call, const ApiConditions& conditions)
{
    if (conditions.empty()) return validation("A condition must be specified");
    Conditions rows;
    std::set<Field> once;
    std::size_t values = 0, wildcards = 0;
    for (const auto& condition : conditions) {
        ASSIGN_OR_RETURN(model::RuleCondition row, read_condition(condition));
        const bool repeatable = row.field == Field::http_header || row.field == Field::query_string;
        if (!repeatable && !once.insert(row.field).second) return validation(fmt::format("A rule can have only one '{}' condition", name_of(row.field)));
        values += row.values.size() + row.pairs.size();
        const auto count_in = [](std::string_view text) {
            return static_cast<std::size_t>(std::ranges::count(text, '*') + std::ranges::count(text, '?'));
        };
        for (const auto& value : row.values) wildcards += count_in(value);
        for (const auto& pair : row.pairs) wildcards += count_in(pair.key) + count_in(pair.value);
        rows.push_back(std::move(row));
    }
    if (const auto most = call.quota(model::Quota::condition_values); values > most)
        return validation(fmt::format("A rule can only have '{}' condition values", most));
    if (const auto most = call.quota(model::Quota::condition_wildcards); wildcards > most)
        return validation(fmt::format("A rule can only have '{}' condition wildcards", most));
    return rows;
}

void write_conditions(const Conditions& conditions, ApiConditions& list)
{
    list.emplace();
    for (const auto& condition : conditions) {
        auto& out = list.emplace_back();
        out.field = name_of(condition.field);
        switch (condition.field) {
        case Field::host_header:
            out.values.assign(condition.values);
            out.host_header_config->values.assign(condition.values);
            break;
        case Field::path_pattern:
            out.values.assign(condition.values);
            out.path_pattern_config->values.assign(condition.values);
            break;
        case Field::http_header:
            out.http_header_config->http_header_name = condition.header;
            out.http_header_config->values.assign(condition.values);
            break;
        case Field::http_request_method: out.http_request_method_config->values.assign(condition.values); break;
        case Field::source_ip: out.source_ip_config->values.assign(condition.values); break;
        case Field::query_string:
            for (const auto& pair : condition.pairs) {
                auto& entry = out.query_string_config->values.emplace_back();
                if (!pair.key.empty()) entry.key = pair.key;
                entry.value = pair.value;
            }
            break;
        }
    }
}

}  // namespace boxship::services::elbv2
