#include "services/ecs/rows.h"

namespace boxship::services::ecs {
namespace {

api::TaskDefinitionStatus to_definition_status(model::DefinitionStatus status)
{
    switch (status) {
    case model::DefinitionStatus::active: return api::TaskDefinitionStatus::active;
    case model::DefinitionStatus::inactive: return api::TaskDefinitionStatus::inactive;
    case model::DefinitionStatus::delete_in_progress: return api::TaskDefinitionStatus::delete_in_progress;
    }
    return api::TaskDefinitionStatus::unknown;
}

}  // namespace

void render_definition(const model::TaskDefinition& definition, api::TaskDefinition& out)
{
    read_back(definition.document, out);
    out.task_definition_arn = definition_arn(definition);
    out.revision = definition.revision;
    out.status = to_definition_status(definition.status);
    for (const auto& attribute : definition.requires_attributes) {
        const auto equals = attribute.find('=');
        auto& entry = out.requires_attributes.emplace_back();
        entry.name = attribute.substr(0, equals);
        if (equals != std::string::npos) entry.value = attribute.substr(equals + 1);
    }
    out.registered_at = definition.registered_at;
    if (definition.deregistered_at) out.deregistered_at = definition.deregistered_at;
    if (definition.delete_requested_at) out.delete_requested_at = definition.delete_requested_at;
    out.registered_by = definition.registered_by;
}

}  // namespace boxship::services::ecs
