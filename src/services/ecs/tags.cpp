// Tags of clusters, task definitions, services, container instances and tasks, by the resource's ARN.
#include <algorithm>
#include <type_traits>

#include "base/arn.h"
#include "base/strings.h"
#include "ecs/ops.h"
#include "services/ecs/hosts.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

using Tags = std::vector<model::KeyValue>;
struct Done {};

ApiError not_found() { return {"ResourceNotFoundException", messages::resource_not_found}; }

// Calls `visit(row)` with the row that the ARN names, whatever its kind.
template <class Visit>
Result<> visit_resource(const View& view, const Call& call, std::string_view text, Visit visit)
{
    const auto arn = Arn::parse(text);
    if (!arn || arn->service != "ecs" || arn->region != call.scope.region || arn->account != call.scope.account) return invalid(messages::arn_invalid);
    const auto parts = split(arn->resource, '/');
    if (parts.size() < 2) return invalid(messages::arn_invalid);
    const std::string& kind = parts.front();
    if (kind == "cluster") {
        const auto cluster = look_up_cluster(view, call, text);
        if (!cluster || !cluster->active) return ApiError{"ClusterNotFoundException", messages::cluster_not_found};
        visit(*cluster);
        return {};
    }
    if (kind == "task-definition") {
        const auto definition = look_up_definition(view, call, text);
        if (!definition) return not_found();
        visit(*definition);
        return {};
    }
    if (kind != "task" && kind != "container-instance" && kind != "service") return invalid(messages::arn_invalid);
    const auto cluster = look_up_cluster(view, call, parts[1]);
    if (!cluster) return not_found();
    if (kind == "service") {
        const auto service = look_up_service(view, *cluster, text);
        if (!service) return not_found();
        visit(*service);
        return {};
    }
    if (kind == "task") {
        const auto task = look_up_task(view, *cluster, text);
        if (!task) return not_found();
        visit(*task);
        return {};
    }
    const auto instance = look_up_instance(view, *cluster, text);
    if (!instance) return not_found();
    visit(*instance);
    return {};
}

template <class Change>
Result<Done> change_tags(Txn& txn, const Call& call, std::string_view arn, Change change)
{
    Result<> outcome;
    RETURN_IF_ERROR(visit_resource(txn, call, arn, [&](const auto& found) {
        auto row = found;
        outcome = change(row.tags);
        if (outcome.ok()) txn.put(std::move(row));
    }));
    if (!outcome.ok()) return std::move(outcome).error();
    return Done{};
}

Result<Done> tag_resource(Txn& txn, const Call& call, const api::TagResourceRequest& request)
{
    ASSIGN_OR_RETURN(const Tags tags, read_tags(call, request.tags));
    return change_tags(txn, call, request.resource_arn, [&](Tags& own) { return merge_tags(call, own, tags); });
}

Result<Done> untag_resource(Txn& txn, const Call& call, const api::UntagResourceRequest& request)
{
    for (const auto& key : request.tag_keys)
        if (to_lower(key).starts_with("aws:")) return invalid(messages::tag_reserved);
    return change_tags(txn, call, request.resource_arn, [&](Tags& own) {
        std::erase_if(own, [&](const auto& tag) { return std::ranges::any_of(request.tag_keys, [&](const auto& key) { return key == tag.key; }); });
        return Result<>();
    });
}

// A host reads the tags of what is its own (a task asks it for them), and the account's owner all.
template <class Row>
Result<> may_read_tags(const View& view, const Call& call, const Row& row)
{
    if constexpr (std::is_same_v<Row, model::Instance>) return may_speak_for(call, row);
    if (call.principal.kind == Principal::Kind::root) return {};
    if constexpr (std::is_same_v<Row, model::Task>) {
        if (const auto instance = view.get<model::Instance>(row.instance)) return may_speak_for(call, *instance);
    }
    return access_denied(messages::tags_not_yours);
}

Result<Tags> list_tags(Txn& txn, const Call& call, const api::ListTagsForResourceRequest& request)
{
    Tags tags;
    Result<> allowed;
    RETURN_IF_ERROR(visit_resource(txn, call, request.resource_arn, [&](const auto& row) {
        allowed = may_read_tags(txn, call, row);
        tags = row.tags;
    }));
    if (!allowed.ok()) return std::move(allowed).error();
    return tags;
}

api::TagResourceResponse render_tagged(const Done&) { return {}; }
api::UntagResourceResponse render_untagged(const Done&) { return {}; }
api::ListTagsForResourceResponse render_tags(const Tags& tags)
{
    api::ListTagsForResourceResponse response;
    write_tags(tags, response.tags);
    return response;
}

}  // namespace

void serve_tags(Served& served)
{
    served.add<api::ops::TagResource>(tag_resource, render_tagged);
    served.add<api::ops::UntagResource>(untag_resource, render_untagged);
    served.add<api::ops::ListTagsForResource>(list_tags, render_tags).for_hosts();
}

}  // namespace boxship::services::ecs
