// Expressions of the cluster query language in requests.
#pragma once

#include <string_view>

#include "base/result.h"
#include "decide/query/query.h"

namespace boxship::services::ecs {

Result<decide::query::ExpressionPtr> read_expression(std::string_view text);  // InvalidParameterException

}  // namespace boxship::services::ecs
