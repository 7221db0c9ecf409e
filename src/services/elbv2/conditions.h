// When a rule holds: read from the wire, checked, and written back.
#pragma once

#include "services/elbv2/common.h"

namespace boxship::services::elbv2 {

using Conditions = std::vector<model::RuleCondition>;
using ApiConditions = shape::List<api::RuleCondition>;

Result<Conditions> read_conditions(const Call& call, const ApiConditions& conditions);
void write_conditions(const Conditions& conditions, ApiConditions& list);

}  // namespace boxship::services::elbv2
