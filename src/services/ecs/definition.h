// What RegisterTaskDefinition does with a request, step by step: refuse what we do not do, fill in what AWS fills in,
// check the whole, take out the facts.
#pragma once

#include "ecs/types.h"
#include "services/ecs/names.h"

namespace boxship::services::ecs {

// Members that have no effect here yet are an error that names them, so that nobody believes in a health check that
// nobody runs. An empty list or object counts as absent.
Result<> refuse_unsupported(const api::RegisterTaskDefinitionRequest& request);

// The task definition as AWS would answer it, without what belongs to the revision (ARN, status, times).
api::TaskDefinition complete_definition(const api::RegisterTaskDefinitionRequest& request);

Result<> check_order(const api::TaskDefinition& definition);   // health checks, dependsOn, restart policies; part of:
Result<> check_definition(const Call& call, const api::TaskDefinition& definition);

// Network mode, sizes, compatibilities, required attributes, containers, roles.
void take_facts(const api::TaskDefinition& definition, const Call& call, model::TaskDefinition& row);

}  // namespace boxship::services::ecs
