// Describe…Attributes and Modify…Attributes of load balancers, listeners and target groups.
#include "model/elbv2_attributes.h"

#include <set>

#include "services/elbv2/attribute_values.h"
#include "services/elbv2/common.h"
#include "services/elbv2/serve.h"

namespace boxship::services::elbv2 {
namespace {

using model::Attribute;
using Known = std::span<const Attribute>;

struct AttributeRows {
    Tags attributes;              // all there are, in order
};

// Logs are switched on only where a bucket is named for them.
Result<> check_logs(const Tags& set)
{
    using namespace std::string_literals;
    const Known known = model::load_balancer_attributes();
    for (const auto& [key, name] : {std::pair{"access_logs.s3"s, "access logs"}, {"connection_logs.s3"s, "connection logs"}, {"health_check_logs.s3"s, "health check logs"}})
        if (model::attribute_is_on(known, set, key + ".enabled") && model::attribute_of(known, set, key + ".bucket").empty())
            return validation(fmt::format("The key '{}.bucket' must set in order to enable {}", key, name));
    return {};
}

// `what` has the attributes: "Load balancer".
template <class List>
Result<> change_attributes(Known known, std::string_view what, const List& wanted, Tags& set)
{
    std::set<std::string> seen;
    for (const auto& attribute : wanted) {
        const auto key = attribute.key.view();
        if (std::ranges::none_of(known, [&](const Attribute& entry) { return key == entry.key; }))
            return validation(fmt::format("{} attribute key '{}' is not recognized", what, key));
        if (!seen.insert(std::string(key)).second) return validation(fmt::format("Attribute key '{}' has been specified more than once", key));
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
Result<AttributeRows> modify(Txn& txn, Known known, std::string_view what, const std::shared_ptr<const Row>& found, const List& wanted)
{
    Row row = *found;
    RETURN_IF_ERROR(change_attributes(known, what, wanted, row.attributes));
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
    for (const auto& attribute : request.attributes) {
        if (is_of_other_kinds(attribute.key))
            return invalid_configuration(fmt::format("Load balancer attribute key '{}' is not supported on load balancers with type 'application'", attribute.key));
        if (attribute.key == "load_balancing.cross_zone.enabled" && !(attribute.value == "true"))
            return invalid_configuration(fmt::format("The value for '{}' must always be 'true' for an Application Load Balancer", attribute.key));
    }
    ASSIGN_OR_RETURN(AttributeRows rows, modify(txn, model::load_balancer_attributes(), "Load balancer", found, request.attributes));
    RETURN_IF_ERROR(check_logs(txn.get<model::LoadBalancer>(found->id)->attributes));
    return rows;
}

// What is put into requests is there to be renamed where requests come by TLS only.
Known attributes_of(const model::Listener& listener)
{
    const Known all = model::listener_attributes();
    if (listener.protocol == model::ListenerProtocol::https) return all;
    const auto first = std::ranges::find_if(all, [](const Attribute& entry) { return !std::string_view(entry.key).starts_with("routing.http.request."); });
    return all.subspan(static_cast<std::size_t>(first - all.begin()));
}

Result<AttributeRows> describe_listener_attributes(Txn& txn, const Call& call, const api::DescribeListenerAttributesInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr found, find_listener(txn, call, request.listener_arn));
    return all_of(attributes_of(*found), found->attributes);
}
Result<AttributeRows> modify_listener_attributes(Txn& txn, const Call& call, const api::ModifyListenerAttributesInput& request)
{
    ASSIGN_OR_RETURN(const ListenerPtr found, find_listener(txn, call, request.listener_arn));
    const Known known = attributes_of(*found);
    for (const auto& attribute : request.attributes) {
        const auto is_it = [&](const Attribute& entry) { return attribute.key == entry.key; };
        const bool elsewhere = is_of_other_kinds(attribute.key) || std::ranges::any_of(model::listener_attributes(), is_it);
        if (elsewhere && std::ranges::none_of(known, is_it))
            return invalid_configuration(fmt::format("Listener attribute key '{}' is not supported on listeners with protocol '{}'", attribute.key,
                                                     found->protocol == model::ListenerProtocol::https ? "HTTPS" : "HTTP"));
    }
    return modify(txn, known, "Listener", found, request.attributes);
}
Result<AttributeRows> describe_target_group_attributes(Txn& txn, const Call& call, const api::DescribeTargetGroupAttributesInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr found, find_group(txn, call, request.target_group_arn));
    return all_of(model::target_group_attributes(), found->attributes);
}
Result<AttributeRows> modify_target_group_attributes(Txn& txn, const Call& call, const api::ModifyTargetGroupAttributesInput& request)
{
    ASSIGN_OR_RETURN(const TargetGroupPtr found, find_group(txn, call, request.target_group_arn));
    for (const auto& attribute : request.attributes) {
        if (is_of_other_kinds(attribute.key)) return invalid_configuration("The provided target group attribute is not supported");
        if (attribute.key == "load_balancing.cross_zone.enabled" && !(attribute.value == "true") && !(attribute.value == "use_load_balancer_configuration"))
            return invalid_configuration(fmt::format("'{}' cannot be '{}': this server balances across zones always", attribute.key, attribute.value));
    }
    ASSIGN_OR_RETURN(AttributeRows rows, modify(txn, model::target_group_attributes(), "Target group", found, request.attributes));
    const auto group = txn.get<model::TargetGroup>(found->id);
    const auto value = [&](const char* key) { return model::attribute_of(model::target_group_attributes(), group->attributes, key); };
    if (value("stickiness.enabled") == "true" && value("stickiness.type") == "app_cookie" && value("stickiness.app_cookie.cookie_name").empty())
        return validation("A cookie name must be specified for stickiness of type 'app_cookie'");
    if (value("slow_start.duration_seconds") != "0" && value("load_balancing.algorithm.type") != "round_robin")
        return invalid_configuration("Slow start is available with the round_robin algorithm only");
    if (value("load_balancing.algorithm.anomaly_mitigation") == "on" && value("load_balancing.algorithm.type") != "weighted_random")
        return invalid_configuration("Anomaly mitigation is available with the weighted_random algorithm only");
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
