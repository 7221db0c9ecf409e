#include "ecs/ops.h"
#include "services/ecs/definition.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"
#include "shape/write.h"

namespace boxship::services::ecs {
namespace {

Result<DefinitionPtr> register_task_definition(Txn& txn, const Call& call, const api::RegisterTaskDefinitionRequest& request)
{
    if (!is_plain_name(request.family)) return client_error(messages::family_name);
    RETURN_IF_ERROR(refuse_unsupported(request));
    const api::TaskDefinition definition = complete_definition(request);
    RETURN_IF_ERROR(check_definition(call, definition));
    model::TaskDefinition row;
    ASSIGN_OR_RETURN(row.tags, read_tags(call, request.tags));
    row.document = shape::write_json(definition);
    if (const auto most = call.quota(model::Quota::definition_bytes); row.document.size() > most)
        return client_error(say(messages::definition_size, row.document.size(), most));
    take_facts(definition, call, row);

    const model::ScopedName name{call.scope, request.family.str()};
    const auto known = txn.get<model::Family>(name);
    model::Family family = known ? *known : model::Family{.name = name};
    if (const auto most = call.quota(model::Quota::revisions_per_family); static_cast<std::size_t>(family.latest_revision) >= most)
        return client_error(say(messages::revisions_quota, most));
    row.id = call.ids.next<TaskDefinitionId>();
    row.scope = call.scope;
    row.family = name.name;
    row.revision = ++family.latest_revision;
    row.registered_at = call.now;
    row.registered_by = call.principal.arn;
    txn.put(family);
    txn.put(row);
    return txn.get<model::TaskDefinition>(row.id);
}

api::RegisterTaskDefinitionResponse render_registered(const DefinitionPtr& row)
{
    api::RegisterTaskDefinitionResponse response;
    render_definition(*row, response.task_definition.emplace());
    if (!row->tags.empty()) write_tags(row->tags, response.tags);
    return response;
}

}  // namespace

void serve_register_task_definition(Served& served)
{
    served.add<api::ops::RegisterTaskDefinition>(register_task_definition, render_registered);
}

}  // namespace boxship::services::ecs
