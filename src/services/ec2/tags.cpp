// CreateTags, DeleteTags, DescribeTags.
#include "services/ec2/tags.h"

#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "base/strings.h"
#include "ec2/ops.h"
#include "services/ec2/lookup.h"
#include "services/ec2/pages.h"
#include "services/ec2/serve.h"

namespace boxship::services::ec2 {
namespace {

constexpr std::size_t key_max = 128, value_max = 256;

// Calls `use` with the row of the resource; for rules with the group that has it, and the rule.
struct Visitor {
    std::function<Result<>(Tags&)> change;
    Txn& txn;

    template <class Row>
    Result<> row(std::shared_ptr<const Row> found, bool& known)
    {
        if (!found) return {};
        known = true;
        Row changed = *found;
        RETURN_IF_ERROR(change(changed.tags));
        txn.put(std::move(changed));
        return {};
    }

    Result<> rule(const Call& call, std::string_view name, bool& known)
    {
        auto group = find_group_of_rule(txn, call.scope, name);
        if (!group) return {};
        known = true;
        model::SecurityGroup changed = *group;
        for (auto& rule : changed.rules)
            if (to_short_text("sgr-", rule.id) == name) RETURN_IF_ERROR(change(rule.tags));
        txn.put(std::move(changed));
        return {};
    }
};

Result<> change_tags(Txn& txn, const Call& call, std::string_view name, std::function<Result<>(Tags&)> change)
{
    Visitor visitor{std::move(change), txn};
    bool known = false;
    RETURN_IF_ERROR(visitor.row(find_vpc(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.row(find_subnet(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.row(find_group(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.row(find_eni(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.row(find_route_table(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.row(find_gateway(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.row(find_nat(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.row(find_address(txn, call.scope, name), known));
    RETURN_IF_ERROR(visitor.rule(call, name, known));
    if (!known) return ApiError{"InvalidID", fmt::format("The ID '{}' is not valid", name)};
    return {};
}

Result<> check_resources(const shape::List<shape::Str>& resources)
{
    constexpr std::size_t resources_max = 1000;
    if (resources.empty()) return ApiError{"MissingParameter", "The request must contain the parameter resourceIdSet"};
    if (resources.size() > resources_max) return invalid_value("At most 1000 resources can be tagged at once");
    return {};
}

Result<Done> create_tags(Txn& txn, const Call& call, const api::CreateTagsRequest& request)
{
    RETURN_IF_ERROR(check_resources(request.resources));
    if (request.tags.empty()) return ApiError{"MissingParameter", "The request must contain the parameter tagSet"};
    for (const auto& name : request.resources)
        RETURN_IF_ERROR(change_tags(txn, call, name, [&](Tags& own) { return merge_tags(call, own, request.tags); }));
    return Done{};
}

// Without tags: all of them go. A tag with a value goes only if it has that value.
Result<Done> delete_tags(Txn& txn, const Call& call, const api::DeleteTagsRequest& request)
{
    RETURN_IF_ERROR(check_resources(request.resources));
    for (const auto& name : request.resources)
        RETURN_IF_ERROR(change_tags(txn, call, name, [&](Tags& own) {
            if (request.tags.empty()) own.clear();
            for (const auto& tag : request.tags)
                std::erase_if(own, [&](const auto& one) { return tag.key == one.key && (!tag.value.has() || tag.value == one.value); });
            return Result<>();
        }));
    return Done{};
}

struct TagRow {
    std::string resource;
    api::ResourceType type;
    model::KeyValue tag;
};
struct TagRows {
    std::vector<TagRow> rows;
    std::string next_token;
};

template <class Row>
void collect(const Txn& txn, const Call& call, const char* prefix, api::ResourceType type, std::vector<TagRow>& rows)
{
    for (const auto& [id, row] : txn.rows<Row>())
        if (row->scope == call.scope)
            for (const auto& tag : row->tags) rows.push_back({to_short_text(prefix, id), type, tag});
}

Result<TagRows> describe_tags(Txn& txn, const Call& call, const api::DescribeTagsRequest& request)
{
    RETURN_IF_ERROR(check_filters(request.filters, {"key", "value", "resource-id", "resource-type"}));
    std::vector<TagRow> all;
    collect<model::Vpc>(txn, call, "vpc-", api::ResourceType::vpc, all);
    collect<model::Subnet>(txn, call, "subnet-", api::ResourceType::subnet, all);
    collect<model::SecurityGroup>(txn, call, "sg-", api::ResourceType::security_group, all);
    collect<model::Eni>(txn, call, "eni-", api::ResourceType::network_interface, all);
    collect<model::RouteTable>(txn, call, "rtb-", api::ResourceType::route_table, all);
    collect<model::InternetGateway>(txn, call, "igw-", api::ResourceType::internet_gateway, all);
    collect<model::NatGateway>(txn, call, "nat-", api::ResourceType::natgateway, all);
    collect<model::ElasticAddress>(txn, call, "eipalloc-", api::ResourceType::elastic_ip, all);
    for (const auto& [id, group] : txn.rows<model::SecurityGroup>())
        if (group->scope == call.scope)
            for (const auto& rule : group->rules)
                for (const auto& tag : rule.tags) all.push_back({to_short_text("sgr-", rule.id), api::ResourceType::security_group_rule, tag});
    const auto order = [](const TagRow& row) { return row.resource + '\n' + row.tag.key; };
    std::ranges::sort(all, {}, order);
    ASSIGN_OR_RETURN(const std::string after, read_token(request.next_token));
    TagRows found;
    for (auto& row : all) {
        if (!after.empty() && order(row) <= after) continue;
        const Properties properties = {{"key", {row.tag.key}}, {"value", {row.tag.value}}, {"resource-id", {row.resource}},
                                       {"resource-type", {std::string(api::to_text(row.type))}}};
        if (!passes(request.filters, properties)) continue;
        if (request.max_results && found.rows.size() == static_cast<std::size_t>(*request.max_results)) {
            found.next_token = to_base64(order(found.rows.back()));
            break;
        }
        found.rows.push_back(std::move(row));
    }
    return found;
}

api::DescribeTagsResult render_tags(const TagRows& found)
{
    api::DescribeTagsResult response;
    response.tags.emplace();
    for (const auto& row : found.rows) {
        auto& out = response.tags.emplace_back();
        out.key = row.tag.key;
        out.value = row.tag.value;
        out.resource_id = row.resource;
        out.resource_type = row.type;
    }
    if (!found.next_token.empty()) response.next_token = found.next_token;
    return response;
}

}  // namespace

void write_tags(const Tags& tags, shape::List<api::Tag>& list)
{
    list.emplace();
    for (const auto& tag : tags) {
        auto& entry = list.emplace_back();
        entry.key = tag.key;
        entry.value = tag.value;
    }
}

Result<> merge_tags(const Call& call, Tags& own, const shape::List<api::Tag>& more)
{
    for (const auto& tag : more) {
        if (tag.key.empty() || tag.key.size() > key_max) return invalid_value("Tag keys must have from 1 to 128 characters");
        if (tag.value.size() > value_max) return invalid_value(fmt::format("The value of the tag '{}' exceeds 256 characters", tag.key));
        if (to_lower(tag.key.str()).starts_with("aws:"))
            return invalid_value(fmt::format("Tag keys starting with 'aws:' are reserved for internal use: '{}'", tag.key));
        const auto standing = std::ranges::find(own, tag.key.view(), &model::KeyValue::key);
        if (standing != own.end()) standing->value = tag.value.str();
        else own.push_back({tag.key.str(), tag.value.str()});
    }
    if (own.size() > call.quota(model::Quota::ec2_tags)) return ApiError{"TagLimitExceeded", "The maximum number of Tags for a resource has been reached."};
    return {};
}

Result<Tags> read_specifications(const Call& call, const shape::List<api::TagSpecification>& specifications, api::ResourceType type)
{
    Tags tags;
    for (const auto& specification : specifications) {
        if (specification.resource_type != type)
            return invalid_value(fmt::format("'{}' is not a valid taggable resource type for this operation.",
                                             specification.resource_type ? api::to_text(*specification.resource_type) : ""));
        RETURN_IF_ERROR(merge_tags(call, tags, specification.tags));
    }
    return tags;
}

void serve_tags(Served& served)
{
    served.add<api::ops::CreateTags>(create_tags, render_done<api::CreateTagsResponse>);
    served.add<api::ops::DeleteTags>(delete_tags, render_done<api::DeleteTagsResponse>);
    served.add<api::ops::DescribeTags>(describe_tags, render_tags);
}

}  // namespace boxship::services::ec2
