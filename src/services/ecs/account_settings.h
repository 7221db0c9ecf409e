// Account settings: a principal's own value, else the account's default, else AWS's.
#pragma once

#include <string>

#include "ecs/types.h"
#include "services/ecs/names.h"

namespace boxship::services::ecs {

// The value that counts for the caller.
std::string account_setting(const View& view, const Call& call, api::SettingName name);

}  // namespace boxship::services::ecs
