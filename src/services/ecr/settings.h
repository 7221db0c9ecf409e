// Reading what several requests set on a repository.
#pragma once

#include "services/ecr/common.h"

namespace boxship::services::ecr {

// Mode and filters together: a mode with exclusion needs 1 to 5 filters, the others take none.
Result<> set_mutability(model::Repository& repository, const shape::Opt<api::ImageTagMutability>& mode,
                        const shape::List<api::ImageTagMutabilityExclusionFilter>& filters);

// Adds to what is there; a key that is there already takes the new value.
Result<> add_tags(const Call& call, std::vector<model::KeyValue>& tags, const shape::List<api::Tag>& added);

}  // namespace boxship::services::ecr
