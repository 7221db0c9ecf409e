// What attributes of load balancers, listeners and target groups may be set to, each by itself.
#pragma once

#include <string_view>

#include "base/result.h"

namespace boxship::services::elbv2 {

Result<> check_attribute(std::string_view key, std::string_view value);

// A key that AWS has for load balancers, listeners or target groups of another kind than those served here.
bool is_of_other_kinds(std::string_view key);

}  // namespace boxship::services::elbv2
