// clientToken: one token, one effect, one answer.
#pragma once

#include <string>

#include "services/ecs/rows.h"

namespace boxship::services::ecs {

// What the request says apart from its token, as a digest.
std::string request_digest(shape::ConstRecordRef request);

}  // namespace boxship::services::ecs
