#include "services/elbv2/common.h"

#include <set>

#include "base/arn.h"
#include "base/numbers.h"
#include "base/strings.h"

namespace boxship::services::elbv2 {
namespace {

// "loadbalancer/app/web/0123…" of this account and region, as its parts; empty when the ARN is none of ours.
std::vector<std::string> parts_of(const Call& call, std::string_view text, std::string_view kind, std::size_t count)
{
    const auto arn = Arn::parse(text);
    if (!arn || arn->service != "elasticloadbalancing" || arn->region != call.scope.region || arn->account != call.scope.account) return {};
    auto parts = split(arn->resource, '/');
    if (parts.size() != count || parts.front() != kind) return {};
    return parts;
}

// The row whose id begins with the digits: rows are in the order of their ids.
template <class Row>
std::shared_ptr<const Row> by_digits(const View& view, std::string_view digits)
{
    const auto first = model::first_id_of<typename Row::Key>(digits);
    if (!first) return nullptr;
    const auto found = view.rows<Row>().lower_bound(*first);
    if (found == view.rows<Row>().end() || model::elb_text(found->first) != digits) return nullptr;
    return found->second;
}

constexpr const char* malformed_arn = "'{}' is not a valid {} ARN";

bool is_arn(std::string_view text) { return Arn::parse(text).has_value(); }

}  // namespace

std::string balancer_arn(const View& view, const LoadBalancerId& id) { return model::load_balancer_arn(*view.get<model::LoadBalancer>(id)); }

bool is_number(std::string_view text, int least, int most)
{
    const auto value = parse_number<int>(text);
    return value && *value >= least && *value <= most;
}

Result<BalancerPtr> find_balancer(const View& view, const Call& call, std::string_view arn)
{
    if (!is_arn(arn)) return validation(fmt::format(malformed_arn, arn, "load balancer"));
    const auto parts = parts_of(call, arn, "loadbalancer", 4);
    const auto row = parts.empty() ? nullptr : by_digits<model::LoadBalancer>(view, parts[3]);
    if (!row || model::load_balancer_arn(*row) != arn) return ApiError{"LoadBalancerNotFoundException", fmt::format("Load balancer '{}' not found", arn)};
    return row;
}

Result<ListenerPtr> find_listener(const View& view, const Call& call, std::string_view arn)
{
    if (!is_arn(arn)) return validation(fmt::format(malformed_arn, arn, "listener"));
    const auto parts = parts_of(call, arn, "listener", 5);
    const auto row = parts.empty() ? nullptr : by_digits<model::Listener>(view, parts[4]);
    if (!row || model::listener_arn(*view.get<model::LoadBalancer>(row->load_balancer), row->id) != arn)
        return ApiError{"ListenerNotFoundException", "One or more listeners not found"};
    return row;
}

Result<TargetGroupPtr> find_group(const View& view, const Call& call, std::string_view arn)
{
    if (!is_arn(arn)) return validation(fmt::format(malformed_arn, arn, "target group"));
    const auto parts = parts_of(call, arn, "targetgroup", 3);
    const auto row = parts.empty() ? nullptr : by_digits<model::TargetGroup>(view, parts[2]);
    if (!row || model::target_group_arn(*row) != arn) return ApiError{"TargetGroupNotFoundException", fmt::format("Target groups '{}' not found", arn)};
    return row;
}

Result<FoundRule> find_rule(const View& view, const Call& call, std::string_view arn)
{
    if (!is_arn(arn)) return validation(fmt::format(malformed_arn, arn, "listener rule"));
    const ApiError not_found{"RuleNotFoundException", "One or more rules not found"};
    const auto parts = parts_of(call, arn, "listener-rule", 6);
    if (parts.empty()) return not_found;
    FoundRule found{by_digits<model::ListenerRule>(view, parts[5]), by_digits<model::Listener>(view, parts[4])};
    if (!found.listener || (found.rule && found.rule->listener != found.listener->id)) return not_found;
    const auto balancer = view.get<model::LoadBalancer>(found.listener->load_balancer);
    const RuleId id = found.rule ? found.rule->id : found.listener->default_rule;
    if (model::rule_arn(*balancer, found.listener->id, id) != arn) return not_found;
    return found;
}

Result<CertificateId> find_certificate(const View& view, const Call& call, std::string_view arn)
{
    for (const auto& [id, certificate] : view.rows<model::Certificate>())
        if (certificate->scope == call.scope && model::certificate_arn(*certificate) == arn) return id;
    return ApiError{"CertificateNotFoundException", fmt::format("Certificate '{}' not found", arn)};
}

Result<Tags> read_tags(const Call& call, const shape::List<api::Tag>& tags)
{
    if (const auto most = call.quota(model::Quota::elb_tags); tags.size() > most)
        return ApiError{"TooManyTagsException", fmt::format("A resource can have no more than {} tags", most)};
    Tags rows;
    std::set<std::string> seen;
    for (const auto& tag : tags) {
        if (to_lower(tag.key).starts_with("aws:")) return validation("Tag keys that begin with 'aws:' are reserved for internal use");
        if (!seen.insert(tag.key.str()).second)
            return ApiError{"DuplicateTagKeysException", fmt::format("Tag key '{}' was specified more than once", tag.key)};
        rows.push_back({tag.key.str(), tag.value.str()});
    }
    return rows;
}

Result<Marker> read_marker(std::string_view marker, std::optional<std::int32_t> page_size)
{
    Marker page;
    if (page_size) page.max = static_cast<std::size_t>(*page_size);
    if (marker.empty()) return page;
    const auto text = from_base64(marker);
    if (!text || text->empty()) return validation("The marker is not valid");
    page.after = *text;
    return page;
}

std::string write_marker(std::string_view last) { return to_base64(last); }

}  // namespace boxship::services::elbv2
