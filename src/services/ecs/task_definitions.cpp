// Describing, listing, deregistering and deleting task definitions.
#include <algorithm>

#include "ecs/ops.h"
#include "services/ecs/messages.h"
#include "services/ecs/rows.h"
#include "services/ecs/serve.h"

namespace boxship::services::ecs {
namespace {

using model::DefinitionStatus;

struct DescribedDefinition {
    DefinitionPtr definition;
    bool tags = false;
};

Result<DescribedDefinition> describe_task_definition(Txn& txn, const Call& call, const api::DescribeTaskDefinitionRequest& request)
{
    const auto definition = look_up_definition(txn, call, request.task_definition);
    if (!definition) return client_error(messages::definition_not_described);
    const bool tags = std::ranges::find(request.include, api::TaskDefinitionField::tags) != request.include.end();
    return DescribedDefinition{definition, tags};
}

api::DescribeTaskDefinitionResponse render_described(const DescribedDefinition& row)
{
    api::DescribeTaskDefinitionResponse response;
    render_definition(*row.definition, response.task_definition.emplace());
    response.tags.emplace();
    if (row.tags) write_tags(row.definition->tags, response.tags);
    return response;
}

Result<DefinitionPtr> deregister_task_definition(Txn& txn, const Call& call, const api::DeregisterTaskDefinitionRequest& request)
{
    const auto name = parse_definition_name(call, request.task_definition);
    if (name && name->revision == 0) return client_error(messages::definition_revision);
    const auto found = look_up_definition(txn, call, request.task_definition);
    if (!found) return client_error(messages::definition_missing);
    if (found->status != DefinitionStatus::active) return found;
    model::TaskDefinition definition = *found;
    definition.status = DefinitionStatus::inactive;
    definition.deregistered_at = call.now;
    txn.put(definition);
    return txn.get<model::TaskDefinition>(definition.id);
}

api::DeregisterTaskDefinitionResponse render_deregistered(const DefinitionPtr& definition)
{
    api::DeregisterTaskDefinitionResponse response;
    render_definition(*definition, response.task_definition.emplace());
    return response;
}

struct DeletedDefinitions {
    std::vector<DefinitionPtr> definitions;
    std::vector<FailureRow> failures;
};

Result<DeletedDefinitions> delete_task_definitions(Txn& txn, const Call& call, const api::DeleteTaskDefinitionsRequest& request)
{
    constexpr std::size_t definitions_max = 10;
    if (request.task_definitions.empty()) return invalid(messages::definitions_empty);
    if (request.task_definitions.size() > definitions_max) return invalid(messages::definitions_max);
    DeletedDefinitions rows;
    for (const auto& ref : request.task_definitions) {
        const auto name = parse_definition_name(call, ref);
        if (name && name->revision == 0) return invalid(messages::definition_revision);
        const auto found = look_up_definition(txn, call, ref);
        if (!found) {
            rows.failures.push_back({ref.str(), "TASK_DEFINITION_NOT_FOUND", messages::definition_missing});
            continue;
        }
        if (found->status == DefinitionStatus::active) {
            rows.failures.push_back({definition_arn(*found), "TASK_DEFINITION_ACTIVE", messages::definition_still_active});
            continue;
        }
        model::TaskDefinition definition = *found;
        if (definition.status == DefinitionStatus::inactive) {
            definition.status = DefinitionStatus::delete_in_progress;
            definition.delete_requested_at = call.now;
            txn.put(definition);
        }
        rows.definitions.push_back(txn.get<model::TaskDefinition>(definition.id));
    }
    return rows;
}

api::DeleteTaskDefinitionsResponse render_deleted(const DeletedDefinitions& rows)
{
    api::DeleteTaskDefinitionsResponse response;
    response.task_definitions.emplace();
    for (const auto& definition : rows.definitions) render_definition(*definition, response.task_definitions.emplace_back());
    write_failures(rows.failures, response.failures);
    return response;
}

DefinitionStatus to_model(api::TaskDefinitionStatus status)
{
    if (status == api::TaskDefinitionStatus::inactive) return DefinitionStatus::inactive;
    if (status == api::TaskDefinitionStatus::delete_in_progress) return DefinitionStatus::delete_in_progress;
    return DefinitionStatus::active;
}

// By family, then by revision; the token is the last "family:revision".
Result<ListRows> list_task_definitions(Txn& txn, const Call& call, const api::ListTaskDefinitionsRequest& request)
{
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    state::FamilyRevision after;
    if (!page.after.empty()) {
        const auto name = parse_definition_name(call, page.after);
        if (!name) return invalid(messages::page_token);
        after = {{call.scope, name->family}, name->revision};
    }
    const DefinitionStatus status = to_model(request.status.value_or(api::TaskDefinitionStatus::active));
    const bool descending = request.sort == api::SortOrder::desc;
    const std::string prefix = request.family_prefix.str();
    PageBuilder builder(page);
    const auto visit = [&](const auto& entry) {
        const auto& [name, id] = entry;
        if (name.family.scope != call.scope || (!prefix.empty() && name.family.name != prefix)) return true;
        if (!page.after.empty() && (descending ? name >= after : name <= after)) return true;
        const auto definition = txn.get<model::TaskDefinition>(id);
        return definition->status != status || builder.add(definition_name(*definition), definition_arn(*definition));
    };
    const auto& entries = txn.entries<state::DefinitionByRevision>();
    if (descending) {
        for (auto at = entries.rbegin(); at != entries.rend() && visit(*at);) ++at;
    } else {
        for (auto at = entries.lower_bound({{{call.scope, prefix}, 0}, TaskDefinitionId()}); at != entries.end() && visit(*at);) ++at;
    }
    return builder.take();
}

api::ListTaskDefinitionsResponse render_definitions(const ListRows& rows)
{
    api::ListTaskDefinitionsResponse response;
    response.task_definition_arns.assign(rows.items);
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

// A family is ACTIVE while one of its revisions is.
Result<ListRows> list_task_definition_families(Txn& txn, const Call& call, const api::ListTaskDefinitionFamiliesRequest& request)
{
    ASSIGN_OR_RETURN(const Page page, read_page(request.next_token, request.max_results));
    const auto status = request.status.value_or(api::TaskDefinitionFamilyStatus::all);
    const std::string prefix = request.family_prefix.str();
    PageBuilder builder(page);
    const auto& families = txn.rows<model::Family>();
    for (auto at = families.lower_bound({call.scope, std::max(prefix, page.after)}); at != families.end() && at->first.scope == call.scope; ++at) {
        const std::string& name = at->first.name;
        if (!name.starts_with(prefix)) break;
        if (name == page.after) continue;
        const bool active = newest_definition(txn, at->first, DefinitionStatus::active) != nullptr;
        if (!active && !newest_definition(txn, at->first, std::nullopt)) continue;  // all of it was deleted
        if (status == api::TaskDefinitionFamilyStatus::active && !active) continue;
        if (status == api::TaskDefinitionFamilyStatus::inactive && active) continue;
        if (!builder.add(name, name)) break;
    }
    return builder.take();
}

api::ListTaskDefinitionFamiliesResponse render_families(const ListRows& rows)
{
    api::ListTaskDefinitionFamiliesResponse response;
    response.families.assign(rows.items);
    if (!rows.next_token.empty()) response.next_token = rows.next_token;
    return response;
}

}  // namespace

void serve_task_definitions(Served& served)
{
    served.add<api::ops::DescribeTaskDefinition>(describe_task_definition, render_described);
    served.add<api::ops::DeregisterTaskDefinition>(deregister_task_definition, render_deregistered);
    served.add<api::ops::DeleteTaskDefinitions>(delete_task_definitions, render_deleted);
    served.add<api::ops::ListTaskDefinitions>(list_task_definitions, render_definitions);
    served.add<api::ops::ListTaskDefinitionFamilies>(list_task_definition_families, render_families);
}

}  // namespace boxship::services::ecs
