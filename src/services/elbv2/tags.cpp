// AddTags, RemoveTags, DescribeTags, by the resources' ARNs.
#include "base/arn.h"
#include "services/elbv2/common.h"
#include "services/elbv2/serve.h"

namespace boxship::services::elbv2 {
namespace {

struct TaggedRow {
    std::string arn;
    Tags tags;
};

// Calls `visit(row)` with the row that the ARN names, whatever its kind.
template <class Visit>
Result<> visit_tagged(const View& view, const Call& call, std::string_view text, Visit visit)
{
    const auto arn = Arn::parse(text);
    const std::string kind = arn ? arn->resource.substr(0, arn->resource.find('/')) : "";
    if (kind == "loadbalancer") {
        ASSIGN_OR_RETURN(const BalancerPtr row, find_balancer(view, call, text));
        visit(*row);
    } else if (kind == "listener") {
        ASSIGN_OR_RETURN(const ListenerPtr row, find_listener(view, call, text));
        visit(*row);
    } else if (kind == "listener-rule") {
        ASSIGN_OR_RETURN(const FoundRule row, find_rule(view, call, text));
        if (row.is_default()) return validation("Default rules have no tags of their own; tag the listener");
        visit(*row.rule);
    } else if (kind == "targetgroup") {
        ASSIGN_OR_RETURN(const TargetGroupPtr row, find_group(view, call, text));
        visit(*row);
    } else {
        return validation(fmt::format("'{}' is not a valid load balancer, target group, listener or rule ARN", text));
    }
    return {};
}

Result<Done> add_tags(Txn& txn, const Call& call, const api::AddTagsInput& request)
{
    const std::size_t tags_per_resource_max = call.quota(model::Quota::elb_tags);
    ASSIGN_OR_RETURN(const Tags tags, read_tags(call, request.tags));
    for (const auto& arn : request.resource_arns) {
        bool too_many = false;
        RETURN_IF_ERROR(visit_tagged(txn, call, arn, [&](auto row) {
            for (const auto& tag : tags) {
                const auto standing = std::ranges::find(row.tags, tag.key, &model::KeyValue::key);
                if (standing != row.tags.end()) standing->value = tag.value;
                else row.tags.push_back(tag);
            }
            too_many = row.tags.size() > tags_per_resource_max;
            txn.put(std::move(row));
        }));
        if (too_many) return ApiError{"TooManyTagsException", fmt::format("A resource can have no more than {} tags", tags_per_resource_max)};
    }
    return Done{};
}

Result<Done> remove_tags(Txn& txn, const Call& call, const api::RemoveTagsInput& request)
{
    for (const auto& arn : request.resource_arns)
        RETURN_IF_ERROR(visit_tagged(txn, call, arn, [&](auto row) {
            std::erase_if(row.tags, [&](const auto& tag) { return std::ranges::any_of(request.tag_keys, [&](const auto& key) { return key == tag.key; }); });
            txn.put(std::move(row));
        }));
    return Done{};
}

Result<std::vector<TaggedRow>> describe_tags(Txn& txn, const Call& call, const api::DescribeTagsInput& request)
{
    constexpr std::size_t resources_max = 20;
    if (request.resource_arns.size() > resources_max) return validation(fmt::format("No more than {} resources can be described at once", resources_max));
    std::vector<TaggedRow> rows;
    for (const auto& arn : request.resource_arns)
        RETURN_IF_ERROR(visit_tagged(txn, call, arn, [&](const auto& row) { rows.push_back({arn.str(), row.tags}); }));
    return rows;
}

api::DescribeTagsOutput render_tags(const std::vector<TaggedRow>& rows)
{
    api::DescribeTagsOutput response;
    response.tag_descriptions.emplace();
    for (const auto& row : rows) {
        auto& out = response.tag_descriptions.emplace_back();
        out.resource_arn = row.arn;
        out.tags.emplace();
        for (const auto& tag : row.tags) {
            auto& entry = out.tags.emplace_back();
            entry.key = tag.key;
            entry.value = tag.value;
        }
    }
    return response;
}

}  // namespace

void serve_tags(Served& served)
{
    served.add<api::ops::AddTags>(add_tags, render_nothing<api::AddTagsOutput>);
    served.add<api::ops::RemoveTags>(remove_tags, render_nothing<api::RemoveTagsOutput>);
    served.add<api::ops::DescribeTags>(describe_tags, render_tags);
}

}  // namespace boxship::services::elbv2
