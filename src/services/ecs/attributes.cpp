// Custom attributes of container instances.
#include <algorithm>

#include "ecs/ops.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

constexpr std::size_t call_max = 10, custom_max = 10;

struct AttributeRow {
    model::KeyValue attribute;
    std::string target;   // ARN
};
struct AttributeRows {
    std::vector<AttributeRow> attributes;
    std::string next_token;
};

bool is_system(std::string_view name)
{
    return name.starts_with("ecs.") || name.starts_with("com.amazonaws.ecs.") || name.starts_with("boxship.");
}

Result<> check(const api::Attribute& attribute)
{
    const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/' || c == '\\'; };
    const auto name = attribute.name.view();
    if (name.empty() || name.size() > 128 || !std::ranges::all_of(name, allowed)) return invalid(say(messages::attribute_name, name));
    if (attribute.value.size() > 128) return invalid(say(messages::attribute_value, name));
    if (is_system(name)) return invalid(say(messages::attribute_system, name));
    if (attribute.target_type && *attribute.target_type != api::TargetType::container_instance) return invalid(messages::target_type);
    return {};
}

// Applies `change` to the target of every attribute of the request.
template <class Change>
Result<AttributeRows> change_attributes(Txn& txn, const Call& call, std::string_view cluster_name, const shape::List<api::Attribute>& attributes, Change change)
{
    if (attributes.empty()) return invalid(messages::attributes_empty);
    if (attributes.size() > call_max) return invalid(messages::attributes_max);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, cluster_name));
    AttributeRows rows;
    for (const auto& attribute : attributes) {
        RETURN_IF_ERROR(check(attribute));
        const auto found = look_up_instance(txn, *cluster, attribute.target_id);
        if (!found || found->status == model::InstanceStatus::inactive)
            return ApiError{"TargetNotFoundException", say(messages::attribute_target, attribute.target_id)};
        model::Instance instance = *found;
        const model::KeyValue row{attribute.name.str(), attribute.value.str()};
        change(instance.attributes, row);
        const auto custom = std::ranges::count_if(instance.attributes, [](const auto& entry) { return !is_system(entry.key); });
        if (custom > static_cast<std::ptrdiff_t>(custom_max)) return ApiError{"AttributeLimitExceededException", messages::attribute_limit};
        txn.put(instance);
        rows.attributes.push_back({row, instance_arn(*cluster, instance.id)});
    }
    return rows;
}

Result<AttributeRows> put_attributes(Txn& txn, const Call& call, const api::PutAttributesRequest& request)
{
    return change_attributes(txn, call, request.cluster, request.attributes, [](auto& attributes, const model::KeyValue& row) {
        const auto found = std::ranges::find(attributes, row.key, &model::KeyValue::key);
        if (found != attributes.end())
            found->value = row.value;
        else
            attributes.push_back(row);
    });
}

Result<AttributeRows> delete_attributes(Txn& txn, const Call& call, const api::DeleteAttributesRequest& request)
{
    return change_attributes(txn, call, request.cluster, request.attributes, [](auto& attributes, const model::KeyValue& row) {
        std::erase_if(attributes, [&](const auto& entry) { return entry.key == row.key && (row.value.empty() || entry.value == row.value); });
    });
}

// By instance, then by name; the token is the last "<instance>:<name>".
Result<AttributeRows> list_attributes(Txn& txn, const Call& call, const api::ListAttributesRequest& request)
{
    if (request.target_type != api::TargetType::container_instance) return invalid(messages::target_type);
    ASSIGN_OR_RETURN(const auto cluster, find_cluster(txn, call, request.cluster));
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    PageBuilder builder(page);
    std::vector<AttributeRow> found;
    bool more = true;
    for (const auto& instance : txn.all<state::InstancesByCluster>(cluster->id)) {
        if (instance->status == model::InstanceStatus::inactive) continue;
        auto attributes = instance->attributes;
        std::ranges::sort(attributes, {}, &model::KeyValue::key);
        for (const auto& attribute : attributes) {
            const std::string key = to_text(instance->id) + ":" + attribute.key;
            if (!more || key <= page.after) continue;
            if (!request.attribute_name.empty() && request.attribute_name != attribute.key) continue;
            if (!request.attribute_value.empty() && request.attribute_value != attribute.value) continue;
            more = builder.add(key, "");
            if (more) found.push_back({attribute, instance_arn(*cluster, instance->id)});
        }
    }
    return AttributeRows{std::move(found), builder.take().next_token};
}

void render(const AttributeRows& rows, shape::List<api::Attribute>& list)
{
    list.emplace();
    for (const auto& row : rows.attributes) {
        auto& entry = list.emplace_back();
        entry.name = row.attribute.key;
        if (!row.attribute.value.empty()) entry.value = row.attribute.value;
        entry.target_type = api::TargetType::container_instance;
        entry.target_id = row.target;
    }
}

template <class Response>
Response render_changed(const AttributeRows& rows)
{
    Response response;
    render(rows, response.attributes);
    return response;
}

api::ListAttributesResponse render_attributes(const AttributeRows& rows)
{
    api::ListAttributesResponse response;
    render(rows, response.attributes);
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

void serve_attributes(Served& served)
{
    served.add<api::ops::PutAttributes>(put_attributes, render_changed<api::PutAttributesResponse>);
    served.add<api::ops::DeleteAttributes>(delete_attributes, render_changed<api::DeleteAttributesResponse>);
    served.add<api::ops::ListAttributes>(list_attributes, render_attributes);
}

}  // namespace boxship::services::ecs
