// What the verbs of elastic load balancing share: rows by ARN, tags, pages, errors.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "elbv2/ops.h"
#include "model/elbv2_arns.h"
#include "services/served.h"

namespace boxship::elbv2 {}

namespace boxship::services::elbv2 {

namespace api = ::boxship::elbv2;
using state::View;
using BalancerPtr = std::shared_ptr<const model::LoadBalancer>;
using ListenerPtr = std::shared_ptr<const model::Listener>;
using RulePtr = std::shared_ptr<const model::ListenerRule>;
using TargetGroupPtr = std::shared_ptr<const model::TargetGroup>;
using Tags = std::vector<model::KeyValue>;

inline ApiError validation(std::string message) { return {"ValidationError", std::move(message)}; }
inline ApiError invalid_configuration(std::string message) { return {"InvalidConfigurationRequestException", std::move(message)}; }

Result<BalancerPtr> find_balancer(const View& view, const Call& call, std::string_view arn);
Result<ListenerPtr> find_listener(const View& view, const Call& call, std::string_view arn);
Result<TargetGroupPtr> find_group(const View& view, const Call& call, std::string_view arn);
// A rule, or the listener whose default rule it is: exactly one of the two.
struct FoundRule {
    RulePtr rule;
    ListenerPtr listener;     // always: the rule's listener
    bool is_default() const { return !rule; }
};
Result<FoundRule> find_rule(const View& view, const Call& call, std::string_view arn);
// A certificate in use or to be used by a listener: CertificateNotFound.
Result<CertificateId> find_certificate(const View& view, const Call& call, std::string_view arn);

// Of a load balancer that is there.
std::string balancer_arn(const View& view, const LoadBalancerId& id);

bool is_number(std::string_view text, int least, int most);

Result<Tags> read_tags(const Call& call, const shape::List<api::Tag>& tags);

// Lists in pages: the marker is the last entry's place in the order.
struct Marker {
    std::string after;        // "" from the beginning
    std::size_t max = 400;
};
Result<Marker> read_marker(std::string_view marker, std::optional<std::int32_t> page_size);
std::string write_marker(std::string_view last);

// Takes what is on the page from `rows`, which are in the order of key(row), and gives the next marker ("" at the end).
template <class Row, class Key>
std::string take_page(std::vector<Row>& rows, const Marker& page, Key key)
{
    if (!page.after.empty()) std::erase_if(rows, [&](const Row& row) { return key(row) <= page.after; });
    if (rows.size() <= page.max) return {};
    rows.resize(page.max);
    return write_marker(key(rows.back()));
}

struct Done {};               // of verbs that answer with nothing
template <class Response>
Response render_nothing(const Done&) { return {}; }

}  // namespace boxship::services::elbv2
