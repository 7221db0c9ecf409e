// What the verbs on route tables share.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "services/call.h"
#include "state/view.h"

namespace boxship::services::ec2 {

using TablePtr = std::shared_ptr<const model::RouteTable>;
Result<TablePtr> required_table(const state::View& view, const Call& call, std::string_view name);

}  // namespace boxship::services::ec2
