// Tags of certificates.
#pragma once

#include "services/acm/common.h"

namespace boxship::services::acm {

Result<std::vector<model::KeyValue>> read_tags(const shape::List<api::Tag>& tags);
Result<> check_tag_count(const Call& call, std::size_t count);

}  // namespace boxship::services::acm
