// Tags of certificates.
#pragma once

#include "services/acm/common.h"

namespace boxship::services::acm {

Result<std::vector<model::KeyValue>> read_tags(const shape::List<api::Tag>& tags);

}  // namespace boxship::services::acm
